/** Actions for the pods of a running rollout. The policy says which of them apply, and in which order. */
import { cut } from '../../api/cut.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import { type Action, deletePods, NO_ACTION, PODS_PER_ACTION, type PodCondition } from '../plan.ts';
import { resultText } from '../report/cause-text.ts';
import type { VerificationContext } from '../verification/context.ts';
import { failingConditions } from '../verification/failing.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { withPins } from '../verification/recorded.ts';
import { ungated, unrecorded } from '../verification/summary.ts';
import { closingConditions } from '../verification/witness.ts';
import { driverOf } from '../workload/drivers.ts';
import { type Evaluation, verifiesPods } from './evaluation.ts';
import { isOfPrevious } from './left.ts';
import { reachOf } from './reach.ts';

/** If our entry stayed in managedFields, the user's next server-side apply would conflict with it. */
export const releaseFields = (workload: WorkloadView): Action =>
  workload.holdsOurFields ? { kind: 'releaseFields', workload } : NO_ACTION;

export const releaseOurFields = ({ workload }: Evaluation): Action => releaseFields(workload);

/** Records new results on their pods, which opens the gate or says why it stays closed. */
export function recordResults(evaluation: Evaluation): Action {
  const { summary, context } = evaluation;
  if (!verifiesPods(evaluation)) {
    return NO_ACTION;
  }
  const results = unrecorded(summary);
  if (results.length === 0) {
    return NO_ACTION;
  }
  let room = maxVerified(evaluation) - summary.counts.passed - summary.counts.skipped;
  const now = results.filter(({ state }) => state === 'Failed' || room-- > 0);
  return resultsAction(now, context);
}

/** The same for pods that were rolled back. */
export function recordRolledBack(evaluation: Evaluation): Action {
  const { rolledBack, snapshot } = evaluation;
  const results = snapshot.upgrade.spec.fallback.verify ? unrecorded({ results: rolledBack }) : [];
  return conditionsAction(results.map((result) => podCondition(result, evaluation.rolledBackContext)));
}

/** How many pods may be verified now. Where only the gate limits the controller, withholding a verdict keeps the gate of that pod closed. */
const maxVerified = (evaluation: Evaluation): number =>
  driverOf(evaluation.workload).lever(evaluation.workload) === 'gate'
    ? reachOf(evaluation).pods
    : Number.POSITIVE_INFINITY;

const conditionsAction = (conditions: readonly PodCondition[]): Action =>
  conditions.length > 0 ? { kind: 'recordResults', conditions } : NO_ACTION;

/** Records these results, for a limited number of pods at once. */
export const resultsAction = (results: readonly PodResult[], context: VerificationContext): Action =>
  conditionsAction(results.slice(0, PODS_PER_ACTION).map((result) => podCondition(result, context)));

/** The condition that records a result on its pod, pinned to the containers that were evaluated. */
function podCondition(result: PodResult, context: VerificationContext): PodCondition {
  const { pod, state, cause } = result;
  const status = state === 'Failed' ? 'False' : 'True';
  const message = withPins(cut(resultText(result), 1000), context, pod);
  return { pod, condition: { status, reason: cause.reason, message } };
}

/** Closes the gates of pods in which somebody set another image. */
export const closeGates = ({ summary, rolledBack }: Evaluation): Action =>
  conditionsAction(closingConditions([...summary.results, ...rolledBack]).slice(0, PODS_PER_ACTION));

/** Writes to gated pods why they do not pass yet. */
export const explainFailures = ({ summary }: Evaluation): Action =>
  conditionsAction(failingConditions(summary.results));

/** Deletes the broken pod that the controller waits for instead of replacing it. */
export function unblock({ snapshot, workload, status, policy, rollout }: Evaluation): Action {
  // While failed pods are rolled back, the other pods of the new version are still being verified.
  if (rollout.templateRevert) {
    return NO_ACTION;
  }
  const isConcerned = (one: PodView) => !policy.sparesPrevious || !isOfPrevious(one, status);
  const pod = driverOf(workload).blockingPod(workload, snapshot.pods, snapshot.updateRevision, isConcerned);
  return deletePods(workload, pod ? [pod] : [], 'StuckPodDeleted');
}

/** With `gate: Required`, deletes a pod that was created without the gate, unless it already serves. */
export function replaceMissedGate({ snapshot, workload, status, summary }: Evaluation): Action {
  if (snapshot.upgrade.spec.gate !== 'Required') {
    return NO_ACTION;
  }
  const missed = ungated(summary, status).find(({ isPodReady }) => !isPodReady);
  return deletePods(workload, missed ? [missed.pod] : [], 'GateMissed');
}
