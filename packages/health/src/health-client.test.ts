/** The shell client, with each of the tools that it can use and with none of them. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Finished, run, start, workDirectory } from './fixtures/processes.ts';
import { healthCode } from './health-codes.ts';
import { startHealthServer } from './server.ts';

// Processes take their time on a busy machine.
jest.setTimeout(60_000);

const script = join(import.meta.dirname, '../health-client.sh');
const basics = ['timeout', 'head', 'id', 'dirname'];
let directory: ReturnType<typeof workDirectory>;
let socket: string;

beforeEach(() => {
  directory = workDirectory();
  socket = join(directory.path, 'health.sock');
});
afterEach(() => directory.remove());

/** Runs the script with nothing on its PATH but the named programs. */
async function probeWith(
  programs: string[],
  args: string[] = ['--socket', socket, '--timeout-seconds', '1'],
  options: object = {},
): Promise<Finished> {
  const path = join(directory.path, `bin-${programs.join('-')}`);
  mkdirSync(path, { recursive: true });
  for (const program of programs) {
    const target = (
      await run('sh', ['-c', `command -v ${program === 'python3' ? '/usr/bin/python3' : program}`])
    ).stdout.trim();
    expect(target).not.toBe('');
    try {
      symlinkSync(target, join(path, program));
    } catch {
      // There from an earlier call.
    }
  }
  return run('/bin/sh', [script, ...args], { env: { PATH: path }, ...options });
}

async function withServer(behaves: (connection: Socket) => void, body: () => Promise<void>): Promise<void> {
  const open: Socket[] = [];
  const server: Server = createServer((connection) => {
    open.push(connection);
    connection.on('error', () => undefined);
    behaves(connection);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  await body();
  server.close();
  for (const connection of open) {
    connection.destroy();
  }
}

describe.each(['nc', 'perl', 'python3'])('with %s', (tool) => {
  const programs = [...basics, tool];

  test('the responses of the real server are passed on', async () => {
    let verdict = 0;
    const server = await startHealthServer({ socket, check: () => verdict, cacheMs: 0 });
    expect(await probeWith(programs)).toMatchObject({ code: 0, stdout: '', stderr: 'healthy\n' });
    verdict = 17;
    expect(await probeWith(programs)).toMatchObject({ code: 17, stderr: 'code 17: unhealthy, code 17\n' });
    await server.close();
  });

  test('a socket without a listener is recognized', async () => {
    await (await start('naive-app.ts', [socket])).stop('SIGKILL');
    expect((await probeWith(programs)).code).toBe(healthCode.socketStale);
  });

  test.each<[string, number, (connection: Socket) => void]>([
    ['never answers', healthCode.noAnswer, () => undefined],
    ['answers half a line and goes on', healthCode.noAnswer, (connection) => connection.write('0')],
    [
      'closes without an answer',
      healthCode.closedEarly,
      (connection) => connection.on('data', () => connection.end()),
    ],
    [
      'closes after half an answer',
      healthCode.closedEarly,
      (connection) => connection.on('data', () => connection.end('0')),
    ],
    [
      'answers something else',
      healthCode.protocolError,
      (connection) => connection.end('HTTP/1.1 200 OK\r\n'),
    ],
    ['answers 256', healthCode.protocolError, (connection) => connection.end('256\n')],
    [
      'answers in pieces',
      17,
      (connection) => {
        connection.write('1');
        setTimeout(() => connection.end('7 no database\n'), 100);
      },
    ],
  ])('a server that %s gives %i', async (_what, code, behaves) => {
    await withServer(behaves, async () => expect((await probeWith(programs)).code).toBe(code));
  });
});

describe('without a connection', () => {
  const programs = [...basics, 'nc'];

  test('a missing socket and a plain file are recognized', async () => {
    expect((await probeWith(programs)).code).toBe(healthCode.socketMissing);
    writeFileSync(socket, '');
    expect((await probeWith(programs)).code).toBe(healthCode.notASocket);
  });

  test('a socket of another user is recognized', async () => {
    const server = await startHealthServer({ socket, check: () => true });
    const refused = await probeWith(programs, undefined, { uid: 65_534, gid: 65_534 });
    expect(refused.code).toBe(healthCode.permissionDenied);
    await server.close();
  });

  test('an image without a suitable tool gets a clear message', async () => {
    const { code, stderr } = await probeWith(basics);
    expect(code).toBe(118);
    expect(stderr).toContain('no nc with -U and -N, no perl and no python3 in this image');
  });

  test.each([
    [['--what']],
    [['--socket']],
    [['--timeout-seconds', '0']],
    [['--timeout-seconds', 'x']],
    [['--socket', '@name']],
  ])('%j is a wrong use', async (args) => {
    expect((await probeWith(programs, args)).code).toBe(healthCode.usage);
  });

  test('--help needs nothing', async () => {
    const { code, stdout } = await probeWith([...basics, 'sed'], ['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('--timeout-seconds');
  });
});
