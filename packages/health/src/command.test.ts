/** The command, bundled into one file as images carry it, run as a probe runs it. */

import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { buildSync } from 'esbuild';
import { type Finished, run, start, workDirectory } from './fixtures/processes.ts';
import { healthCode } from './health-codes.ts';
import { startHeartbeat } from './heartbeat.ts';
import { type HealthServer, startHealthServer } from './server.ts';

// Processes take their time on a busy machine.
jest.setTimeout(60_000);

const bundleDirectory = workDirectory();
const bundle = join(bundleDirectory.path, 'postcheck-health');
let directory: ReturnType<typeof workDirectory>;
let socket: string;
let server: HealthServer | undefined;

beforeAll(() => {
  const entry = join(import.meta.dirname, 'postcheck-health.ts');
  buildSync({
    entryPoints: [entry],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
  });
});
afterAll(() => bundleDirectory.remove());
beforeEach(() => {
  directory = workDirectory();
  socket = join(directory.path, 'health.sock');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  directory.remove();
});

function probe(args: string[], options: object = {}): Promise<Finished> {
  return run(process.execPath, [bundle, ...args], options);
}

const nobody = { uid: 65_534, gid: 65_534 };

test('a response becomes the exit code, and its message one line on stderr', async () => {
  server = await startHealthServer({ socket, check: () => 17 });
  expect(await probe(['--socket', socket])).toMatchObject({
    code: 17,
    stdout: '',
    stderr: 'code 17: unhealthy, code 17\n',
  });
});

test('the socket may be set in the environment', async () => {
  server = await startHealthServer({ socket, check: () => true });
  expect(await probe([], { env: { POSTCHECK_HEALTH_SOCKET: socket } })).toMatchObject({
    code: 0,
    stderr: 'healthy\n',
  });
});

test('an application provides it as "npm run hc", and npm passes on the exit code', async () => {
  server = await startHealthServer({ socket, check: () => 17 });
  writeFileSync(
    join(directory.path, 'package.json'),
    JSON.stringify({ scripts: { hc: `"${process.execPath}" ${bundle} --socket ${socket}` } }),
  );
  expect((await run('npm', ['run', '--silent', 'hc'], { cwd: directory.path })).code).toBe(17);
});

test('an application that never responds fails after --timeout-seconds', async () => {
  const silent = createServer((connection) => connection.resume()).listen(socket);
  expect(await probe(['--socket', socket, '--timeout-seconds', '0.2'])).toMatchObject({
    code: healthCode.noAnswer,
  });
  await new Promise((resolve) => silent.close(resolve));
});

test('an image without any other program is enough', async () => {
  const path = join(directory.path, 'beat');
  await (await startHeartbeat({ path })).beat();
  expect((await probe(['--heartbeat', path], { env: { PATH: '' } })).code).toBe(0);
});

describe('another user', () => {
  test('may not connect to the socket: the application is not its own', async () => {
    server = await startHealthServer({ socket, check: () => true });
    const refused = await probe(['--socket', socket], nobody);
    expect(refused.code).toBe(healthCode.permissionDenied);
    expect(refused.stderr).toContain('uid 65534');
  });

  test('may connect when it shares the group', async () => {
    server = await startHealthServer({ socket, check: () => true });
    chownSync(socket, 0, 65_534);
    expect((await probe(['--socket', socket], nobody)).code).toBe(0);
  });

  test('may read a heartbeat that it may not remove', async () => {
    const path = join(directory.path, 'beat');
    await (await startHeartbeat({ path })).beat();
    expect((await probe(['--heartbeat', path], nobody)).code).toBe(0);
    expect((await probe(['--heartbeat', path, '--consume'], nobody)).code).toBe(healthCode.beatUnreadable);
  });

  test('may not remove it from a sticky directory either', async () => {
    const sticky = join(directory.path, 'sticky');
    mkdirSync(sticky);
    chmodSync(sticky, 0o1777);
    const path = join(sticky, 'beat');
    await (await startHeartbeat({ path })).beat();
    expect((await probe(['--heartbeat', path, '--consume'], nobody)).code).toBe(healthCode.beatUnreadable);
  });
});

test('a heartbeat is consumed once', async () => {
  const path = join(directory.path, 'beat');
  await (await startHeartbeat({ path })).beat();
  expect((await probe(['--heartbeat', path, '--consume'])).code).toBe(0);
  expect((await probe(['--heartbeat', path, '--consume'])).code).toBe(healthCode.beatMissing);
});

test('a heartbeat that is too old, and one whose writer has exited, have separate exit codes', async () => {
  const path = join(directory.path, 'beat');
  const worker = await start('worker.ts', [path, '20']);
  await new Promise((resolve) => setTimeout(resolve, 300));
  worker.child.kill('SIGUSR2');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect((await probe(['--heartbeat', path, '--max-age-seconds', '0.1'])).code).toBe(healthCode.beatTooOld);
  await worker.stop('SIGKILL');
  expect((await probe(['--heartbeat', path, '--max-age-seconds', '60'])).code).toBe(
    healthCode.beatProcessGone,
  );
});

test('--help names every exit code', async () => {
  const { code, stdout } = await probe(['--help']);
  expect(code).toBe(0);
  for (const value of Object.values(healthCode)) {
    expect(stdout).toMatch(new RegExp(`^ *${value}  `, 'm'));
  }
});

test.each([
  [['--what']],
  [['positional']],
  [['--timeout-seconds', '0']],
  [['--timeout-seconds', 'soon']],
  [['--timeout-seconds=-1']],
  [['--consume']],
  [['--max-age-seconds', '5']],
  [['--heartbeat', '/tmp/x', '--socket', '/tmp/y']],
  [['--heartbeat', '/tmp/x', '--consume', '--max-age-seconds', '5']],
  [['--socket', '']],
])('%j is refused as a wrong use, not reported as an unhealthy application', async (args) => {
  const { code, stderr } = await probe(args);
  expect(code).toBe(healthCode.usage);
  expect(stderr).toMatch(/^code 119: .+\n$/);
});

test('it takes less than three times as long as Node alone', async () => {
  server = await startHealthServer({ socket, check: () => true });
  const timed = async (args: string[]): Promise<number> => {
    const startedMs = performance.now();
    await run(process.execPath, args);
    return performance.now() - startedMs;
  };
  const best = { node: Number.POSITIVE_INFINITY, probe: Number.POSITIVE_INFINITY };
  for (let round = 0; round < 7; round += 1) {
    best.node = Math.min(best.node, await timed(['--eval', '0']));
    best.probe = Math.min(best.probe, await timed([bundle, '--socket', socket]));
  }
  expect(best.probe / best.node).toBeLessThan(3);
});
