/** The examples' applications as processes on this machine. What a cluster makes of them is tested in test/e2e. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { healthService, type Serving } from './grpc/health.ts';

jest.setTimeout(60_000);

let directory: string;
let child: ChildProcess | undefined;
let port: string;
let url: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'examples-'));
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = String((server.address() as { port: number }).port);
  url = `http://127.0.0.1:${port}`;
  server.close();
});
afterEach(async () => {
  if (child !== undefined && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(directory, { recursive: true });
});

/** Starts an example and waits for its first line. */
async function start(example: string, environment: Record<string, string> = {}): Promise<ChildProcess> {
  const env = {
    PORT: port,
    FLAG_DIRECTORY: directory,
    DRAIN_SECONDS: '1',
    PREPARE_SECONDS: '0.1',
    ...environment,
  };
  child = spawn(process.execPath, [join(import.meta.dirname, example, 'app.ts')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await nextLine(child);
  return child;
}

async function nextLine(app: ChildProcess): Promise<string> {
  return app.stdout === null ? '' : String((await once(app.stdout, 'data'))[0]);
}

async function exitCode(app: ChildProcess): Promise<number | null> {
  return app.exitCode ?? (await once(app, 'exit'))[0];
}

const ask = (path: string, method = 'GET'): Promise<Response> =>
  fetch(`${url}${path}`, { method, headers: { connection: 'close' } });

describe('liveness-readiness', () => {
  test('is ready while its flag exists, whatever the query, and answers HEAD without a body', async () => {
    await start('liveness-readiness');
    expect(existsSync(join(directory, 'live'))).toBe(true);
    expect((await ask('/readiness')).status).toBe(200);
    expect((await ask('/readiness?from=kubelet')).status).toBe(200);
    const head = await ask('/readiness', 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);

    unlinkSync(join(directory, 'ready'));
    expect((await ask('/readiness?')).status).toBe(503);
    expect((await ask('/', 'GET')).status).toBe(200);
    writeFileSync(join(directory, 'ready'), '');
    expect((await ask('/readiness')).status).toBe(200);
  });

  test('refuses other methods', async () => {
    await start('liveness-readiness');
    const refused = await ask('/readiness', 'POST');
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('on SIGTERM is not ready first, goes on serving, and then ends by itself with 0', async () => {
    const app = await start('liveness-readiness');
    const line = nextLine(app);
    app.kill('SIGTERM');
    await line;
    expect((await ask('/readiness')).status).toBe(503);
    expect((await ask('/')).status).toBe(200);
    expect(await exitCode(app)).toBe(0);
  });
});

describe('tcp', () => {
  async function connect(): Promise<ReturnType<typeof connectTcp>> {
    const socket = connectTcp(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  test('survives probes that connect and are gone', async () => {
    await start('tcp');
    for (let probe = 0; probe < 50; probe += 1) {
      (await connect()).resetAndDestroy();
    }
    const socket = await connect();
    expect(String((await once(socket, 'data'))[0])).toBe('version 1\n');
    socket.write('echo\n');
    expect(String((await once(socket, 'data'))[0])).toBe('echo\n');
    socket.destroy();
  });

  test('on SIGTERM takes no new connection, and lets the open ones go on for a while', async () => {
    const app = await start('tcp');
    const socket = await connect();
    await once(socket, 'data');
    const line = nextLine(app);
    app.kill('SIGTERM');
    await line;
    await expect(connect()).rejects.toThrow('ECONNREFUSED');
    socket.write('still here\n');
    expect(String((await once(socket, 'data'))[0])).toBe('still here\n');
    expect(await exitCode(app)).toBe(0);
  });
});

describe('grpc', () => {
  async function check(service: string): Promise<Serving | number> {
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const method = healthService.Check;
    try {
      return await new Promise((resolve) => {
        const done = (error: ServiceError | null, serving?: Serving): void =>
          resolve(error === null && serving !== undefined ? serving : (error?.code ?? -1));
        client.makeUnaryRequest(
          method?.path ?? '',
          method?.requestSerialize ?? Buffer.from,
          method?.responseDeserialize ?? String,
          { service },
          done,
        );
      });
    } finally {
      client.close();
    }
  }

  test('speaks the health protocol, and can be switched', async () => {
    const app = await start('grpc');
    expect([await check(''), await check('example'), await check('unknown')]).toEqual([
      'SERVING',
      'SERVING',
      5,
    ]);
    const line = nextLine(app);
    app.kill('SIGUSR2');
    await line;
    expect(await check('')).toBe('NOT_SERVING');
  });

  test('on SIGTERM says NOT_SERVING first, and ends by itself with 0', async () => {
    const app = await start('grpc');
    const line = nextLine(app);
    app.kill('SIGTERM');
    await line;
    expect(await check('')).toBe('NOT_SERVING');
    expect(await exitCode(app)).toBe(0);
  });
});

describe('the workers', () => {
  const probe = async (...args: string[]): Promise<number | null> => {
    const command = join(import.meta.dirname, '../packages/health/src/postcheck-health.ts');
    return exitCode(spawn(process.execPath, [command, ...args], { stdio: 'ignore' }));
  };

  async function eventually(expected: number, ...args: string[]): Promise<void> {
    for (let code = await probe(...args); code !== expected; code = await probe(...args)) {}
  }

  test('worker-heartbeat beats after its first job, hangs on demand, and takes its beat away when it stops', async () => {
    const file = join(directory, 'heartbeat');
    const app = await start('worker-heartbeat', { HEARTBEAT_FILE: file });
    await eventually(0, '--heartbeat', file);
    app.kill('SIGUSR2');
    await eventually(106, '--heartbeat', file, '--max-age-seconds', '1.5');
    app.kill('SIGKILL');

    const next = await start('worker-heartbeat', { HEARTBEAT_FILE: file });
    await eventually(0, '--heartbeat', file);
    next.kill('SIGTERM');
    expect(await exitCode(next)).toBe(0);
    expect(existsSync(file)).toBe(false);
  });

  test('worker-socket says what it lacks by a code of its own, and leaves no socket behind', async () => {
    const socket = join(directory, 'health.sock');
    const app = await start('worker-socket', { POSTCHECK_HEALTH_SOCKET: socket });
    expect(await probe('--socket', socket)).toBe(0);
    app.kill('SIGUSR2');
    await eventually(17, '--socket', socket);
    app.kill('SIGUSR2');
    await eventually(0, '--socket', socket);
    app.kill('SIGTERM');
    expect(await exitCode(app)).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });
});
