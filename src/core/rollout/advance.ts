/**
 * What moves a rollout on where the workload's controller does not by itself: with the strategy OnDelete it replaces only what is deleted.
 * Never more pods are undecided at once than `maxParallel` allows; the next one goes only after one of these is verified.
 */
import type { UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { type Action, NO_ACTION } from '../plan.ts';
import type { ActiveStatus } from '../status.ts';
import type { PodResult } from '../verification/pod.ts';
import { driverOf } from '../workload/drivers.ts';
import { isReady } from '../workload/pods.ts';
import { podCount } from './amount.ts';
import { policyOf } from './policy.ts';
import type { Rollout } from './rollout.ts';
import { presentStage, reachOf } from './stages.ts';
import { outdatedPods, type Turn } from './turn.ts';

/** Deletes the next pod whose turn it is, if one may go now. */
export function advance(turn: Turn, rollout: Rollout): Action {
  const { snapshot, workload } = turn;
  const driver = driverOf(workload);
  if (driver.lever(workload) !== 'deletion' || snapshot.updateRevision === undefined) {
    return NO_ACTION;
  }
  const outdated = outdatedPods(turn);
  const reach = rollout.direction === 'Forward' ? reachOf(turn) : undefined;
  const waiting = driver.inReplacementOrder(outdated).filter((pod) => reach?.allows(pod) ?? true);
  const free = maxParallel(turn, rollout) - undecided(turn, rollout, outdated.length);
  // On a lost node a pod would neither go nor be replaced.
  const next = waiting.find(
    (pod) => snapshot.nodeReady(pod.node) && (free > 0 || !mustBeSpared(pod, rollout)),
  );
  return next ? { kind: 'deletePod', pod: next, reason: 'Replaced' } : NO_ACTION;
}

/** A rollback waits for no pod that does not serve anyway: it is what the rollback is for. */
const mustBeSpared = (pod: PodView, { direction }: Rollout): boolean =>
  direction === 'Forward' || isReady(pod);

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

function maxParallel({ snapshot, status, summary }: Turn, { direction }: Rollout): number {
  const { strategy, fallback } = snapshot.upgrade.spec;
  const own = direction === 'Back' ? fallback.maxParallel : stageParallel(snapshot.upgrade.spec, status);
  return Math.max(1, podCount(own ?? strategy?.maxParallel ?? 1, summary.desired));
}

const stageParallel = (spec: UpgradeSpec, status: ActiveStatus) =>
  presentStage(spec, status)?.stage.maxParallel;

/** Moves the partition to where the present stage ends; what stood there before is recorded, and put back at every end. */
export function movePartition(turn: Turn): Action {
  const { workload, status, summary } = turn;
  const { held } = status.attempt;
  const stands = driverOf(workload).partition(workload);
  if (!held || stands === undefined) {
    return NO_ACTION;
  }
  const partition = Math.max(held.partition, summary.desired - reachOf(turn).pods);
  return partition === stands ? NO_ACTION : { kind: 'patchPartition', workload, partition };
}
