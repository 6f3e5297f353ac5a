/** What has to be put back before an Upgrade that is being deleted may go, and can be. */
import type { WorkloadView } from '../../api/views.ts';
import { isHeldBack, mustRestore } from '../finalizer.ts';
import { policyOf } from '../rollout/policy.ts';
import { foreignChange, hasUnrecordedWrite, isWritten, rolloutOf } from '../rollout/rollout.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import { fromIso } from '../time.ts';
import type { Rolling, State } from './state.ts';

/** What we know of the workload is older than what the status was written from. */
export const isStale = (workload: WorkloadView, status: ActiveStatus | undefined): boolean =>
  status?.targetUID === workload.uid &&
  status.targetGeneration !== undefined &&
  workload.generation < status.targetGeneration;

/** How long the API server may refuse what a deletion needs: then the Upgrade goes all the same. */
const REFUSED_FOR_MS = 10 * 60_000;

function isRefused({ upgrade, refusal, now }: Snapshot): boolean {
  const { deletionTimestamp } = upgrade.metadata;
  return (
    refusal !== undefined &&
    deletionTimestamp !== undefined &&
    now >= fromIso(deletionTimestamp) + REFUSED_FOR_MS
  );
}

export function observeDeletion(snapshot: Snapshot, status: ActiveStatus | undefined): State {
  const { upgrade, workload, claimedBy } = snapshot;
  const isThere = workload && !workload.deleting && status?.targetUID === workload.uid;
  if (!isThere || claimedBy || isRefused(snapshot) || !mustRestore(upgrade, status)) {
    return { name: 'RemovingFinalizer' };
  }
  if (isStale(workload, status)) {
    return { name: 'StaleCache' };
  }
  const active = { workload, status };
  const rollout = rolloutOf(status, upgrade.spec);
  if (rollout && hasUnrecordedWrite(workload, rollout)) {
    return { name: 'ImagesPatched', ...active, rollout };
  }
  if (rollout && (!policyOf(rollout.direction).isInterruptible || status.phase === 'Partial')) {
    return observeLastFallback(snapshot, { ...active, rollout });
  }
  return rollout || isHeldBack(upgrade, status)
    ? { name: 'AbortedByDeletion', ...active }
    : { name: 'Idle', ...active };
}

/** The fallback of an Upgrade that is being deleted: no pause holds it up, and what keeps the controller from rolling lets the Upgrade go. */
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
