/**
 * Advances a rollout where the workload's controller does not: with the strategy OnDelete it replaces only pods that are deleted.
 * At most `maxParallel` pods are undecided at any time; the next one is deleted when one of them is verified.
 */
import type { PodView } from '../../api/views.ts';
import { type Action, deletePods, NO_ACTION } from '../plan.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { driverOf } from '../workload/drivers.ts';
import { isReady } from '../workload/pods.ts';
import { recordResults } from './actions.ts';
import { podCount } from './amount.ts';
import { type Evaluation, verifiesPods } from './evaluation.ts';
import { leftWithoutPod } from './left.ts';
import { mayGoPastLost } from './lost-nodes.ts';
import { isRepelled } from './missing.ts';
import { reachOf } from './reach.ts';

/** Deletes the next pods, as many as allowed. One at a time, a fleet of thousands would need an evaluation of all its pods for each of them. */
export function advance(evaluation: Evaluation): Action {
  const { snapshot, workload, summary, policy, rollout } = evaluation;
  const driver = driverOf(workload);
  // While the template is reverted, a deleted pod would be created with the previous version again.
  if (
    driver.lever(workload) !== 'deletion' ||
    snapshot.updateRevision === undefined ||
    rollout.templateRevert
  ) {
    return NO_ACTION;
  }
  const most = maxParallel(evaluation);
  let free = mayGoPastLost(evaluation, most) ? most - undecided(evaluation) : 0;
  const needsRoom = (pod: PodView) => !policy.replacesUnready || isReady(pod);
  const isAllowed = (pod: PodView) => {
    free -= 1;
    return free >= 0 || !needsRoom(pod);
  };
  // On a lost node a pod would neither be removed nor replaced, and on one with a taint only removed.
  const canBeReplaced = (pod: PodView) =>
    snapshot.nodeReady(pod.node) && !(needsRoom(pod) && isRepelled(snapshot, workload, pod));
  const waiting = driver.inReplacementOrder(summary.outdated).filter(canBeReplaced);
  return deletePods(workload, reachOf(evaluation).within(waiting).filter(isAllowed), 'Replaced');
}

/**
 * Records results, or replaces pods if that concerns more of them. While results arrive one by one there is always one to record, and free
 * capacity would stay unused until the last of them.
 */
export function recordOrAdvance(evaluation: Evaluation): Action {
  const results = recordResults(evaluation);
  if (results.kind !== 'recordResults') {
    return NO_ACTION;
  }
  const next = advance(evaluation);
  return next.kind === 'deletePods' && next.pods.length > results.conditions.length ? next : results;
}

/**
 * The number of pods that are being replaced, or are new and do not serve yet. A verified pod becomes Ready a moment after its gate was opened,
 * and counts until then. A failed pod does not count.
 */
function undecided(evaluation: Evaluation): number {
  const { desired, outdated, results } = evaluation.summary;
  const verifies = verifiesPods(evaluation);
  const isDecided = ({ isPodReady, state, recorded }: PodResult) =>
    state === 'Failed' || (isPodReady && (recorded || !verifies));
  const decided = results.filter(isDecided).length + leftWithoutPod(evaluation);
  return Math.max(0, desired - outdated.length - decided);
}

const maxParallel = ({ snapshot, summary, policy, stages }: Evaluation): number =>
  Math.max(1, podCount(policy.maxParallel(snapshot.upgrade.spec, stages), summary.desired));

/** Moves the partition to the end of the present stage. The original value is recorded, and restored at every end of the attempt. */
export function movePartition(evaluation: Evaluation): Action {
  const { workload, status, summary } = evaluation;
  const { held } = status.attempt;
  const current = driverOf(workload).partition(workload);
  if (!held || current === undefined) {
    return NO_ACTION;
  }
  const partition = Math.max(held.partition, summary.desired - reachOf(evaluation).pods);
  return partition === current ? NO_ACTION : { kind: 'patchPartition', workload, partition };
}
