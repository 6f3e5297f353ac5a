/** What the server does on its socket, for the real client and for raw connections. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { askHealth } from './client.ts';
import { eventually, start, workDirectory } from './fixtures/processes.ts';
import { healthCode } from './health-codes.ts';
import { type HealthServer, type HealthServerOptions, startHealthServer } from './server.ts';

// Processes take their time on a busy machine.
jest.setTimeout(60_000);

let directory: ReturnType<typeof workDirectory>;
let socket: string;
let server: HealthServer | undefined;

beforeEach(() => {
  directory = workDirectory();
  socket = join(directory.path, 'health.sock');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  directory.remove();
});

async function serve(options: Partial<HealthServerOptions> = {}): Promise<void> {
  server = await startHealthServer({ socket, check: async () => true, cacheMs: 0, ...options });
}

async function codeNow(timeoutMs = 5000): Promise<number> {
  return (await askHealth(socket, timeoutMs)).code;
}

/** Sends text and gives everything that comes back until the server closes. */
async function exchange(text: string, end: boolean): Promise<string> {
  const connection = connect(socket);
  let answer = '';
  connection.on('data', (piece) => {
    answer += piece;
  });
  end ? connection.end(text) : connection.write(text);
  await once(connection, 'close');
  return answer;
}

test('the response is the current result of the check', async () => {
  let verdict: boolean | number = true;
  await serve({ check: async () => verdict });
  const codes: number[] = [];
  for (verdict of [true, false, 17, true]) {
    codes.push(await codeNow());
  }
  expect(codes).toEqual([0, healthCode.unhealthy, 17, 0]);
});

test('the reason of a failing check reaches the client', async () => {
  await serve({ check: () => Promise.reject(new Error('queue\nunreachable')) });
  expect(await askHealth(socket, 5000)).toEqual({
    code: healthCode.checkFailed,
    message: 'the check failed: queue unreachable',
  });
});

test('a check that hangs is reported within its timeout, so the client learns the cause', async () => {
  await serve({ check: () => new Promise(() => undefined), checkTimeoutMs: 50 });
  expect(await codeNow()).toBe(healthCode.checkTimedOut);
});

test('requests get one response each and in order, even if merged or split', async () => {
  let turn = 2;
  await serve({
    check: () => {
      turn += 1;
      return turn;
    },
  });
  expect(await exchange('hc\nhc\n', true)).toMatch(/^3 .*\n3 .*\n$/);

  const connection = connect(socket);
  for (const piece of ['h', 'c', '\nh', 'c\n']) {
    connection.write(piece);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  let answer = '';
  connection.on('data', (data) => {
    answer += data;
  });
  connection.end();
  await once(connection, 'close');
  expect(answer.match(/\n/g)).toHaveLength(2);
});

test('an incomplete request gets no response', async () => {
  await serve();
  expect(await exchange('hc', true)).toBe('');
});

test.each(['HC\n', 'GET / HTTP/1.1\r\n\r\n', '\n', `${'x'.repeat(1000)}`, 'hc\n'.repeat(17)])(
  '%j is refused with a reason, and the connection ends',
  async (text) => {
    await serve();
    expect(await exchange(text, true)).toMatch(
      /112 (unknown request|request too long|too many requests on one connection)\n$/,
    );
  },
);

test('a connection without a request is closed after its timeout', async () => {
  await serve({ connectionTimeoutMs: 50 });
  expect(await exchange('', false)).toBe('');
});

test('connections beyond the limit are closed immediately, and a closed one makes room for another', async () => {
  await serve({ maxConnections: 3 });
  const held: Socket[] = [connect(socket), connect(socket), connect(socket)];
  await Promise.all(held.map((connection) => once(connection, 'connect')));
  await eventually('the server is full', async () => (await codeNow()) === healthCode.closedEarly);
  for (const connection of held) {
    connection.destroy();
  }
  await eventually('there is room again', async () => (await codeNow()) === 0);
});

test('concurrent probes share one run of the check', async () => {
  const check = jest.fn(async () => true);
  await serve({ check, cacheMs: 60_000 });
  const codes = await Promise.all(Array.from({ length: 50 }, () => codeNow()));
  expect(new Set(codes)).toEqual(new Set([0]));
  expect(check).toHaveBeenCalledTimes(1);
});

test('an abstract name works like a path, without any file', async () => {
  socket = `@postcheck-test-${process.pid}`;
  await serve();
  expect(await codeNow()).toBe(0);
  await server?.close();
  server = undefined;
  expect(await codeNow()).toBe(healthCode.socketMissing);
});

test('a blocked event loop sends no response, and responds again when it is free', async () => {
  const app = await start('app.ts', [socket, 'block']);
  try {
    expect(await codeNow()).toBe(0);
    app.child.kill('SIGUSR2');
    if (app.child.stdout !== null) {
      await once(app.child.stdout, 'data');
    }
    expect(await codeNow(300)).toBe(healthCode.noAnswer);
    expect(await codeNow(10_000)).toBe(0);
  } finally {
    await app.stop('SIGKILL');
  }
});
