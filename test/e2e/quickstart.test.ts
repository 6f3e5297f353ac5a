/**
 * A newcomer's path: the commands of examples/quickstart/README.md as they are written there, in their order, and what they print.
 * The images are stand-ins under their public names, as the test cluster reaches no registry.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { blocksOf } from '../support/pages.ts';
import { loadImages } from './support/manifests.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const TEST_MS = 900_000;
const blocks = blocksOf(join(ROOT, 'examples/quickstart/README.md'));
const folder = mkdtempSync(join(tmpdir(), 'postcheck-quickstart-'));
const kubeconfig = env.CONTEXT ? join(folder, 'kubeconfig') : join(ROOT, '.cluster/kubeconfig');

/** As somebody types it into a shell, in the root of a checkout. */
function type(commands: string): { readonly status: number | null; readonly printed: string } {
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...env, KUBECONFIG: kubeconfig, PATH: `${join(ROOT, '.cluster/bin')}:${env.PATH}` },
  });
  return { status, printed: status === 0 ? stdout.trim() : `${stdout}${stderr}` };
}

/** What differs from run to run: times, and the names of pods and nodes. */
const skeleton = (text: string): string =>
  text
    .replaceAll(/\bin \d+[smh](\d+s)?\b/g, 'in TIME')
    .replaceAll(/\bpod web-\S+ on [\w-]+( \(and \d+ more\))?/g, 'POD');

beforeAll(() => {
  if (env.CONTEXT) {
    // The page names no context: it means the present one.
    const view = ['config', 'view', '--raw', '--minify', '--context', env.CONTEXT];
    writeFileSync(kubeconfig, execFileSync('kubectl', view), { mode: 0o600 });
  }
  loadImages('examples/quickstart/images.sh');
  type('kubectl delete namespace quickstart --ignore-not-found');
}, TEST_MS);
afterAll(() => {
  type('kubectl delete namespace quickstart --ignore-not-found --wait=false');
  rmSync(folder, { recursive: true });
});

test(
  'each command works in its turn, and prints what the page says',
  () => {
    const commands = blocks.flatMap((block, at) => (block.language === 'sh' ? [at] : []));
    expect(commands.length).toBeGreaterThan(6);
    for (const at of commands) {
      const { text } = blocks[at] ?? { text: '' };
      const after = blocks[at + 1];
      const { status, printed } = type(text);
      expect({ text, status, printed }).toMatchObject({ text, status: 0 });
      if (after?.language === 'text') {
        expect(skeleton(printed)).toBe(skeleton(after.text));
      }
    }
  },
  TEST_MS,
);
