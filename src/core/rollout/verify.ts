/** Verifying the pods of a rollout, in either direction, and what follows from it. */

import { cut } from '../../api/cut.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import {
  type Action,
  type Decision,
  firstAction,
  NO_ACTION,
  type PlannedCycle,
  type PodCondition,
} from '../plan.ts';
import { resultText } from '../report/cause-text.ts';
import { exitCodes, report } from '../report/pods.ts';
import type { Snapshot } from '../snapshot.ts';
import { type ActiveStatus, isFallingBack, postCheckDigest, resumedAt, verificationId } from '../status.ts';
import { earliest, fromIso, latest, toIso } from '../time.ts';
import type { VerificationContext } from '../verification/context.ts';
import { failingConditions } from '../verification/failing.ts';
import type { PodResult } from '../verification/pod.ts';
import { possibleTries } from '../verification/probe-cycle.ts';
import { withPins } from '../verification/recorded.ts';
import { type PodSummary, summarizePods, ungated, unrecorded } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { isLive, isReady } from '../workload/pods.ts';
import { refusalOf } from '../workload/refusal.ts';
import { advance, movePartition } from './advance.ts';
import { policyOf } from './policy.ts';
import type { Rollout } from './rollout.ts';
import { followStages, isSoaking, reachOf, type Staged, withoutStages } from './stages.ts';
import type { Evidence, Turn } from './turn.ts';

interface Rolling {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly rollout: Rollout;
}

/** Ends the rollout when its pods say so, else goes on: probes, results, and what holds the controller up. */
export function verify(snapshot: Snapshot, { workload, status, rollout }: Rolling): Decision {
  const policy = policyOf(rollout);
  const context = verificationContext(snapshot, status);
  const summary = summarizePods(snapshot, workload, context);
  const followed = policy.follow(
    recordProgress(snapshot, recordQuestion(snapshot, status), summary),
    snapshot.updateRevision,
    isRolling(summary),
  );
  const turn: Turn = { snapshot, workload, status: withPodStatus(followed, summary), summary };
  const staged = rollout.direction === 'Forward' ? followStages(turn) : withoutStages(turn.status);
  const now: Turn = { ...turn, status: staged.status };
  const late = staged.waits ? undefined : overdue(now, rollout);
  const end = endOf(now, rollout, late, staged.isOver);
  if (end || staged.moved) {
    return { status: end ?? staged.status, summary, intent: true };
  }
  return goOn(now, rollout, { context, staged, isLate: late !== undefined });
}

/** What pods are evaluated by. */
export function verificationContext(snapshot: Snapshot, status: ActiveStatus): VerificationContext {
  const { spec } = snapshot.upgrade;
  const inFallback = isFallingBack(status);
  const direction = inFallback ? 'Back' : 'Forward';
  return {
    id: verificationId(snapshot.upgrade, status),
    spec,
    inFallback,
    startedAt: fromIso(inFallback ? status.fallback.startedAt : status.attempt.startedAt),
    // While suspended the clocks do not run: every deadline is a whole one away.
    resumedAt: status.paused?.since ? snapshot.now : resumedAt(status),
    deadlineSeconds: policyOf({ direction }).deadlineSeconds(spec),
    nodeReady: snapshot.nodeReady,
    nodeBackAt: snapshot.nodeBackAt,
    waitingSince: snapshot.waitingSince,
    isSoaking: isSoaking(spec, status),
    template: (snapshot.workload?.containers ?? []).map(({ name }) => name),
    baseline: status.from.baseline ?? [],
    restartsBefore: restartsBefore(snapshot, status),
  };
}

/** Pods of a revision that this attempt brought were made by it, by whatever clock; of others the restarts that were seen before do not count. */
function restartsBefore(
  { upgrade, updateRevision, restartsSeen }: Snapshot,
  status: ActiveStatus,
): VerificationContext['restartsBefore'] {
  const id = verificationId(upgrade, status);
  const isOurs =
    !isFallingBack(status) && status.attempt.trigger !== 'Retry' && updateRevision !== status.from.revision;
  return (pod, container) => {
    const seen = isOurs ? undefined : restartsSeen?.get(`${pod.uid}/${container}`);
    return seen?.verification === id ? seen.restarts : 0;
  };
}

/** The status with its pods as they are. */
export const withPodStatus = (
  status: ActiveStatus,
  { counts, desired, results }: PodSummary,
): ActiveStatus => ({
  ...status,
  counts,
  summary: `${counts.passed}/${desired}`,
  exitCodes: exitCodes(results),
  pods: report(results),
});

/** The user may change the post-check on the way: pods are asked anew, and the status says what its answers belong to. */
const recordQuestion = ({ upgrade }: Snapshot, status: ActiveStatus): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, postCheckDigest: postCheckDigest(upgrade.spec) },
});

const isRolling = ({ counts, desired }: PodSummary): boolean => counts.updated < desired;

/**
 * Progress is a new maximum of updated or passed pods: an evict-and-recreate loop is none. Where no pods were wanted and now some are, the
 * time begins with them.
 */
function recordProgress({ now }: Snapshot, status: ActiveStatus, { counts }: PodSummary): ActiveStatus {
  const { attempt } = status;
  const maxUpdated = Math.max(counts.updated, attempt.maxUpdated);
  const maxPassed = Math.max(counts.passed + counts.skipped, attempt.maxPassed);
  const comesBack = status.counts?.desired === 0 && counts.desired > 0;
  return maxUpdated === attempt.maxUpdated && maxPassed === attempt.maxPassed && !comesBack
    ? status
    : { ...status, attempt: { ...attempt, maxUpdated, maxPassed, progressAt: toIso(now) } };
}

/** How the rollout ends, if it does now. */
function endOf(
  turn: Turn,
  rollout: Rollout,
  late: Overdue | undefined,
  isOver: boolean,
): ActiveStatus | undefined {
  const { snapshot, summary } = turn;
  const policy = policyOf(rollout);
  const verifies = policy.verifies(snapshot.upgrade.spec);
  if (verifies && summary.counts.failed > 0 && (late || !isHeldUp(turn, rollout))) {
    return policy.onFailed(turn, evidenceOf(summary.results));
  }
  if (isOver && isDone(turn, verifies)) {
    return summary.desired === 0 ? policy.onNoPods(turn) : policy.onDone(turn);
  }
  if (!late) {
    return undefined;
  }
  return late.against ? policy.onFailed(turn, late.evidence) : policy.onSilence(turn, late.evidence);
}

/** A rollback ends as failed only when no pod of the version that failed is left for ever: nobody frees it after the end. */
const isHeldUp = (turn: Turn, rollout: Rollout): boolean =>
  rollout.direction === 'Back' && unblock(turn, rollout) !== NO_ACTION;

/** The controller is done, every wanted pod is settled, and there are as many of them as are wanted. */
function isDone({ snapshot, summary }: Turn, verifies: boolean): boolean {
  const { counts, desired, rolledOut } = summary;
  const settled = counts.passed + counts.skipped;
  return (
    snapshot.updateRevision !== undefined &&
    rolledOut &&
    (!verifies || (settled === counts.updated && settled >= desired))
  );
}

function evidenceOf(results: readonly PodResult[]): Evidence {
  const bad = results.filter(({ state }) => state === 'Failed');
  const cause = bad[0]?.cause ?? { reason: 'NoEvidence' };
  return { cause: bad.length > 1 ? { ...cause, others: bad.length - 1 } : cause, pods: report(bad) };
}

interface Overdue {
  /** A pod said so itself, by a probe made since the deadline. */
  readonly against: boolean;
  readonly evidence: Evidence;
}

/**
 * No progress until the deadline: evidence of a pod's own fails the rollout, silence does not. Only a probe made since then counts; one
 * that was made before may be as old as the loss of its node, or of the API server. `undefined` while there is time, or while such a
 * probe is on its way.
 */
function overdue(turn: Turn, rollout: Rollout): Overdue | undefined {
  const { snapshot, summary } = turn;
  const verifies = policyOf(rollout).verifies(snapshot.upgrade.spec);
  const deadline = progressDeadline(turn, rollout);
  // Where no pods are wanted, none is late.
  if (snapshot.now < deadline || summary.desired === 0) {
    return undefined;
  }
  const results = verifies ? summary.results : [];
  const against = results.find(
    ({ record, state }) => state === 'Retrying' && record?.class === 'Retry' && record.startedAt >= deadline,
  );
  const isComing = ({ record, cycleAt }: PodResult) =>
    cycleAt !== undefined && (record ? record.startedAt < deadline : cycleAt <= snapshot.now);
  if (!against && results.some(isComing)) {
    return undefined;
  }
  const refused = against ? undefined : refusedPods(turn, rollout);
  const worst = summary.results.find(({ state }) => state !== 'Passed' && state !== 'Skipped');
  const cause = refused ?? (against ?? worst)?.cause ?? ({ reason: 'NoProgress' } as const);
  return {
    against: against !== undefined || refused !== undefined,
    evidence: {
      cause: { ...cause, idleSeconds: progressDeadlineSeconds(snapshot) },
      pods: against ? report([against]) : [],
    },
  };
}

/** The API server lets the controller make no pod of the new version, and it says why: it cannot run here. */
function refusedPods({ snapshot, summary }: Turn, { direction, rolledAt }: Rollout): Cause | undefined {
  const detail = refusalOf(snapshot, rolledAt);
  return direction === 'Forward' && detail && summary.counts.updated === 0
    ? { reason: 'PodsRefused', detail }
    : undefined;
}

/** A pod takes a moment to be made, and an old one to end, before anything is asked about it. */
const ASK_AFTER_MS = 10_000;
/** An answer is asked for again so often. */
const ASK_EVERY_MS = 30_000;

/** When events about the workload are to be read: a pod is missing and none of the new version has come, which its status does not explain. */
function warningAt(
  { snapshot, workload, summary }: Turn,
  { direction, rolledAt }: Rollout,
): number | undefined {
  const isMissing = snapshot.pods.filter(isLive).length < summary.desired;
  const isUnexplained =
    isMissing && summary.counts.updated === 0 && driverOf(workload).refusalIn === 'events';
  if (direction !== 'Forward' || !isUnexplained || rolledAt === undefined) {
    return undefined;
  }
  const isKnown = snapshot.workloadWarning !== undefined;
  return isKnown ? snapshot.now + ASK_EVERY_MS : Math.max(rolledAt + ASK_AFTER_MS, snapshot.now);
}

function progressDeadlineSeconds({ upgrade }: Snapshot): number {
  const { progressDeadlineSeconds: set, postCheck } = upgrade.spec;
  return set ?? Math.max(600, postCheck.initialDelaySeconds + postCheck.deadlineSeconds + 300);
}

/**
 * When the rollout has to have made its next progress. A write that was refused for long must not use up the time of the pods, and what the
 * controller waits for by itself is no lack of progress.
 */
function progressDeadline({ snapshot, workload, status, summary }: Turn, { rolledAt }: Rollout): number {
  const back = summary.results.map(({ pod }) => snapshot.nodeBackAt?.get(pod.node));
  const since = latest(fromIso(status.attempt.progressAt), rolledAt, resumedAt(status), ...back);
  return since + (progressDeadlineSeconds(snapshot) + workload.ownWaitSeconds) * 1000;
}

interface GoingOn {
  readonly context: VerificationContext;
  readonly staged: Staged;
  readonly isLate: boolean;
}

function goOn(turn: Turn, rollout: Rollout, { context, staged, isLate }: GoingOn): Decision {
  const { snapshot, status, summary } = turn;
  const policy = policyOf(rollout);
  const verifies = policy.verifies(snapshot.upgrade.spec);
  const deadline = progressDeadline(turn, rollout);
  const { cycles, wakeAt } = verifies ? scheduleProbes(snapshot, summary, context) : NO_PROBES;
  // Where no pods are wanted, or a stage waits, none is late; and one that is over is told by the phase.
  const isOpen = !staged.waits && summary.desired > 0 && snapshot.now < deadline;
  const askAt = warningAt(turn, rollout);
  const attempt = { ...status.attempt, deadlineAt: isOpen ? toIso(deadline) : undefined };
  return {
    status: { ...status, attempt, phase: phaseOf(turn.summary, rollout, isLate) },
    summary,
    cycles,
    action: firstAction(
      releaseFields(turn.workload),
      verifies ? recordResults(summary, context, mostVerified(turn, rollout)) : NO_ACTION,
      unblock(turn, rollout),
      rollout.direction === 'Forward' ? movePartition(turn) : NO_ACTION,
      advance(turn, rollout),
      replaceMissedGate(turn, rollout),
      rollout.direction === 'Forward' ? sayWhy(summary) : NO_ACTION,
      askAt === snapshot.now ? { kind: 'readWarning', workload: turn.workload } : NO_ACTION,
    ),
    wakeAt: earliest([
      wakeAt,
      askAt,
      staged.wakeAt,
      !staged.waits && snapshot.now < deadline ? deadline : undefined,
    ]),
  };
}

const NO_PROBES = { cycles: [], wakeAt: undefined };

function phaseOf(summary: PodSummary, rollout: Rollout, isLate: boolean): ActiveStatus['phase'] {
  const { phases, inconclusive } = policyOf(rollout);
  if (inconclusive && (isLate || summary.counts.inconclusive > 0)) {
    return inconclusive;
  }
  return isRolling(summary) ? phases.rolling : phases.checking;
}

/** Probe cycles that are due now, and when the next one is, or a result may change. */
export function scheduleProbes(
  { now }: Snapshot,
  { results }: PodSummary,
  context: VerificationContext,
): { readonly cycles: readonly PlannedCycle[]; readonly wakeAt: number | undefined } {
  const { id, inFallback } = context;
  const isDue = ({ cycleAt }: PodResult) => cycleAt !== undefined && cycleAt <= now;
  const cycles = results
    .filter(isDue)
    .map(({ pod }) => ({ pod, verification: id, inFallback, tries: possibleTries(context, pod) }));
  const later = results
    .flatMap(({ cycleAt, lookAt }) => [cycleAt, lookAt])
    .filter((at) => at !== undefined && at > now);
  return { cycles, wakeAt: earliest(later) };
}

/** Gated pods that fail say why, before there is a result. */
function sayWhy({ results }: PodSummary): Action {
  const conditions = failingConditions(results);
  return conditions.length > 0 ? { kind: 'recordResults', conditions } : NO_ACTION;
}

/** How many pods may be verified now, where that is what holds the controller: without its verdict a pod's gate stays closed. */
function mostVerified(turn: Turn, { direction }: Rollout): number | undefined {
  const isHeld = direction === 'Forward' && driverOf(turn.workload).lever(turn.workload) === 'gate';
  return isHeld ? reachOf(turn).pods : undefined;
}

/** Left in managedFields, our entry would make the user's next server-side apply conflict. */
export const releaseFields = (workload: WorkloadView): Action =>
  workload.holdsOurFields ? { kind: 'releaseFields', workload } : NO_ACTION;

/** Results that are to be written to their pods: that opens the gate, or says why it stays closed. */
export function recordResults(
  summary: PodSummary,
  context: VerificationContext,
  most: number = Number.POSITIVE_INFINITY,
): Action {
  let room = most - summary.counts.passed - summary.counts.skipped;
  const conditions = unrecorded(summary)
    .filter(({ state }) => state === 'Failed' || room-- > 0)
    .map((result) => podCondition(result, context));
  return conditions.length > 0 ? { kind: 'recordResults', conditions } : NO_ACTION;
}

/** A result as it is recorded on its pod, pinned to what was evaluated. */
export function podCondition(result: PodResult, { id }: VerificationContext): PodCondition {
  const { pod, state, cause } = result;
  const status = state === 'Failed' ? 'False' : 'True';
  const message = withPins(cut(resultText(result), 1000), id, pod);
  return { pod, condition: { status, reason: cause.reason, message } };
}

/** Deletes the pod that its controller waits for instead of replacing it. */
function unblock({ snapshot, workload, status }: Turn, rollout: Rollout): Action {
  const policy = policyOf(rollout);
  const spared = policy.sparedRevision(status);
  // Without knowing what ran before, an attempt must not take one of its pods for a broken one.
  if (policy.inconclusive && spared === undefined) {
    return NO_ACTION;
  }
  const revisions = { update: snapshot.updateRevision, spared };
  const pod = driverOf(workload).blockingPod(workload, snapshot.pods, revisions);
  return pod ? { kind: 'deletePod', pod, reason: 'StuckPodDeleted' } : NO_ACTION;
}

/** `gate: Required`, and a pod came without its gate: it goes, as long as it serves nobody yet. */
function replaceMissedGate({ snapshot, status, summary }: Turn, rollout: Rollout): Action {
  if (snapshot.upgrade.spec.gate !== 'Required' || !policyOf(rollout).replacesMissedGates) {
    return NO_ACTION;
  }
  const missed = ungated(summary, status).find(({ pod }) => !isReady(pod));
  return missed ? { kind: 'deletePod', pod: missed.pod, reason: 'GateMissed' } : NO_ACTION;
}
