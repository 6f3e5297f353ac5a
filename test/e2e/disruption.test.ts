/** Pods that are evicted, as by `kubectl drain`, and workloads that are scaled, as by an autoscaler, while gates are closed. */
import { expect, test } from '@jest/globals';
import type { ApiError, Json } from './support/api.ts';
import { STARTS_LATE, saw17 } from './support/endings.ts';
import { expectProtected, expectSucceeded } from './support/expectations.ts';
import { imageOf, isGated, isReady } from './support/pod-history.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { waitFor } from './support/wait.ts';
import { image, NAME, REPLICAS, upgrade } from './support/workloads.ts';

const given = (sentence: string, name: string, body: (s: Scenario) => Promise<void>) =>
  test.concurrent(sentence, scenario('Deployment', name, body), TEST_MS);

/** An attempt whose first pod of the new version has said no and waits behind its gate. */
async function waiting(s: Scenario): Promise<void> {
  await s.deploy('v1', STARTS_LATE);
  await s.create(upgrade('Deployment', 'v2'));
  await s.until(saw17);
}

const podsOf = (s: Scenario, tag: string): Json[] => s.pods.live.filter((pod) => imageOf(pod) === image(tag));

const evict = (s: Scenario, { metadata: { name } }: Json): Promise<Json> =>
  s.api.create(`/api/v1/namespaces/${s.namespace}/pods/${name}/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: s.namespace },
  });

given(
  'a drain takes no pod that serves below its budget, and one behind its gate is made anew behind a gate',
  'evicted',
  async (s) => {
    await s.api.create(`/apis/policy/v1/namespaces/${s.namespace}/poddisruptionbudgets`, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: NAME },
      spec: { minAvailable: REPLICAS, selector: { matchLabels: { app: NAME } } },
    });
    await waiting(s);
    const [serving] = podsOf(s, 'v1');
    const [gated] = podsOf(s, 'v2');
    await waitFor(
      'the budget to be counted',
      () => s.api.get(`/apis/policy/v1/namespaces/${s.namespace}/poddisruptionbudgets/${NAME}`),
      ({ status }) => status?.expectedPods === REPLICAS + 1 && status.currentHealthy === REPLICAS,
    );

    // The pod behind its gate counts for nothing, so what ran before is all that the budget has.
    await expect(evict(s, serving)).rejects.toMatchObject({ status: 429 } satisfies Partial<ApiError>);
    await evict(s, gated);

    const successor = await waitFor(
      'the evicted pod to be made anew',
      async () => podsOf(s, 'v2').find(({ metadata }) => metadata.uid !== gated.metadata.uid),
      (pod) => pod !== undefined,
    );
    expect(isGated(successor)).toBe(true);
    s.startUp('v2');
    await expectSucceeded(s, await s.until('Succeeded'), 'v2');
    expectProtected(s);
  },
);

given(
  'a Deployment that is scaled while its gates are closed is verified on the pods that it then has',
  'autoscaled',
  async (s) => {
    const scale = (replicas: number) =>
      s.api.patch(`${s.workloadPath}/${NAME}/scale`, { spec: { replicas } });
    await waiting(s);

    await scale(2 * REPLICAS);
    await s.until(({ counts }) => counts.desired === 2 * REPLICAS);
    expect(podsOf(s, 'v2').map((pod) => [isGated(pod), isReady(pod)])).not.toContainEqual([true, true]);
    await scale(REPLICAS);
    await s.until(({ counts }) => counts.desired === REPLICAS);
    s.startUp('v2');

    await expectSucceeded(s, await s.until('Succeeded'), 'v2');
    expectProtected(s);
  },
);
