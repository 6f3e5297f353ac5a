/** The partition that a user sets on a StatefulSet, before or during an attempt: a limit for the attempt. */
import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  fallbackOf,
  NOW,
  OLD,
  oldPodOf,
  podOf,
  snapshotOf,
  specOf,
  statusOf,
  upgradeOf,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { decide } from '../decision/decide.ts';
import { effectiveSpec } from '../effective-spec.ts';
import { toIso } from '../time.ts';
import { verificationContext } from './context.ts';
import { followPartition, heldOf, partitionLimit, partitionObstacle, partitionWait } from './partition.ts';

interface Case {
  readonly firstOrdinal?: number;
  readonly status?: Partial<UpgradeStatus>;
  readonly attempt?: Partial<Attempt>;
  readonly partition?: number;
  readonly othersSetPartition?: boolean;
}

/** Three pods: the one with the highest ordinal runs the new version and is verified, the others run the previous one. */
function decided({
  status: change,
  attempt,
  firstOrdinal = 0,
  partition = 2,
  othersSetPartition = true,
}: Case = {}) {
  const status = statusOf(
    { from: { images: { web: OLD }, revision: 'old', baseline: [] }, ...change },
    { progressAt: ago(5), ...attempt },
  );
  const upgrade = upgradeOf({ status });
  const pods = [0, 1, 2].map((ordinal) => {
    const place = { name: `web-${firstOrdinal + ordinal}`, uid: `web-${ordinal}` };
    return ordinal < 2 ? oldPodOf(place) : withResult(upgrade, podOf(place));
  });
  const set = {
    kind: 'StatefulSet',
    desired: 3,
    total: 3,
    firstOrdinal,
    partition,
    othersSetPartition,
  } as const;
  return decide(snapshotOf({ upgrade, pods, workload: workloadOf(set), updateRevision: 'new' }));
}

const waiting = { reason: 'PartitionSet', since: ago(900) } as const;

describe('an attempt', () => {
  test('waits where the partition allows no further pod, and says so', () => {
    expect(decided().status).toMatchObject({ phase: 'Upgrading', waiting: { reason: 'PartitionSet' } });
    expect(decided().status.message).toContain(
      'web has updateStrategy.rollingUpdate.partition 2: web:2.0 is verified on 1 of 3 pods',
    );
    expect(decided({ partition: 0 }).status.waiting).toBeUndefined();
  });

  test('still probes verified pods while it waits', () => {
    const status = activeStatusOf({ waiting });
    const context = (own: ActiveStatus) =>
      verificationContext(snapshotOf({ upgrade: upgradeOf({ status: own }) }), own);
    expect(context(status).isSoaking).toBe(true);
    expect(context(activeStatusOf()).isSoaking).toBe(false);
  });

  test('has the full time for progress again after the partition was lowered', () => {
    const attempt = { progressAt: ago(900), maxUpdated: 1, maxPassed: 1 };
    const { status } = decided({ status: { waiting }, attempt, partition: 0 });
    expect(status.attempt?.progressAt).toBe(toIso(NOW));
  });

  test('records a partition that the user sets during it, but not one that it set itself', () => {
    const held = { held: { partition: 0 } };
    const set = decided({ attempt: held, partition: 1 });
    expect(set).toMatchObject({ intent: true, status: { attempt: { held: { partition: 1 } } } });
    const own = decided({ attempt: held, partition: 1, othersSetPartition: false });
    expect(own.status.attempt?.held).toEqual({ partition: 0 });
  });
});

test.each([0, 5])(
  'a fallback says which pods the partition keeps on the failed version, from ordinal %i (kubernetes#128529)',
  (firstOrdinal) => {
    const status = {
      phase: 'FallingBack',
      to: { images: { web: 'web:2.0' }, revision: 'new' },
      fallback: fallbackOf({ images: {}, rolledAt: ago(20) }),
    } as const;
    expect(decided({ status, firstOrdinal, partition: 3 }).status.message).toContain(
      'StatefulSet web has updateStrategy.rollingUpdate.partition 3, which keeps a pod on the version that failed: set it to 2',
    );
  },
);

const setOf = (partition: number, othersSetPartition = true) =>
  workloadOf({ kind: 'StatefulSet', desired: 5, partition, othersSetPartition });
const staged = effectiveSpec(specOf({ strategy: { stages: [{ name: 'canary', pods: 1 }] } }));

describe('the partition that an attempt moves', () => {
  test.each([
    ['is recorded with stages', heldOf(staged, setOf(2), undefined), { partition: 2 }],
    ['is none without stages', heldOf(effectiveSpec(specOf()), setOf(2), undefined), undefined],
    [
      'stays recorded if the stages are removed',
      heldOf(effectiveSpec(specOf()), setOf(2, false), { partition: 1 }),
      { partition: 1 },
    ],
    ['is none of a Deployment', heldOf(staged, workloadOf(), undefined), undefined],
  ])('%s', (_, held, expected) => {
    expect(held).toEqual(expected);
  });

  const followed = (attempt: Partial<Attempt>, workload = setOf(2)) => {
    const status = activeStatusOf({}, attempt);
    const upgrade = upgradeOf({ status, spec: { strategy: { stages: [{ name: 'canary', pods: 1 }] } } });
    return followPartition(snapshotOf({ upgrade }), { workload, status })?.attempt.held;
  };
  const end = { outcome: 'Partial', reason: 'ProbeFailed', cause: '', at: ago(1) } as const;
  test.each([
    ['if it is another', followed({ held: { partition: 1 } }), { partition: 2 }],
    ['if none is', followed({}), { partition: 2 }],
    ['not if it is the same', followed({ held: { partition: 2 } }), undefined],
    [
      'not by an attempt that changes nothing',
      followed({ adopted: true, held: { partition: 1 } }),
      undefined,
    ],
    ['not after the end', followed({ end, held: { partition: 1 } }), undefined],
    ['not of a Deployment', followed({ held: { partition: 1 } }, workloadOf()), undefined],
  ])('is recorded anew %s', (_, held, expected) => {
    expect(held).toEqual(expected);
  });
});

describe('the partition of the user', () => {
  test('is a limit if it excludes pods', () => {
    expect(partitionLimit(setOf(2), {}, 5)).toBe(3);
    expect(partitionLimit(setOf(7), {}, 5)).toBe(0);
    expect(partitionLimit(setOf(0), {}, 5)).toBeUndefined();
    expect(partitionLimit(setOf(5, false), { held: { partition: 1 } }, 5)).toBe(4);
    expect(partitionLimit(workloadOf(), {}, 5)).toBeUndefined();
    expect(partitionWait(setOf(0), {})).toEqual({ reason: 'PartitionSet', partition: 0 });
    expect(partitionWait(workloadOf(), {})).toBeUndefined();
  });

  test('is an obstacle for a fallback if it keeps pods on the failed version', () => {
    const status = activeStatusOf({ to: { images: {}, revision: 'new' } });
    const pod = (ordinal: number, change = {}) => podOf({ name: `web-${ordinal}`, ...change });
    const obstacle = (pods: readonly ReturnType<typeof pod>[], workload = setOf(2)) =>
      partitionObstacle(snapshotOf({ pods }), workload, status);
    expect(obstacle([pod(1), pod(0), pod(2)])).toEqual({
      reason: 'PartitionSet',
      workload: { kind: 'StatefulSet', name: 'web' },
      partition: 2,
      kept: [1, 0],
    });
    expect(obstacle([pod(2), pod(3)])).toBeUndefined();
    expect(obstacle([pod(0, { deleting: true }), pod(1, { revision: 'old' })])).toBeUndefined();
    expect(obstacle([pod(0)], workloadOf())).toBeUndefined();
  });
});
