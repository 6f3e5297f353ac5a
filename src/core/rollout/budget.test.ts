import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf, type Pod } from '../../../test/support/evaluations.ts';
import {
  ago,
  containerOf,
  fallbackOf,
  notReady,
  OLD,
  oldPodOf,
  podOf,
  snapshotOf,
  specOf,
  statusOf,
  templateOf,
  upgradeOf,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { UpgradeSpec, UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import { effectiveSpec } from '../effective-spec.ts';
import { budgetOf, isRejected } from './budget.ts';

const ENTRY = { name: 'node-0', state: 'Failed', reason: 'ProbeFailed', message: 'it exited 17' } as const;

/** A DaemonSet on ten nodes, replaced by postcheck, of which so many have failed and so many passed. */
function phaseWith(failed: number, passed: number, maxFailed: number | string): UpgradeStatus['phase'] {
  const status = statusOf({}, { progressAt: ago(1), maxUpdated: failed + passed });
  const upgrade = upgradeOf({ status, spec: { strategy: { failureBudget: { maxFailed } } } });
  const pods = Array.from({ length: 10 }, (_, index) => {
    const place = { name: `web-${index}`, uid: `pod-${index}`, node: `node-${index}` };
    return index < failed + passed ? withResult(upgrade, podOf(place), index >= failed) : oldPodOf(place);
  });
  const workload = workloadOf({ kind: 'DaemonSet', onDelete: true, desired: 10, updated: failed + passed });
  return decide(snapshotOf({ upgrade, pods, workload })).status.phase;
}

test('the evidence is that of the failed pods, with their number, or what was recorded of a failed place', () => {
  const status = statusOf({ left: [ENTRY] }, { progressAt: ago(1), maxUpdated: 3 });
  const fallbackWith = (...failed: readonly number[]) => {
    const upgrade = upgradeOf({ status });
    const pods = [0, 1, 2].map((index) => {
      const place = { name: `web-${index}`, uid: `pod-${index}`, node: `node-${index}` };
      return index === 0 && !failed.includes(0)
        ? oldPodOf(place)
        : withResult(upgrade, podOf(place), !failed.includes(index));
    });
    const workload = workloadOf({ kind: 'DaemonSet', onDelete: true, desired: 3, updated: 3 });
    const { phase, fallback } = decide(snapshotOf({ upgrade, pods, workload })).status;
    return [phase, fallback?.cause, fallback?.evidence?.map(({ name }) => name)];
  };
  expect(fallbackWith()).toEqual(['FallingBack', 'it exited 17', undefined]);
  expect(fallbackWith(0)).toEqual(['FallingBack', 'pod web-0 on node-0: exited', ['web-0']]);
  expect(fallbackWith(0, 1)).toEqual([
    'FallingBack',
    'pod web-0 on node-0 (and 1 more): exited',
    ['web-0', 'web-1'],
  ]);
});

describe('an attempt continues', () => {
  test.each<[number, number, number | string, boolean]>([
    [1, 4, 0, false],
    [1, 4, 1, true],
    [2, 4, 1, false],
    [2, 4, '25%', true],
    [3, 4, '25%', false],
    [2, 0, 2, true],
  ])('with %d failed and %d verified of 10 pods, where %s may fail: %s', (failed, passed, most, goesOn) => {
    expect(phaseWith(failed, passed, most)).toBe(goesOn ? 'Upgrading' : 'FallingBack');
  });

  test('with none verified only while there is one left to try', () => {
    expect(phaseWith(9, 0, '100%')).toBe('Upgrading');
    expect(phaseWith(10, 0, '100%')).toBe('FallingBack');
  });
});

test('a fallback unblocks its controller first: after its end nothing would delete the blocking pod', () => {
  const status = statusOf({
    phase: 'FallingBack',
    from: { images: { web: OLD }, revision: 'old', baseline: [] },
    fallback: fallbackOf({ rolledAt: ago(20) }),
  });
  const upgrade = upgradeOf({ status });
  const containers = [containerOf({ image: OLD })];
  const failed = withResult(
    upgrade,
    podOf({ name: 'web-0', uid: 'web-0', revision: 'old', containers }),
    false,
  );
  const blocking = notReady({ name: 'web-1', uid: 'web-1', revision: 'new' });
  const set = workloadOf({
    kind: 'StatefulSet',
    ordered: true,
    desired: 2,
    total: 2,
    containers: templateOf(OLD),
  });
  const decided = (pods: readonly PodView[]) =>
    decide(snapshotOf({ upgrade, pods, workload: set, updateRevision: 'old' }));
  expect(decided([failed, blocking])).toMatchObject({
    status: { phase: 'FallingBack' },
    action: { kind: 'deletePods', pods: [{ name: 'web-1' }], reason: 'StuckPodDeleted' },
  });
  expect(decided([failed]).status.phase).toBe('FallbackFailed');
});

const pods = (...states: NonNullable<Pod['state']>[]): Pod[] =>
  states.map((state, index) => ({ name: `web-${index}`, state }));
function within(maxFailed: number | string, scope: 'All' | 'FailedPods' = 'All'): UpgradeSpec {
  const spec = specOf({ strategy: { failureBudget: { maxFailed } } });
  return { ...spec, fallback: { ...spec.fallback, scope } };
}

describe('the budget', () => {
  test.each([
    [specOf(), 100, 0],
    [specOf({ strategy: { maxParallel: 3 } }), 100, 0],
    [within(3), 100, 3],
    [within('10%'), 19, 1],
    [within('100%'), 70, 70],
    [within('100%', 'FailedPods'), 70, 50],
    [within(2, 'FailedPods'), 70, 2],
  ])(
    '%#: is rounded down, and no more pods are put back one by one than the status has room for',
    (spec, desired, most) => {
      expect(budgetOf(effectiveSpec(spec), desired)).toBe(most);
    },
  );
});

describe('the version as a whole', () => {
  const ONE = { pods: pods('Passed', 'Passed', 'Failed') };
  test.each<[what: string, change: EvaluationChange, isLate: boolean, isFailed: boolean]>([
    ['is not rejected while nothing has failed', { pods: pods('Passed', 'Retrying') }, true, false],
    ['is not rejected without desired pods', { desired: 0, spec: within(2) }, true, false],
    ['fails with its first pod', ONE, false, true],
    ['is not rejected within the budget', { ...ONE, spec: within(1) }, false, false],
    ['fails beyond the budget', { pods: pods('Passed', 'Failed', 'Failed'), spec: within(1) }, false, true],
    ['fails beyond it by a place that failed earlier', { ...ONE, left: ['web-5'], spec: within(1) }, false, true],
    ['does not count one place twice', { ...ONE, left: ['web-2'], spec: within(1) }, false, false],
    ['is not rejected after its end', { ...ONE, ended: true }, false, false],
    ['has no budget in the fallback', { ...ONE, spec: within(1), direction: 'Back' }, false, true],
    ['fails if every pod that was tried has failed', { pods: pods('Failed'), desired: 1, spec: within(2) }, false, true],
    ['is not rejected while other pods are still to be tried', { pods: pods('Failed'), spec: within(2) }, false, false],
    ['is not rejected if one is skipped', { pods: pods('Failed', 'Skipped'), desired: 1, spec: within(2) }, false, false],
    ['is not rejected if one has passed and one is skipped', { pods: pods('Failed', 'Passed', 'Skipped'), desired: 1, spec: within(2) }, false, false],
    ['fails when overdue by a pod whose failure is not recorded yet', { pods: [...pods('Passed', 'Passed'), { name: 'web-2', state: 'Failed', recorded: false }], spec: within(2) }, true, true],
    ['is not rejected if one has passed', { pods: pods('Failed', 'Passed'), desired: 1, spec: within(2) }, false, false],
    ['fails when overdue and only failed pods block it', { ...ONE, spec: within(2) }, true, true],
    ['is not rejected when overdue while a pod has no result', { pods: pods('Passed', 'Retrying', 'Failed'), spec: within(2) }, true, false],
    ['is not rejected when overdue if postcheck deletes the pods', { ...ONE, spec: within(2), workload: { onDelete: true } as never }, true, false],
  ])('%s', (_what, change, isLate, isFailed) => {
    expect(isRejected(evaluationOf(change), isLate)).toBe(isFailed);
  }); // biome-ignore format: a table
});
