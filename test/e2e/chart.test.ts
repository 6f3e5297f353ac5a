/**
 * The chart on a real cluster: installed, tried with `helm test`, upgraded and uninstalled, with and without an attempt under way.
 * Takes the operator away and puts it back as it was: runs alone, after test/e2e/setup.ts.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Api, type Json } from './support/api.ts';
import { expectServing } from './support/expectations.ts';
import { OPERATOR_NAMESPACE, Operator, RELEASE } from './support/operator.ts';
import { conditionOf, imageOf, isGated, isReady } from './support/pod-history.ts';
import { Release } from './support/release.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { image, upgrade } from './support/workloads.ts';

jest.setTimeout(300_000);

const VERIFIED = 'postcheck.dev/verified';
const api = new Api();
const operator = new Operator(api);
let release: Release;

const verifiedOf = (pod: Json): string | undefined => conditionOf(pod, VERIFIED)?.status;
const isClosed = (pod: Json): boolean => isGated(pod) && verifiedOf(pod) !== 'True';

/** Pods of the scenario that are not on their way out, as they are now: while Helm ran, this process followed no watch. */
const podsNow = async ({ namespace }: Scenario): Promise<Json[]> =>
  (await api.list(`/api/v1/namespaces/${namespace}/pods`)).filter(
    ({ metadata }) => !metadata.deletionTimestamp,
  );

beforeAll(() => {
  release = new Release();
});
afterAll(() => release.restore());

describe('the installed chart', () => {
  test('runs two replicas on different nodes, of which exactly one leads', async () => {
    release.install();
    const pods = await operator.pods();
    expect(pods.filter(isReady)).toHaveLength(2);
    expect(new Set(pods.map(({ spec }) => spec.nodeName)).size).toBe(2);
    const leaders = await waitFor(
      'one leader',
      () =>
        Promise.all(
          pods.map(({ metadata }) =>
            api.text(`/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods/${metadata.name}:8080/proxy/metrics`),
          ),
        ),
      (texts) => texts.filter((text) => /^postcheck_leader 1$/m.test(text)).length === 1,
    );
    expect(leaders).toHaveLength(2);
  });

  test('passes helm test, through its Service and with its own rights', () => {
    const output = release.helm('test', RELEASE, '--logs');
    expect(output).toMatch('metrics of the operator: ok');
    expect(output).toMatch('list of Upgrades: ok');
  });

  test(
    'can be upgraded in the middle of an attempt, which then goes on',
    scenario('Deployment', 'chart upgrade', async (s) => {
      await s.deploy('v1');
      await s.create(upgrade('Deployment', 'retry', { postCheck: { deadlineSeconds: 120 } }));
      const { attempt } = await s.until(({ phase }) => phase === 'Upgrading' || phase === 'PostChecking');

      release.install('--set', `podAnnotations.restarted=${randomUUID()}`);

      const status = await s.until('Succeeded', 120);
      // Codes that the replica before had seen are in nobody's memory any more.
      expect(status.counts).toMatchObject({ desired: 2, passed: 2 });
      await expectServing(s, 'retry');
      expect(status.attempt.id).toBe(attempt.id);
      expect(status.attempt.startedAt).toBe(attempt.startedAt);
    }),
  );
});

describe('an uninstall', () => {
  test(
    'in the middle of an attempt leaves the workload running, and no gate closed',
    scenario('Deployment', 'chart uninstall', async (s) => {
      release.install();
      await s.deploy('v1');
      await s.create(upgrade('Deployment', 'bad17', { postCheck: { deadlineSeconds: 600 } }));
      await waitFor(
        'a new pod that runs, with its gate closed',
        async () => s.pods.live,
        (pods) => pods.some((pod) => isClosed(pod) && conditionOf(pod, 'ContainersReady')?.status === 'True'),
      );

      await release.uninstall();

      expect(release.leftovers()).toEqual([]);
      expect((await podsNow(s)).filter(isClosed).map(({ metadata }) => metadata.name)).toEqual([]);
      // Nobody judges any more: the rollout goes on, and every pod serves.
      await s.settled();
      const pods = await waitFor(
        'the old pods to go',
        async () => s.pods.live,
        (live) => live.every((pod) => imageOf(pod) === image('bad17') && isReady(pod)),
      );
      expect(pods).toHaveLength(2);
      expect(s.pods.leastServing).toBeGreaterThanOrEqual(2);
      expect((await s.status()).phase).toMatch(/Upgrading|PostChecking/);
    }),
  );

  test(
    'after a success changes nothing in the workload, and the chart can be installed again over its Upgrades',
    scenario('Deployment', 'chart reinstall', async (s) => {
      release.install();
      await s.deploy('v1');
      await s.create(upgrade('Deployment', 'v2'));
      const status = await s.until('Succeeded');
      await s.settled();
      const before = (await podsNow(s)).map(({ metadata }) => metadata.uid).sort();

      await release.uninstall();

      expect(release.leftovers()).toEqual([]);
      const after = await podsNow(s);
      expect(after.map(({ metadata }) => metadata.uid).sort()).toEqual(before);
      expect(after.every(isReady)).toBe(true);
      expect(await s.status()).toEqual(status);

      release.install();
      await s.edit({ containers: [{ name: 'app', image: image('v3') }] });
      await s.until(({ phase, attempt }) => phase === 'Succeeded' && attempt.number === 2);
    }),
  );
});
