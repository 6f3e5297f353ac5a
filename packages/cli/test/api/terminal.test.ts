/** `tree -w` in a real terminal: drawn in place, cut to the window, left as it was found. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ApiServer, eventually } from '../../../../test/api/api-server.ts';
import { createUpgrade, scratch, startEnvironment, statusOf, tool } from '../cli-environment.ts';

const SOCKET = `postcheck-cli-${process.pid}`;
const tmux = (...words: string[]): string =>
  execFileSync('tmux', ['-L', SOCKET, ...words], { encoding: 'utf8' });
const screen = (): string => tmux('capture-pane', '-p');

let api: ApiServer;

beforeAll(async () => {
  api = await startEnvironment('shop');
  api.kubectl(['create', 'deployment', 'web', '--image=registry.example/web:1.9', '-n', 'shop']);
  createUpgrade(api, 'shop', 'web', { scene: 'GateMissed' });
  const path = await tool();
  const environment = [`KUBECONFIG=${api.kubeconfig}`, 'PS1=ready$ ', `PATH=${process.env['PATH']}`];
  tmux(
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    '100',
    '-y',
    '20',
    'env',
    ...environment,
    'bash',
    '--norc',
  );
  await eventually(() => screen().includes('ready$'));
  tmux('send-keys', `node ${path} tree web -n shop -w; echo ended with $?`, 'Enter');
}, 600_000);

afterAll(() => {
  tmux('kill-server');
  api?.stop();
});

test('draws the tree in place, from the first line on', async () => {
  await eventually(() => screen().includes('Deployment web'));
  const [first, second] = screen().split('\n');
  expect(first).toMatch(/^updated \d\d:\d\d:\d\d, \d+ s ago; Ctrl-C ends$/);
  expect(second).toMatch(/^◌ Upgrade shop\/web {3}attempt 1: web=registry.example\/web:2.0 {3}PostChecking/);
  expect(tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim()).toBe('1 0');
}, 30_000);

test('follows the cluster', async () => {
  api.kubectl(['scale', 'deployment', 'web', '--replicas=0', '-n', 'shop']);
  await eventually(() => screen().includes('0 of 0 updated'));
}, 30_000);

test('fits into a window that was made small, and keeps what happens next in it', async () => {
  tmux('resize-window', '-x', '50', '-y', '4');
  await eventually(() => !screen().includes('Ctrl-C ends'));
  const lines = screen().trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(4);
  expect(lines[0]).toMatch(/^◌ Upgrade shop\/web .*…$/);
  expect(lines.at(-1)).toMatch(/^(If nothing changes|Verifying|Rolling)/);
  tmux('resize-window', '-x', '120', '-y', '24');
  await eventually(() => screen().includes('Ctrl-C ends'));
}, 30_000);

test('ends by itself when the Upgrade is decided, with the exit code of the verdict', async () => {
  createUpgrade(api, 'shop', 'web', { status: { ...statusOf('FellBack') } });
  await eventually(() => screen().includes('ended with 2'));
  expect(screen()).toContain('↩ Upgrade shop/web');
  expect(screen()).not.toContain('Ctrl-C ends');
  expect(tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim()).toBe('0 1');
}, 30_000);

test('Ctrl-C ends a tree that is not decided', async () => {
  createUpgrade(api, 'shop', 'web', { scene: 'GateMissed' });
  tmux('clear-history');
  tmux('send-keys', `clear; node ${await tool()} tree web -n shop -w; echo ended with $?`, 'Enter');
  await eventually(() => screen().includes('Ctrl-C ends'));
  tmux('send-keys', 'C-c');
  await eventually(() => /ended with 130\nready\$/.test(screen()));
  expect(screen()).toContain('◌ Upgrade shop/web');
  expect(tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim()).toBe('0 1');
}, 30_000);

test('an unhandled error is printed as one sentence, and the terminal is restored', async () => {
  const fault = 'data:text/javascript,process.on("SIGUSR2",()=>{throw new Error("late")})';
  const pidFile = join(scratch(), 'pid');
  const typed = `sh -c 'echo $$ > ${pidFile}; exec node --import "$0" "$@"' '${fault}' ${await tool()} tree web -n shop -w`;
  tmux('clear-history');
  tmux('send-keys', `clear; ${typed}; echo ended with $?`, 'Enter');
  await eventually(() => screen().includes('Ctrl-C ends'));
  process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGUSR2');
  await eventually(() => /ended with \d+\nready\$/.test(screen()));
  expect(screen()).toMatch(/error: late \(this is a bug in kubectl postcheck; please report it\)/);
  expect(screen()).toContain('ended with 1');
  expect(screen()).not.toMatch(/^\s+at /m);
  expect(tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim()).toBe('0 1');
}, 30_000);

test('Ctrl-C leaves the last picture and the prompt', async () => {
  createUpgrade(api, 'shop', 'web', { scene: 'GateMissed' });
  tmux('clear-history');
  tmux('send-keys', `clear; node ${await tool()} get -n shop -w; echo ended with $?`, 'Enter');
  await eventually(
    () =>
      screen().includes('PostChecking') && tmux('display-message', '-p', '#{alternate_on}').trim() === '1',
  );
  tmux('send-keys', 'C-c');
  await eventually(() => /ended with 0\nready\$/.test(screen()));
  expect(screen()).toMatch(/NAME +TARGET +PHASE[\s\S]*web +deployment\/web +PostChecking/);
  expect(tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}').trim()).toBe('0 1');
}, 30_000);
