/** What is done for the pods of a rollout while it goes on. Which of it, and in which order, is the policy's to say. */
import { cut } from '../../api/cut.ts';
import type { WorkloadView } from '../../api/views.ts';
import { type Action, NO_ACTION, PODS_PER_ACTION, type PodCondition } from '../plan.ts';
import { resultText } from '../report/cause-text.ts';
import type { VerificationContext } from '../verification/context.ts';
import { failingConditions } from '../verification/failing.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { withPins } from '../verification/recorded.ts';
import { ungated, unrecorded } from '../verification/summary.ts';
import { closingConditions } from '../verification/witness.ts';
import { driverOf } from '../workload/drivers.ts';
import { reachOf } from './reach.ts';
import { type Turn, verifiesPods } from './turn.ts';

/** Left in managedFields, our entry would make the user's next server-side apply conflict. */
export const releaseFields = (workload: WorkloadView): Action =>
  workload.holdsOurFields ? { kind: 'releaseFields', workload } : NO_ACTION;

export const releaseOurFields = ({ workload }: Turn): Action => releaseFields(workload);

/** Records on their pods the results that are not there yet: that opens the gate, or says why it stays closed. */
export function recordResults(turn: Turn): Action {
  const { summary, context } = turn;
  if (!verifiesPods(turn)) {
    return NO_ACTION;
  }
  const results = unrecorded(summary);
  if (results.length === 0) {
    return NO_ACTION;
  }
  let room = mostVerified(turn) - summary.counts.passed - summary.counts.skipped;
  const now = results.filter(({ state }) => state === 'Failed' || room-- > 0);
  return resultsAction(now, context);
}

/** The same for pods that were put back. */
export function recordAside(turn: Turn): Action {
  const { aside, snapshot } = turn;
  const results = snapshot.upgrade.spec.fallback.verify ? unrecorded({ results: aside }) : [];
  return conditionsAction(results.map((result) => podCondition(result, turn.asideContext)));
}

/** How many pods may be verified now: where the gate holds the controller, a pod whose verdict is withheld keeps it closed. */
const mostVerified = (turn: Turn): number =>
  driverOf(turn.workload).lever(turn.workload) === 'gate' ? reachOf(turn).pods : Number.POSITIVE_INFINITY;

const conditionsAction = (conditions: readonly PodCondition[]): Action =>
  conditions.length > 0 ? { kind: 'recordResults', conditions } : NO_ACTION;

/** Records these results, of so many pods at once. */
export const resultsAction = (results: readonly PodResult[], context: VerificationContext): Action =>
  conditionsAction(results.slice(0, PODS_PER_ACTION).map((result) => podCondition(result, context)));

/** A result as it is recorded on its pod, pinned to what was evaluated. */
function podCondition(result: PodResult, { id }: VerificationContext): PodCondition {
  const { pod, state, cause } = result;
  const status = state === 'Failed' ? 'False' : 'True';
  const message = withPins(cut(resultText(result), 1000), id, pod);
  return { pod, condition: { status, reason: cause.reason, message } };
}

/** Closes the gates of pods in which somebody set another image. */
export const closeGates = ({ summary, aside }: Turn): Action =>
  conditionsAction(closingConditions([...summary.results, ...aside]).slice(0, PODS_PER_ACTION));

/** Says on gated pods why they do not pass, before there is a result. */
export const explainFailures = ({ summary }: Turn): Action =>
  conditionsAction(failingConditions(summary.results));

/** Deletes the pod that its controller waits for instead of replacing it. */
export function unblock({ snapshot, workload, status, policy, rollout }: Turn): Action {
  // While failed pods are put back, the others of the new version go on being verified.
  if (rollout.turn) {
    return NO_ACTION;
  }
  const spared = policy.sparesBefore ? status.from.revision : undefined;
  // Without knowing what ran before, an attempt must not take one of its pods for a broken one.
  if (policy.sparesBefore && spared === undefined) {
    return NO_ACTION;
  }
  const revisions = { update: snapshot.updateRevision, spared };
  const pod = driverOf(workload).blockingPod(workload, snapshot.pods, revisions);
  return pod ? { kind: 'deletePods', workload, pods: [pod], reason: 'StuckPodDeleted' } : NO_ACTION;
}

/** `gate: Required`, and a pod came without its gate: it goes, as long as it serves nobody yet. */
export function replaceMissedGate({ snapshot, workload, status, summary }: Turn): Action {
  if (snapshot.upgrade.spec.gate !== 'Required') {
    return NO_ACTION;
  }
  const missed = ungated(summary, status).find(({ isPodReady }) => !isPodReady);
  return missed ? { kind: 'deletePods', workload, pods: [missed.pod], reason: 'GateMissed' } : NO_ACTION;
}
