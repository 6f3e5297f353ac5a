/** The state of an Upgrade that is being deleted: what has to be restored before its finalizer is removed. */
import type { WorkloadView } from '../../api/views.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { isFallbackPaused, mustRestore } from '../finalizer.ts';
import { policyOf } from '../rollout/policy.ts';
import { foreignChange, isWritten, rolloutOf } from '../rollout/rollout.ts';
import type { Snapshot } from '../snapshot.ts';
import { observeUnrecorded } from './observe-unrecorded.ts';
import type { Rolling, State } from './state.ts';

/** The cached workload is older than the one that the status was written from. */
export const isStale = (workload: WorkloadView, status: ActiveStatus | undefined): boolean =>
  status?.targetUID === workload.uid &&
  status.targetGeneration !== undefined &&
  workload.generation < status.targetGeneration;

/** How long the API server may reject the writes of a restore; after that the Upgrade is deleted without it. */
const REFUSED_FOR_MS = 10 * 60_000;

const isRefused = ({ refusal, now }: Snapshot, deletedAt: number): boolean =>
  refusal !== undefined && now >= deletedAt + REFUSED_FOR_MS;

export function observeDeletion(
  snapshot: Snapshot,
  status: ActiveStatus | undefined,
  deletedAt: number,
): State {
  const { upgrade, workload, claimedBy } = snapshot;
  const hasTarget =
    workload && !workload.deleting && !workload.isTooLong && status?.targetUID === workload.uid;
  if (!hasTarget || claimedBy || isRefused(snapshot, deletedAt) || !mustRestore(upgrade, status)) {
    return { name: 'RemovingFinalizer' };
  }
  if (isStale(workload, status)) {
    return { name: 'StaleCache' };
  }
  const active = { workload, status };
  const rollout = rolloutOf(status, upgrade.spec);
  const unrecorded = rollout && observeUnrecorded({ ...active, rollout });
  if (unrecorded) {
    return unrecorded;
  }
  if (rollout && (!policyOf(rollout.direction).isInterruptible || status.phase === 'Partial')) {
    return observeLastFallback(snapshot, { ...active, rollout });
  }
  return rollout || isFallbackPaused(upgrade, status)
    ? { name: 'AbortedByDeletion', ...active }
    : { name: 'Idle', ...active };
}

/** The fallback of an Upgrade that is being deleted. A pause does not suspend it, and if the controller cannot replace pods, the Upgrade is deleted without it. */
function observeLastFallback(snapshot: Snapshot, rolling: Rolling): State {
  const { workload, status, rollout } = rolling;
  const change = foreignChange(workload, status, rollout);
  if (change) {
    return { name: 'Conflicted', change, ...rolling };
  }
  if (status.paused.since) {
    return { name: 'Resuming', ...rolling };
  }
  if (rollout.rolledAt === undefined) {
    return { name: isWritten(workload, status, rollout) ? 'ImagesPatched' : 'ImagesPending', ...rolling };
  }
  const obstacle = policyOf('Back').obstacle(snapshot, workload, status);
  return obstacle ? { name: 'RemovingFinalizer' } : { name: 'Verifying', ...rolling };
}
