/** `kubectl postcheck` during a good and a bad upgrade on real nodes: what it tells, what it does, and its exit codes. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { env, execPath } from 'node:process';
import { expect, test } from '@jest/globals';
import { tool } from '../../packages/cli/test/cli-environment.ts';
import { scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { CONTAINER, image, upgrade } from './support/workloads.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the tool in a namespace of the cluster in use. */
async function cli(namespace: string, ...words: string[]): Promise<Ran> {
  const path = await tool();
  const where = env['CONTEXT']
    ? ['--context', env['CONTEXT']]
    : ['--kubeconfig', join(ROOT, '.cluster/kubeconfig')];
  return await new Promise((done) => {
    execFile(execPath, [path, ...words, '-n', namespace, ...where], (error, out, err) =>
      done({ code: error ? Number(error.code ?? 1) : 0, out, err }),
    );
  });
}

test(
  'follows a good and a bad version, and knows what each pod says',
  scenario('Deployment', 'kubectl postcheck', async (s) => {
    const run = (...words: string[]): Promise<Ran> => cli(s.namespace, ...words);
    await s.deploy('v1');
    const { out: printed } = await run('init', 'deploy/web');
    expect(printed).toContain('The image has /usr/bin/readiness_probe.sh, which runs by default.');
    await s.create(upgrade('Deployment', 'v2'));
    expect((await run('status', 'web', '--timeout', '120s')).code).toBe(0);
    expect((await run('probe', 'web')).code).toBe(0);

    const set = await run('set', 'image', 'web', `${CONTAINER}=${image('bad17')}`);
    expect(set.out).toContain(`container ${CONTAINER}: ${image('v2')} → ${image('bad17')}`);
    const { out: tree } = await waitFor(
      'a pod that says 17',
      () => run('tree', 'web'),
      ({ out }) => /gate CLOSED.*readiness-probe 17 after/.test(out),
    );
    expect(tree).toMatch(/probed every \d+s, deadline in/);
    const asked = await run('probe', 'web');
    expect([asked.code, asked.out]).toEqual([6, expect.stringMatching(/ 17 +Retry +ProbeFailed/)]);

    const aborted = await run('abort', 'web', '--wait', '--timeout', '120s');
    expect([aborted.code, aborted.out]).toEqual([2, expect.stringContaining('FellBack')]);
    expect((await run('why', 'web')).out).toMatch(/^FellBack, /);
    expect((await run('retry', 'web', '--dry-run')).out).toContain('attempt 3');
    expect((await run('logs', 'web')).out).toMatch(/FellBack|fell back|runs again/i);
  }),
  TEST_MS,
);
