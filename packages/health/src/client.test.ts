/** The client against servers that misbehave; against the real one it is tested in server.test.ts. */

import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { askHealth } from './client.ts';
import { start, workDirectory } from './fixtures/processes.ts';
import { healthCode } from './health-codes.ts';

let directory: ReturnType<typeof workDirectory>;
let socket: string;
let stops: (() => void)[];

beforeEach(() => {
  directory = workDirectory();
  socket = join(directory.path, 'health.sock');
  stops = [];
});
afterEach(() => {
  for (const stop of stops) {
    stop();
  }
  directory.remove();
});

async function serverThat(behaves: (connection: Socket) => void): Promise<void> {
  const server = createServer((connection) => {
    stops.push(() => connection.destroy());
    connection.on('error', () => undefined);
    behaves(connection);
  });
  stops.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
}

/** Asks with a limit far beyond jest's own: whatever is answered was known at once. */
async function codeAtOnce(): Promise<number> {
  return (await askHealth(socket, 600_000)).code;
}

test('a server that accepts and never responds is given up after the timeout', async () => {
  await serverThat(() => undefined);
  const startedMs = performance.now();
  expect((await askHealth(socket, 100)).code).toBe(healthCode.noAnswer);
  expect(performance.now() - startedMs).toBeGreaterThan(90);
});

test('an incomplete response is not a response', async () => {
  await serverThat((connection) => connection.write('0'));
  expect((await askHealth(socket, 100)).code).toBe(healthCode.noAnswer);
});

test('a close without a response is reported immediately', async () => {
  await serverThat((connection) => connection.on('data', () => connection.end()));
  expect(await codeAtOnce()).toBe(healthCode.closedEarly);
});

test('a close during a response is reported immediately, even if the received part looks healthy', async () => {
  await serverThat((connection) => connection.on('data', () => connection.end('0')));
  expect(await codeAtOnce()).toBe(healthCode.closedEarly);
});

test('a reset connection is the same as a closed one', async () => {
  await serverThat((connection) => connection.destroy());
  expect(await codeAtOnce()).toBe(healthCode.closedEarly);
});

test('a response in pieces is joined: "1", then "7"', async () => {
  await serverThat((connection) => {
    connection.write('1');
    setTimeout(() => connection.write('7'), 20);
    setTimeout(() => connection.write('\n'), 40);
  });
  expect(await codeAtOnce()).toBe(17);
});

test.each(['healthy', '256', '-1', '', 'HTTP/1.1 200 OK'])(
  'the answer %j is a protocol error',
  async (answer) => {
    await serverThat((connection) => connection.write(`${answer}\n`));
    expect(await codeAtOnce()).toBe(healthCode.protocolError);
  },
);

test('an endless response is cut off', async () => {
  await serverThat((connection) => connection.write('0'.repeat(5000)));
  expect(await codeAtOnce()).toBe(healthCode.protocolError);
});

test('a missing socket, a plain file and a socket that nobody listens on are three causes', async () => {
  const missing = await askHealth(socket, 1000);
  writeFileSync(socket, '');
  const plain = await askHealth(socket, 1000);
  rmSync(socket);
  await (await start('naive-app.ts', [socket])).stop('SIGKILL');
  const stale = await askHealth(socket, 1000);

  expect([missing.code, plain.code, stale.code]).toEqual([
    healthCode.socketMissing,
    healthCode.notASocket,
    healthCode.socketStale,
  ]);
  expect(new Set([missing.message, plain.message, stale.message]).size).toBe(3);
});

test('a directory that is a file, and an abstract name that nobody has, are "missing" too', async () => {
  writeFileSync(socket, '');
  expect((await askHealth(join(socket, 'below'), 1000)).code).toBe(healthCode.socketMissing);
  expect((await askHealth('@postcheck-test-nobody', 1000)).code).toBe(healthCode.socketMissing);
});

test('a path that the system would shorten is refused', async () => {
  const reply = await askHealth(join(directory.path, 'x'.repeat(108)), 1000);
  expect(reply.code).toBe(healthCode.usage);
  expect(reply.message).toContain('107');
});
