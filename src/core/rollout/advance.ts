/**
 * What moves a rollout on where the workload's controller does not by itself: with the strategy OnDelete it replaces only what is deleted.
 * Never more pods are undecided at once than `maxParallel` allows; the next one goes only after one of these is verified.
 */
import type { UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { type Action, NO_ACTION } from '../plan.ts';
import type { PodResult } from '../verification/pod.ts';
import { excludedNodes } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { isLive, isReady } from '../workload/pods.ts';
import { podCount } from './amount.ts';
import { policyOf } from './policy.ts';
import type { Rollout } from './rollout.ts';
import type { Turn } from './turn.ts';

/** Deletes the next pod whose turn it is, if one may go now. */
export function advance(turn: Turn, rollout: Rollout): Action {
  const { snapshot, workload } = turn;
  const driver = driverOf(workload);
  if (driver.lever(workload) !== 'deletion' || snapshot.updateRevision === undefined) {
    return NO_ACTION;
  }
  const waiting = driver.inReplacementOrder(outdatedPods(turn));
  const free = maxParallel(turn, rollout) - undecided(turn, rollout, waiting.length);
  // On a lost node a pod would neither go nor be replaced.
  const next = waiting.find(
    (pod) => snapshot.nodeReady(pod.node) && (free > 0 || !mustBeSpared(pod, rollout)),
  );
  return next ? { kind: 'deletePod', pod: next, reason: 'Replaced' } : NO_ACTION;
}

/** A rollback waits for no pod that does not serve anyway: it is what the rollback is for. */
const mustBeSpared = (pod: PodView, { direction }: Rollout): boolean =>
  direction === 'Forward' || isReady(pod);

/** Live pods that are to be replaced. */
export function outdatedPods({ snapshot, status }: Turn): PodView[] {
  const excluded = excludedNodes(status.attempt);
  return snapshot.pods.filter(
    (pod) => isLive(pod) && pod.revision !== snapshot.updateRevision && !excluded.includes(pod.node),
  );
}

/**
 * Pods that are being replaced, or are new and do not serve verified yet: a verified pod counts only once the kubelet calls it Ready,
 * a moment after its gate was opened. Those that failed are decided.
 */
function undecided({ snapshot, summary }: Turn, rollout: Rollout, outdated: number): number {
  const verifies = policyOf(rollout).verifies(snapshot.upgrade.spec);
  const isDecided = ({ pod, state, recorded }: PodResult) =>
    state === 'Failed' || (isReady(pod) && (recorded || !verifies));
  return Math.max(0, summary.desired - outdated - summary.results.filter(isDecided).length);
}

function maxParallel({ snapshot, summary }: Turn, { direction }: Rollout): number {
  const amount = maxParallelOf(snapshot.upgrade.spec, direction);
  return Math.max(1, podCount(amount, summary.desired));
}

const maxParallelOf = ({ strategy, fallback }: UpgradeSpec, direction: Rollout['direction']) =>
  (direction === 'Back' ? fallback.maxParallel : undefined) ?? strategy?.maxParallel ?? 1;
