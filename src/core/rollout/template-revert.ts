/**
 * Rolls back exactly the pods that failed (`fallback.scope: FailedPods`). The pod template decides what a new pod runs, so the template is
 * reverted, the failed pods are deleted, their replacements are verified, and then the template gets the new images again for the remaining
 * pods. Each step is recorded before its write. A pod that the controller creates meanwhile for another reason runs the previous version too;
 * it is replaced later like every other pod of that version.
 */
import type { LeftEntry } from '../../api/types.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { type Action, deletePods, NO_ACTION } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import { toIso } from '../time.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { isObserved } from '../workload/driver.ts';
import { driverOf } from '../workload/drivers.ts';
import { isReady } from '../workload/pods.ts';
import { podCount } from './amount.ts';
import { imagesToRestore } from './attempt.ts';
import type { Evaluation } from './evaluation.ts';
import { failedEntries, placeOf } from './left.ts';
import { progressDeadline } from './progress.ts';

/** The snapshot with the revision that the attempt verifies: while the template is reverted, that is still the new version. */
export const withAttemptRevision = (snapshot: Snapshot, { turnedBack, to }: ActiveStatus): Snapshot =>
  turnedBack ? { ...snapshot, updateRevision: to.revision } : snapshot;

/**
 * Failed pods that can be replaced. On a lost node a pod would neither be removed nor created. The failure must be recorded on the pod first, so
 * that a restarted operator does not take it for a pod that is still to be verified.
 */
function podsToRollBack(evaluation: Evaluation): PodResult[] {
  const places = new Set(failedEntries(evaluation.status).map(({ name }) => name));
  return evaluation.summary.results.filter(
    ({ state, recorded, pod }) =>
      state === 'Failed' &&
      recorded &&
      places.has(placeOf(evaluation, pod)) &&
      evaluation.snapshot.nodeReady(pod.node),
  );
}

/** Records the next change of the template, if one is due. */
export function recordTemplateRevert(evaluation: Evaluation): ActiveStatus | undefined {
  const { status, snapshot } = evaluation;
  const { turnedBack } = status;
  if (!turnedBack) {
    return beginRevert(evaluation);
  }
  return isRevertOver(evaluation)
    ? { ...status, turnedBack: { ...turnedBack, returnAt: toIso(snapshot.now) } }
    : undefined;
}

function beginRevert(evaluation: Evaluation): ActiveStatus | undefined {
  const { status, snapshot, workload, policy } = evaluation;
  const { spec, metadata } = snapshot.upgrade;
  const isWanted = policy.hasBudget && spec.fallback.scope === 'FailedPods' && !metadata.deletionTimestamp;
  if (!isWanted || status.attempt.adopted || driverOf(workload).lever(workload) !== 'deletion') {
    return undefined;
  }
  const images = imagesToRestore(status, workload);
  if (podsToRollBack(evaluation).length === 0 || Object.keys(images).length === 0) {
    return undefined;
  }
  const at = toIso(snapshot.now);
  return {
    ...status,
    attempt: { ...status.attempt, progressAt: at },
    turnedBack: { images, startedAt: at },
  };
}

/** Every failed pod is rolled back and has its result, or the deadline for progress has passed. */
function isRevertOver(evaluation: Evaluation): boolean {
  const { status, snapshot } = evaluation;
  const isWaitedFor = ({ name, state }: LeftEntry) => state === 'Failed' && isUnderWay(evaluation, name);
  return !status.left.some(isWaitedFor) || snapshot.now >= progressDeadline(evaluation);
}

/** Its pod is to be replaced, is being replaced, or is not yet verified in the previous version. */
function isUnderWay(evaluation: Evaluation, place: string): boolean {
  const result = evaluation.summary.results.find(({ pod }) => placeOf(evaluation, pod) === place);
  return result === undefined || podsToRollBack(evaluation).includes(result);
}

/** Deletes the failed pods: those that are not Ready immediately, the others within `fallback.maxParallel`. */
export function rollBackPods(evaluation: Evaluation): Action {
  const { snapshot, workload, summary, status, rollout } = evaluation;
  // A controller that has not observed the reverted template would create the failed version again.
  if (!rollout.templateRevert || !isObserved(workload)) {
    return NO_ACTION;
  }
  const { maxParallel } = snapshot.upgrade.spec.fallback;
  const limit = Math.max(1, podCount(maxParallel, summary.desired));
  const failed = podsToRollBack(evaluation).map(({ pod }) => pod);
  const open = status.left.filter(({ state }) => state === 'Failed').length;
  const unready = failed.filter((pod) => !isReady(pod));
  const room = Math.max(0, limit - (open - failed.length) - unready.length);
  return deletePods(workload, [...unready, ...failed.filter(isReady).slice(0, room)], 'Replaced');
}
