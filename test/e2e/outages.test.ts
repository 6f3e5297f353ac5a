/**
 * kube-apiserver, etcd and a node are killed in the middle of attempts, and return. Two replicas of the operator are processes of this machine,
 * started again whenever they end; the installed one is away: runs alone.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { Api, type Json } from './support/api.ts';
import { without } from './support/cluster.ts';
import { STARTS_LATE, saw17 } from './support/endings.ts';
import { expectProtected, expectServing } from './support/expectations.ts';
import { Replicas, withoutInstalled } from './support/local-operator.ts';
import { isReady } from './support/pod-history.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { NAME, type Overrides, type Shape, upgrade } from './support/workloads.ts';

const api = new Api();
let operator: Replicas;
let bringBack = async (): Promise<void> => {};
beforeAll(async () => {
  bringBack = await withoutInstalled(api);
}, TEST_MS);
afterAll(() => bringBack(), TEST_MS);
beforeEach(() => {
  operator = new Replicas('default');
});
afterEach(() => operator.stop());

type Both = (good: Scenario, bad: Scenario) => Promise<void>;

/** Two scenarios at the same time, and what the operator said if they fail. */
const both = (name: string, goodShape: Shape, badShape: Shape, body: Both): (() => Promise<void>) =>
  scenario(goodShape, `${name} good`, (good) =>
    scenario(badShape, `${name} bad`, async (bad) => {
      for (const { pods, namespace } of [good, bad]) {
        pods.outlive(api, namespace);
      }
      try {
        await body(good, bad);
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.stack : error}\n--- operator\n${operator.said}`);
      }
    })(),
  );

const bad17 = ({ shape }: Scenario): Json => upgrade(shape, 'bad17', { postCheck: { deadlineSeconds: 30 } });

/** Both end as they would have without an outage, each in the attempt that was under way before. */
async function expectEndings(good: Scenario, bad: Scenario, before: readonly Json[]): Promise<void> {
  const ends = await Promise.all([good.until('Succeeded', 120), bad.until('FellBack', 120)]);
  for (const [index, { attempt, history, phase }] of ends.entries()) {
    const { id, startedAt } = before[index].attempt;
    expect({ attempt, history }).toMatchObject({
      attempt: { id, startedAt, number: 1 },
      history: [{ outcome: phase }],
    });
  }
  expect(ends[1].message).toMatch(/exited 17 \(ProbeFailed\).* until the deadline of 30s/);
  await Promise.all([expectServing(good, 'v2'), expectServing(bad, 'v1')]);
  expect([...good.pods.leaked, ...bad.pods.leaked]).toEqual([]);
}

const apiIsReady = (): Promise<unknown> =>
  waitFor(
    'the API server to be ready',
    () => api.text('/readyz').catch((error: unknown) => String(error)),
    (answer) => answer === 'ok',
    { timeoutSeconds: 120 },
  );

/** Long enough for the leader to give up, because it cannot renew its Lease. */
async function aReplicaEnds(): Promise<void> {
  const before = operator.ends;
  await waitFor(
    'a replica to end',
    async () => operator.ends,
    (ends) => ends > before,
  );
}

const CONTROL_PLANE: readonly (readonly [name: string, good: Shape, bad: Shape])[] = [
  ['kube-apiserver', 'Deployment', 'StatefulSet OrderedReady'],
  ['etcd', 'StatefulSet Parallel', 'Deployment'],
];

test.each(CONTROL_PLANE)(
  'attempts during which %s is killed and returns end as they would have: a good version stays, a bad one goes',
  (name, goodShape, badShape) =>
    both(name, goodShape, badShape, async (good, bad) => {
      await Promise.all([good.deploy('v1', STARTS_LATE), bad.deploy('v1')]);
      await good.create(upgrade(good.shape, 'v2', { postCheck: { deadlineSeconds: 300 } }));
      await bad.create(bad17(bad));
      const before = await Promise.all([good.until(saw17), bad.until(saw17)]);
      await without(name, aReplicaEnds);
      await apiIsReady();
      good.startUp('v2');
      await expectEndings(good, bad, before);
      expectProtected(good);
      expectProtected(bad);
    })(),
  TEST_MS,
);

/** All pods on different nodes: two of the old version, so one of the new version comes to the third. */
const APART: Overrides = {
  pod: {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: { app: NAME } }, topologyKey: 'kubernetes.io/hostname' },
        ],
      },
    },
  },
};

const nodeIs = (name: string, ready: boolean): Promise<Json> =>
  waitFor(
    `${name} to be ${ready ? '' : 'not '}Ready`,
    () => api.get(`/api/v1/nodes/${name}`),
    (node) => isReady(node) === ready,
    { timeoutSeconds: 120 },
  );

/** Passes after six good answers in a row, so that there is a time between the first and the last. */
const LONG_CHECK = { postCheck: { successThreshold: 6, deadlineSeconds: 60 } };
const hasPassedOnce = ({ pods }: Json): boolean =>
  pods?.some(({ checks }: Json) => checks?.some((check: Json) => check.class === 'Pass'));

test(
  'a node without power for longer than the deadline fails no version that was tried on it, and delays no fallback of one that was not',
  both('node', 'Deployment', 'Deployment', async (good, bad) => {
    await bad.deploy('v1', APART);
    const node = bad.pods.live[0].spec.nodeName;
    await good.deploy('v1', { pod: { nodeSelector: { 'kubernetes.io/hostname': node } } });
    await good.create(upgrade(good.shape, 'v2', LONG_CHECK));
    await bad.create(bad17(bad));
    const before = await Promise.all([good.until(hasPassedOnce), bad.until(saw17)]);

    await without(node, async () => {
      await nodeIs(node, false);
      await bad.until(({ fallback }) => fallback);
      await good.until(
        ({ phase, message }) => phase === 'Inconclusive' && message.includes(`node ${node} is not Ready`),
      );
    });

    await expectEndings(good, bad, before);
  }),
  TEST_MS,
);
