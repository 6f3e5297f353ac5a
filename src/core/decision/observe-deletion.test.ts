/** An Upgrade that is being deleted: what is still done for it. */
import { expect, test } from '@jest/globals';
import {
  ago,
  fallbackOf,
  type Given,
  NEW,
  OLD,
  podOf,
  snapshotGiven,
  templateOf,
  type WorkloadChange,
} from '../../../test/support/snapshots.ts';
import { FALLBACK_FINALIZER, FIELD_MANAGER } from '../../api/names.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { Obstacle } from '../obstacle.ts';
import { observe } from './observe.ts';

interface Case extends Given {
  readonly deletedSecondsAgo?: number;
}

function observed({ deletedSecondsAgo = 1, ...given }: Case): string {
  const { upgrade, ...rest } = snapshotGiven(given);
  const metadata = {
    ...upgrade.metadata,
    finalizers: [FALLBACK_FINALIZER],
    deletionTimestamp: ago(deletedSecondsAgo),
  };
  return observe({ ...rest, upgrade: { ...upgrade, metadata } }).name;
}

const back = (rolledAt: string | undefined, status: Partial<UpgradeStatus> = {}) => ({
  status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt }), ...status } as const,
});
const at = (image: string): { workload: WorkloadChange } => ({ workload: { containers: templateOf(image) } });
const PAUSED: Case = {
  status: { phase: 'Failed' },
  attempt: { end: { outcome: 'Failed', reason: 'FallbackPaused', cause: '', at: ago(5) } },
};
const PARTIAL: Case = {
  status: { phase: 'Partial' },
  attempt: {
    held: { partition: 0 },
    end: { outcome: 'Partial', reason: 'ProbeFailed', cause: '', at: ago(5) },
  },
};
const refused: Obstacle = { reason: 'Refused', message: 'no' };

test.each<[string, string, Case]>([
  ['AbortedByDeletion', 'during its attempt', {}],
  ['AbortedByDeletion', 'while a failed version is kept behind closed gates', PAUSED],
  ['AbortedByDeletion', 'long after the deletion, if no write is rejected', { deletedSecondsAgo: 601 }],
  ['AbortedByDeletion', 'while writes are rejected', { deletedSecondsAgo: 599, rest: { refusal: refused } }],
  [
    'RemovingFinalizer',
    'once they have been for ten minutes',
    { deletedSecondsAgo: 600, rest: { refusal: refused } },
  ],
  ['RemovingFinalizer', 'after a success', { status: { phase: 'Succeeded' } }],
  ['RemovingFinalizer', 'before an attempt', { status: { attempt: undefined } }],
  ['RemovingFinalizer', 'without its workload', { rest: { workload: undefined } }],
  [
    'RemovingFinalizer',
    'while nothing of its workload can be kept',
    { workload: { isTooLong: true, containers: [] } },
  ],
  ['RemovingFinalizer', 'while its workload is being deleted', { workload: { deleting: true } }],
  ['RemovingFinalizer', 'if another workload has the name', { workload: { uid: 'workload-2' } }],
  ['RemovingFinalizer', 'if another Upgrade acts', { rest: { claimedBy: 'other' } }],
  ['StaleCache', 'if the status was written from a newer workload', { status: { targetGeneration: 3 } }],
  [
    'ImagesPatched',
    'if its write is not recorded yet',
    { attempt: { rolledAt: undefined }, workload: { imageManagers: { web: FIELD_MANAGER } } },
  ],
  ['ImagesPending', 'during its fallback, before the images are restored', back(undefined)],
  ['ImagesPatched', 'during its fallback, once they are', { ...back(undefined), ...at(OLD) }],
  ['Verifying', 'during its fallback, once that is recorded', { ...back(ago(9)), ...at(OLD) }],
  ['Verifying', 'also while it is paused', { ...back(ago(9)), ...at(OLD), spec: { paused: true } }],
  ['Resuming', 'if it was paused before', { ...back(ago(9), { paused: { since: ago(20) } }), ...at(OLD) }],
  ['Conflicted', 'if somebody set another image', { ...back(ago(9)), ...at('web:3') }],
  [
    'RemovingFinalizer',
    'if its controller cannot replace pods',
    { ...back(ago(9)), workload: { containers: templateOf(OLD), paused: true } },
  ],
  [
    'RemovingFinalizer',
    'if a partition keeps pods on the failed version',
    {
      ...back(ago(9), { to: { images: { web: NEW }, revision: 'new' } }),
      workload: { containers: templateOf(OLD), kind: 'StatefulSet', partition: 1 },
      rest: { pods: [podOf({ name: 'web-0' })] },
    },
  ],
  ['Verifying', 'after Partial, with something to restore', PARTIAL],
  ['Idle', 'after an end that left only a partition to restore', { ...PARTIAL, status: { phase: 'Failed' } }],
])('%s %s', (state, _, given) => {
  expect(observed(given)).toBe(state);
});
