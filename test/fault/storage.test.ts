/** etcd that is out of space, and the CustomResourceDefinition that is deleted: both concern every Upgrade at once. */
import { request } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NEW, OLD } from '../sim/stories.ts';
import { Attempt, LIMIT_MS } from './attempt.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { until } from './story-run.ts';

let environment: Environment;
beforeAll(async () => {
  environment = await startEnvironment();
}, 900_000);
afterAll(() => environment.stop());

/** etcd's own alarm, which makes it reject every write until somebody has made space and disarmed it. */
async function spaceAlarm(action: 'ACTIVATE' | 'DEACTIVATE'): Promise<void> {
  const socketPath = join(dirname(environment.api.kubeconfig), 'etcd.sock');
  const path = '/v3/maintenance/alarm';
  const status = await new Promise((resolve, reject) => {
    request({ socketPath, path, method: 'POST' }, (answer) =>
      answer.resume().on('end', () => resolve(answer.statusCode)),
    )
      .on('error', reject)
      .end(JSON.stringify({ action, memberID: '0', alarm: 'NOSPACE' }));
  });
  expect(status).toBe(200);
}

test.each([
  ['good', 'Succeeded'],
  ['bad', 'FellBack'],
] as const)(
  'etcd is out of space while a %s version is checked: it ends as it would have',
  async (how, phase) => {
    const attempt = new Attempt(environment);
    try {
      await attempt.prepare();
      await attempt.midWay();
      await spaceAlarm('ACTIVATE');
      try {
        const metadata = { annotations: { a: 'b' } };
        const write = environment.admin.patch(attempt.workloadPath(), { metadata });
        await expect(write).rejects.toThrow('database space exceeded');
        attempt.decide(how);
        await sleep(10_000);
      } finally {
        await spaceAlarm('DEACTIVATE');
      }
      await attempt.ends(phase, 3);
      expect([...attempt.violations, ...attempt.memory.errors]).toEqual([]);
    } finally {
      await attempt.clear();
    }
  },
  300_000,
);

const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/upgrades.postcheck.dev';

test('the CustomResourceDefinition is deleted: the attempt is rolled back first, pods start without it, and the same process goes on with the next one', async () => {
  const { admin } = environment;
  const attempt = new Attempt(environment);
  try {
    await attempt.prepare();
    await attempt.midWay();
    const { apiVersion, kind, metadata, spec } = await admin.get(CRD);
    const { spec: wanted } = await admin.get(attempt.upgradePath());
    await admin.remove(CRD);
    await until(async () => (await admin.find(CRD)) === undefined, LIMIT_MS);
    await attempt.serves(3, OLD);
    const [pod] = await attempt.pods();
    await admin.remove(attempt.path('v1', 'pods', pod.metadata.name));
    await until(
      async () => (await admin.find(attempt.path('v1', 'pods', pod.metadata.name))) === undefined,
      LIMIT_MS,
    );
    await attempt.serves(3, OLD);

    const { name, annotations } = metadata;
    await admin.create(dirname(CRD), { apiVersion, kind, metadata: { name, annotations }, spec });
    attempt.decide('good');
    const upgrades = attempt.path('postcheck.dev/v1alpha1', 'upgrades');
    await until(async () => {
      await admin.create(upgrades, {
        apiVersion: 'postcheck.dev/v1alpha1',
        kind: 'Upgrade',
        metadata: { name: 'web' },
        spec: wanted,
      });
      return true;
    }, LIMIT_MS);
    await attempt.ends('Succeeded', 3);
    await attempt.serves(3, NEW);
    expect(attempt.deaths).toBe(0);
    expect([...attempt.violations, ...attempt.memory.errors]).toEqual([]);
  } finally {
    await attempt.clear();
  }
}, 300_000);
