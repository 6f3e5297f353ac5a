/** The libraries as an application's developer gets them: packed, installed into a project of its own, and used from there. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const packages = import.meta.dirname;
const tsc = join(packages, '../node_modules/.bin/tsc');
let project: string;

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'postcheck-packages-'));
  writeFileSync(join(project, 'package.json'), '{"name": "app", "private": true, "type": "module"}');
  const archives = ['health', 'kubelet-prober'].map((name) => {
    const args = ['pack', '--silent', '--pack-destination', project];
    return execFileSync('npm', args, { cwd: join(packages, name), encoding: 'utf8' })
      .trim()
      .split('\n')
      .at(-1);
  });
  run('npm', 'install', '--offline', '--silent', ...archives.map((name) => `./${name}`));
}, 120_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

test('a worker responds on its socket to the command', () => {
  writeFileSync(
    join(project, 'worker.mjs'),
    `import { execFileSync } from 'node:child_process';
     import { promisify } from 'node:util';
     import { execFile } from 'node:child_process';
     import { askHealth, startHealthServer } from '@postcheck/health';
     const health = await startHealthServer({ socket: '${join(project, 'run/health.sock')}', check: () => 17 });
     const { code } = await askHealth('${join(project, 'run/health.sock')}', 2000);
     const ended = await promisify(execFile)('npx', ['--offline', 'postcheck-health', '--socket', '${join(project, 'run/health.sock')}']).catch((error) => error);
     console.log(code, ended.code, ended.stderr.trim());
     await health.close();`,
  );
  expect(run('node', 'worker.mjs').trim()).toBe('17 17 code 17: unhealthy, code 17');
}, 60_000);

test('a port is probed as kubelet does', () => {
  writeFileSync(
    join(project, 'probe.mjs'),
    `import { createServer } from 'node:http';
     import { probe } from '@postcheck/kubelet-prober';
     const server = createServer((_, response) => response.writeHead(503).end()).listen(0, '127.0.0.1', async () => {
       const { port } = server.address();
       const target = { podIp: '127.0.0.1', ports: [] };
       const limits = { timeoutMs: 2000, totalMs: 2000, signal: AbortSignal.timeout(5000) };
       console.log((await probe({ httpGet: { port, path: '/' } }, target, limits)).output);
       server.close();
     });`,
  );
  expect(run('node', 'probe.mjs').trim()).toBe('HTTP probe failed with statuscode: 503');
}, 60_000);

test('their types describe their parameters', () => {
  writeFileSync(
    join(project, 'typed.mts'),
    `import { startHealthServer } from '@postcheck/health';
     import { probe } from '@postcheck/kubelet-prober';
     export const server = startHealthServer({ socket: '/run/health.sock', check: async () => true });
     // @ts-expect-error: a text is no answer
     export const wrong = startHealthServer({ socket: '/run/health.sock', check: () => 'fine' });
     export const probed = probe;`,
  );
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024'];
  const types = join(packages, '../node_modules/@types');
  expect(run(tsc, '--ignoreConfig', ...flags, '--typeRoots', types, '--types', 'node', 'typed.mts')).toBe('');
}, 60_000);
