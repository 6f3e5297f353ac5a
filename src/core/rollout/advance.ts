/**
 * What moves a rollout on where the workload's controller does not by itself: with the strategy OnDelete it replaces only what is deleted.
 * Never more pods are undecided at once than `maxParallel` allows; the next one goes only after one of these is verified.
 */
import type { PodView } from '../../api/views.ts';
import { type Action, NO_ACTION } from '../plan.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { driverOf } from '../workload/drivers.ts';
import { isReady } from '../workload/pods.ts';
import { recordResults } from './actions.ts';
import { podCount } from './amount.ts';
import { leftWithoutPod } from './left.ts';
import { reachOf } from './reach.ts';
import { type Turn, verifiesPods } from './turn.ts';

/** Deletes the pods whose turn it is, as many as may go now: one at a time, a fleet of thousands would take a write and a look at all of them for each. */
export function advance(turn: Turn): Action {
  const { snapshot, workload, summary, policy, rollout } = turn;
  const driver = driverOf(workload);
  // While the template is turned back, a pod that is deleted would come back as it was.
  if (driver.lever(workload) !== 'deletion' || snapshot.updateRevision === undefined || rollout.turn) {
    return NO_ACTION;
  }
  let free = maxParallel(turn) - undecided(turn);
  const isWaitedFor = (pod: PodView) => !policy.replacesUnready || isReady(pod);
  const mayGo = (pod: PodView) => {
    free -= 1;
    return free >= 0 || !isWaitedFor(pod);
  };
  // On a lost node a pod would neither go nor be replaced.
  const waiting = driver.inReplacementOrder(summary.outdated).filter(({ node }) => snapshot.nodeReady(node));
  const pods = reachOf(turn).within(waiting).filter(mayGo);
  return pods.length > 0 ? { kind: 'deletePods', workload, pods, reason: 'Replaced' } : NO_ACTION;
}

/**
 * Records results, or replaces pods where that concerns more of them: while results come in one by one there are always some to record, and
 * places that are free would wait for the last of them.
 */
export function recordOrAdvance(turn: Turn): Action {
  const results = recordResults(turn);
  if (results.kind !== 'recordResults') {
    return NO_ACTION;
  }
  const next = advance(turn);
  return next.kind === 'deletePods' && next.pods.length > results.conditions.length ? next : results;
}

/**
 * Pods that are being replaced, or are new and do not serve verified yet: a verified pod counts only once the kubelet calls it Ready,
 * a moment after its gate was opened. Those that failed are decided.
 */
function undecided(turn: Turn): number {
  const { desired, outdated, results } = turn.summary;
  const verifies = verifiesPods(turn);
  const isDecided = ({ isPodReady, state, recorded }: PodResult) =>
    state === 'Failed' || (isPodReady && (recorded || !verifies));
  const decided = results.filter(isDecided).length + leftWithoutPod(turn);
  return Math.max(0, desired - outdated.length - decided);
}

const maxParallel = ({ snapshot, summary, policy, stages }: Turn): number =>
  Math.max(1, podCount(policy.maxParallel(snapshot.upgrade.spec, stages), summary.desired));

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
