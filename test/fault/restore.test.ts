/**
 * etcd restored from a backup under a running operator: versions go back, objects are what they were, and a watch from a version that is
 * no more is taken as if nothing had happened (kubernetes#107457). The operator is not restarted, as nobody knows to do that.
 */
import { execFile } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { play } from '../sim/run.ts';
import * as stories from '../sim/stories.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { withShortTimes } from './short-times.ts';
import { StoryRun, until } from './story-run.ts';

const SCRIPT = resolve(import.meta.dirname, '../cluster/api-only.sh');
let environment: Environment;
let home: string;
beforeAll(async () => {
  environment = await startEnvironment();
  home = dirname(environment.api.kubeconfig);
}, 900_000);
afterAll(() => environment.stop());

const control = (verb: 'start' | 'stop', name: string) => promisify(execFile)(SCRIPT, [verb, home, name]);
/** The CustomResourceDefinition's own paths come last. */
const isReady = async () =>
  (await environment.admin.get('/apis/postcheck.dev/v1alpha1/upgrades')).kind === 'UpgradeList';

/** Everything stands still while `change` is made to etcd's files; then it starts again. */
async function withEtcdStopped(change: (files: string, backup: string) => void): Promise<void> {
  for (const name of ['kube-controller-manager', 'kube-apiserver', 'etcd']) {
    await control('stop', name);
  }
  change(join(home, 'etcd'), join(home, 'backup'));
  await control('start', 'etcd');
  await control('start', 'kube-apiserver');
  await until(isReady, 60_000);
  // As the documentation of Kubernetes advises; for the operator nobody does it.
  await control('start', 'kube-controller-manager');
}

test('an upgrade that was done is done again from where the backup has it, by an operator that nobody restarted', async () => {
  const story = withShortTimes(stories.retryThenGood('Deployment'));
  const { ending: expected } = await play(story);
  const run = new StoryRun(environment, story, { limitMs: 120_000 });
  try {
    await run.prepare();
    const passed = async () => (await environment.admin.get(run.upgradePath())).status?.counts?.passed ?? 0;
    await until(async () => (await passed()) >= 1, 60_000);
    await withEtcdStopped((files, backup) => cpSync(files, backup, { recursive: true }));
    expect((await run.end(expected)).ending).toEqual(expected);
    const done = run.acts.length;

    await withEtcdStopped((files, backup) => {
      rmSync(files, { recursive: true });
      cpSync(backup, files, { recursive: true });
    });
    expect(await passed()).toBeLessThan(3);
    expect((await run.end(expected)).ending).toEqual(expected);
    expect(run.acts.length).toBeGreaterThan(done);
    expect(run.violations).toEqual([]);
    // It ends by itself when it sees what has happened, and a new process begins with what there is.
    expect(run.deaths).toBe(1);
  } finally {
    await run.clear();
  }
}, 500_000);
