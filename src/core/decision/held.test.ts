import { expect, test } from '@jest/globals';
import { ago, snapshotOf, statusOf, upgradeOf, workloadOf } from '../../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import { decide } from './decide.ts';

/** An attempt that ended halfway through its stages, with the partition of before on record. */
function ended(partition: number) {
  const status = statusOf();
  const end = { outcome: 'Failed', reason: 'ImageConflict', cause: 'x', at: ago(5) };
  const attempt = { ...status.attempt, held: { partition: 0 }, gating: false, end };
  const upgrade = upgradeOf({ status: { ...status, phase: 'Failed', attempt } as UpgradeStatus });
  return decide(snapshotOf({ upgrade, workload: workloadOf({ kind: 'StatefulSet', partition }) }));
}

test('a partition that an attempt moved is restored at its end, and only then its record removed', () => {
  const moved = ended(2);
  expect(moved.action).toMatchObject({ kind: 'patchPartition', partition: 0 });
  expect(moved.status.attempt?.held).toEqual({ partition: 0 });
  expect(ended(0)).toMatchObject({ intent: true, action: { kind: 'none' } });
  expect(ended(0).status.attempt?.held).toBeUndefined();
});
