/** What is left on disk, and who may take it over. */

import { chownSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { askHealth } from './client.ts';
import { run, start, workDirectory } from './fixtures/processes.ts';
import { startHealthServer } from './server.ts';

// Processes take their time on a busy machine.
jest.setTimeout(60_000);

let directory: ReturnType<typeof workDirectory>;
let socket: string;

beforeEach(() => {
  directory = workDirectory();
  socket = join(directory.path, 'run', 'health.sock');
});
afterEach(() => {
  directory.remove();
});

const serve = (at = socket): ReturnType<typeof startHealthServer> =>
  startHealthServer({ socket: at, check: () => true });
const codeNow = async (): Promise<number> => (await askHealth(socket, 5000)).code;

test('the directory and the socket are for owner and group only, and nothing else is made', async () => {
  const server = await serve();
  expect((statSync(join(directory.path, 'run')).mode & 0o777).toString(8)).toBe('750');
  expect((statSync(socket).mode & 0o777).toString(8)).toBe('660');
  expect(readdirSync(join(directory.path, 'run'))).toEqual(['health.sock']);
  await server.close();
  expect(readdirSync(join(directory.path, 'run'))).toEqual([]);
});

test('the naive application does not start again after a SIGKILL: its socket is still there', async () => {
  const flat = join(directory.path, 'health.sock');
  await (await start('naive-app.ts', [flat])).stop('SIGKILL');
  await expect(start('naive-app.ts', [flat])).rejects.toThrow('EADDRINUSE');
});

test.each<NodeJS.Signals>(['SIGKILL', 'SIGTERM'])(
  'ours starts again after a bare %s, and takes over the socket that is left',
  async (signal) => {
    await (await start('app.ts', [socket])).stop(signal);
    expect(existsSync(socket)).toBe(true);
    const again = await start('app.ts', [socket]);
    expect(await codeNow()).toBe(0);
    await again.stop('SIGKILL');
  },
);

test('a clean stop leaves nothing behind', async () => {
  const app = await start('app.ts', [socket, 'graceful']);
  expect(await app.stop('SIGTERM')).toBe(0);
  expect(existsSync(socket)).toBe(false);
});

test('a second server refuses to start while the first one responds, which continues', async () => {
  const server = await serve();
  await expect(serve()).rejects.toThrow(/in use: a process responds/);
  expect(await codeNow()).toBe(0);
  await server.close();

  const abstract = `@postcheck-test-${process.pid}-twice`;
  const first = await serve(abstract);
  await expect(serve(abstract)).rejects.toThrow(/EADDRINUSE/);
  await first.close();
});

test('what is not a socket is never removed', async () => {
  const file = join(directory.path, 'data');
  writeFileSync(file, 'precious');
  await expect(serve(file)).rejects.toThrow(/not a socket/);
  expect(readFileSync(file, 'utf8')).toBe('precious');
});

test('a socket of another user is never removed', async () => {
  await (await start('app.ts', [socket])).stop('SIGKILL');
  chownSync(socket, 65_534, 65_534);
  await expect(serve()).rejects.toThrow(/socket of uid 65534/);
  expect(existsSync(socket)).toBe(true);
});

test('a plain net.Server that closes late removes the socket of its successor', async () => {
  const flat = join(directory.path, 'health.sock');
  const [older, newer] = [createServer(), createServer()];
  await new Promise<void>((resolve) => older.listen(flat, resolve));
  rmSync(flat);
  await new Promise<void>((resolve) => newer.listen(flat, resolve));
  await new Promise((resolve) => older.close(resolve));
  expect(existsSync(flat)).toBe(false);
  await new Promise((resolve) => newer.close(resolve));
});

test('ours does not remove it', async () => {
  const older = await serve();
  rmSync(socket);
  const newer = await serve();
  await older.close();
  expect(await codeNow()).toBe(0);
  await newer.close();
});

test('a path too long to bind is rejected before anything is created', async () => {
  const long = join(directory.path, 'new', 'x'.repeat(100));
  await expect(serve(long)).rejects.toThrow(/bytes, more than/);
  expect(existsSync(join(directory.path, 'new'))).toBe(false);
});

test('a component of the path that is a file is named', async () => {
  writeFileSync(join(directory.path, 'run'), '');
  await expect(serve()).rejects.toThrow(/a part of the path is not a directory/);
});

test('on a read-only file system the error says what to do, and an abstract name works', async () => {
  const app = join(import.meta.dirname, 'fixtures', 'app.ts');
  const mounted = `mount -t tmpfs -o ro none "$1" && exec "$2" "$3"`;
  const refused = await run('unshare', [
    '-m',
    'sh',
    '-c',
    `${mounted} "$1/run/health.sock"`,
    'sh',
    directory.path,
    process.execPath,
    app,
  ]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toMatch(/read-only; mount an emptyDir there or use an abstract name/);

  const name = `@postcheck-test-${process.pid}-readonly`;
  const running = await start('app.ts', [name]);
  expect((await askHealth(name, 5000)).code).toBe(0);
  await running.stop('SIGKILL');
});

test('the server does not keep a process alive that has finished its work', async () => {
  const program = `
    const { startHealthServer } = await import(${JSON.stringify(join(import.meta.dirname, 'server.ts'))});
    await startHealthServer({ socket: process.argv[1], check: () => true });
    console.log('done');`;
  const finished = await run(process.execPath, ['--input-type=module', '--eval', program, socket]);
  expect(finished).toMatchObject({ code: 0, stdout: 'done\n' });
});
