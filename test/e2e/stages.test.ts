/** Attempts that go in stages, on each kind that can be held: the canary first, the rest after approval, and everything put back when the rest is bad. */
import { expect, test } from '@jest/globals';
import type { Json } from './support/api.ts';
import { expectServing } from './support/expectations.ts';
import { imageOf, isReady } from './support/pod-history.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { image, type Overrides, type Shape, upgrade } from './support/workloads.ts';

const ON_DELETE: Overrides = { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } };

const HELD: readonly (readonly [what: string, shape: Shape, overrides: Overrides | undefined])[] = [
  ['a Deployment, by the gate', 'Deployment', undefined],
  ['a StatefulSet, by its partition', 'StatefulSet OrderedReady', undefined],
  ['a StatefulSet, by what is deleted', 'StatefulSet Parallel', ON_DELETE],
  ['a DaemonSet, by what is deleted', 'DaemonSet', ON_DELETE],
];
const CANARY = { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] };

const waits = ({ stages = [] }: Json): boolean => stages[0]?.state === 'AwaitingApproval';
const partitionOf = async (s: Scenario): Promise<number> =>
  (await s.workload()).spec.updateStrategy?.rollingUpdate?.partition ?? 0;
const readyOf = (s: Scenario, tag: string) =>
  s.pods.live.filter((pod) => imageOf(pod) === image(tag) && isReady(pod));

test.concurrent.each(HELD)(
  '%s is held at the canary until it is approved',
  (_what, shape, overrides) =>
    scenario(shape, `staged ${overrides ? 'ondelete' : 'rolling'}`, async (s) => {
      await s.deploy('v1', overrides);
      await s.create(upgrade(shape, 'v2', { strategy: CANARY }));

      const waiting = await s.until(waits);
      expect(waiting.message).toMatch(
        /^Stage canary \(1 of 2\) of app:v2: 1 of 1 verified, waits for approval/,
      );
      expect(readyOf(s, 'v2')).toHaveLength(1);

      await s.say('approve', '1/canary');
      const status = await s.until('Succeeded');
      expect(status.stages.map(({ state }: Json) => state)).toEqual(['Done', 'Done']);
      await expectServing(s, 'v2');
      expect(await partitionOf(s)).toBe(0);
    })(),
  TEST_MS,
);

test.concurrent.each(HELD)(
  '%s goes back as a whole when the canary is bad, and nothing else was touched',
  (_what, shape, overrides) =>
    scenario(shape, `staged bad ${overrides ? 'ondelete' : 'rolling'}`, async (s) => {
      await s.deploy('v1', overrides);
      await s.create(upgrade(shape, 'bad17', { strategy: CANARY, postCheck: { deadlineSeconds: 5 } }));

      const status = await s.until('FellBack');
      expect(status.fallback.cause).toMatch(/exited 17 \(ProbeFailed\) until the deadline of 5s/);
      await expectServing(s, 'v1');
      expect(s.pods.served).toEqual(new Set([image('v1')]));
      expect(await partitionOf(s)).toBe(0);
    })(),
  TEST_MS,
);

test.concurrent(
  'a StatefulSet stops at the partition that its user set, and goes on when that is lowered',
  scenario('StatefulSet OrderedReady', 'own partition', async (s) => {
    const partitioned = (partition: number) => ({ updateStrategy: { rollingUpdate: { partition } } });
    await s.deploy('v1', {
      spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } },
    });
    await s.create(upgrade(s.shape, 'v2'));

    const waiting = await s.until(({ waiting }) => waiting?.reason === 'PartitionSet');
    expect(waiting.message).toBe(
      'StatefulSet web has updateStrategy.rollingUpdate.partition 1: app:v2 is verified on 1 of 2 pods, still probed; the attempt continues when the partition is lowered',
    );
    expect(readyOf(s, 'v2')).toHaveLength(1);
    expect(await partitionOf(s)).toBe(1);

    await s.api.patch(`${s.workloadPath}/web`, { spec: partitioned(0) });
    await s.until('Succeeded');
    await expectServing(s, 'v2');
    expect(await s.events()).toContain('PartitionSet');
  }),
  TEST_MS,
);
