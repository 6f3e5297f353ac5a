/** A test file that fails before it stops its API server leaves it running: the end of the run ends it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { execPath, kill } from 'node:process';
import { expect, test } from '@jest/globals';
import { eventually } from './api-server.ts';

const ROOT = join(import.meta.dirname, '../..');
/** One run: prints the process of the API server that its tests did not stop, before and after its end. */
const RUN = `
  const { default: setup, teardown } = await import('./test/support/temporary-folder.ts');
  const { startApiServer } = await import('./test/api/api-server.ts');
  setup();
  const home = (await import('node:path')).dirname(startApiServer().kubeconfig);
  const { execFileSync } = await import('node:child_process');
  console.log(execFileSync('test/cluster/api-only.sh', ['pid', home, 'kube-apiserver'], { encoding: 'utf8' }));
  teardown();
`;

function isGone(pid: number): boolean {
  try {
    return !kill(pid, 0);
  } catch {
    return true;
  }
}

test('an API server that no test has stopped ends with the run', async () => {
  const printed = execFileSync(execPath, ['--input-type=module', '-e', RUN], { cwd: ROOT, encoding: 'utf8' });
  const pid = Number(printed.trim());
  expect(pid).toBeGreaterThan(1);
  await eventually(() => isGone(pid));
}, 120_000);
