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
import { type Lab, startLab } from './lab.ts';
import { Playing, until } from './play.ts';
import { quick } from './quick.ts';

const SCRIPT = resolve(import.meta.dirname, '../cluster/api-only.sh');
let lab: Lab;
let home: string;
beforeAll(async () => {
  lab = await startLab();
  home = dirname(lab.api.kubeconfig);
}, 900_000);
afterAll(() => lab.stop());

const control = (verb: 'start' | 'stop', name: string) => promisify(execFile)(SCRIPT, [verb, home, name]);
/** The CustomResourceDefinition's own paths come last. */
const isReady = async () =>
  (await lab.rest.get('/apis/postcheck.dev/v1alpha1/upgrades')).kind === 'UpgradeList';

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
  const story = quick(stories.retryThenGood('Deployment'));
  const { ending: expected } = await play(story);
  const playing = new Playing(lab, story, { limitMs: 120_000 });
  try {
    await playing.prepare();
    const passed = async () => (await lab.rest.get(playing.upgradePath())).status?.counts?.passed ?? 0;
    await until(async () => (await passed()) >= 1, 60_000);
    await withEtcdStopped((files, backup) => cpSync(files, backup, { recursive: true }));
    expect((await playing.end(expected)).ending).toEqual(expected);
    const done = playing.acts.length;

    await withEtcdStopped((files, backup) => {
      rmSync(files, { recursive: true });
      cpSync(backup, files, { recursive: true });
    });
    expect(await passed()).toBeLessThan(3);
    expect((await playing.end(expected)).ending).toEqual(expected);
    expect(playing.acts.length).toBeGreaterThan(done);
    expect(playing.violations).toEqual([]);
    // It ends by itself when it sees what has happened, and a new process begins with what there is.
    expect(playing.deaths).toBe(1);
  } finally {
    await playing.clear();
  }
}, 500_000);
