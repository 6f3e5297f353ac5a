/** Verifies the pods of a rollout, in either direction, and decides what follows. */

import type { Cause } from '../cause.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { type Action, type Decision, NO_ACTION } from '../plan.ts';
import { exitCodes, report } from '../report/pods.ts';
import type { Snapshot } from '../snapshot.ts';
import { postCheckDigest } from '../status.ts';
import { earliest, toIso } from '../time.ts';
import { type Due, scheduleProbes } from '../verification/due.ts';
import { PodResults } from '../verification/results.ts';
import { countedSummary, type PodSummary, summarizePods } from '../verification/summary.ts';
import { unobservedAt } from '../workload/refusal.ts';
import { unblock } from './actions.ts';
import { isRejected } from './budget.ts';
import { rolledBackContext, verificationContext } from './context.ts';
import { isRolledOut, isSettled } from './done.ts';
import { type Evaluation, type Evidence, isRolling, verifiesPods } from './evaluation.ts';
import { followExplained } from './explain.ts';
import { followStages, type Staged } from './follow-stages.ts';
import { failedEntries, failedPlaces, followLeft, rolledBackPods } from './left.ts';
import { followLost, lostNodes, lostUntil } from './lost-nodes.ts';
import { followPartition } from './partition.ts';
import { policyOf } from './policy.ts';
import { findOverdue, type Overdue, progressDeadline, recordProgress } from './progress.ts';
import type { Rolling } from './rollout.ts';
import { stagesFor } from './stages.ts';
import { recordTemplateRevert, withAttemptRevision } from './template-revert.ts';
import { warningAt } from './warnings.ts';

/** Ends the rollout if its pods decide it; otherwise plans probes, and one action. */
export function verify(snapshot: Snapshot, rolling: Rolling): Decision {
  const policy = policyOf(rolling.rollout.direction);
  const lost = lostNodes(snapshot, rolling);
  const moved =
    followLost(snapshot, rolling, { lostNodes: lost, policy }) ??
    (policy.followsPartition ? followPartition(snapshot, rolling) : undefined);
  if (moved) {
    return { status: moved, intent: true, keepsWait: true };
  }
  const evaluation = evaluate(withAttemptRevision(snapshot, rolling.status), rolling, lost);
  const staged = resumed(snapshot, followStages(evaluation));
  const now: Evaluation = { ...evaluation, status: staged.status };
  const deadline = progressDeadline(now);
  const overdue = isEnded(now) || staged.wait ? undefined : findOverdue(now, deadline);
  const next =
    rejected(now, overdue) ??
    rejectedByRolloutCheck(now, staged) ??
    recordTemplateRevert(now) ??
    endOf(now, overdue, staged.isOver);
  if (next || staged.isChanged) {
    return {
      status: next ?? staged.status,
      summary: now.summary,
      intent: true,
      wait: next ? undefined : staged.wait,
    };
  }
  return continueRollout(now, { staged, deadline, isOverdue: overdue !== undefined });
}

/** A wait is no lack of progress: the time for progress starts again when the attempt continues, or has to verify pods again. */
function resumed({ upgrade, now }: Snapshot, staged: Staged): Staged {
  const { status, wait } = staged;
  return upgrade.status.waiting && !wait
    ? { ...staged, status: { ...status, attempt: { ...status.attempt, progressAt: toIso(now) } } }
    : staged;
}

/** It ended as Partial. Pods that are created later have gates, so they are still verified. */
const isEnded = ({ status }: Evaluation): boolean => status.attempt.end !== undefined;

function evaluate(
  snapshot: Snapshot,
  { workload, status, rollout }: Rolling,
  lost: readonly string[],
): Evaluation {
  const policy = policyOf(rollout.direction);
  const stages = stagesFor(policy, snapshot.upgrade.spec, status);
  const context = verificationContext(snapshot, status, stages);
  const whole = summarizePods(snapshot, workload, context);
  const rolledBack = rolledBackPods({ workload, status }, whole);
  const summary = { ...whole, outdated: whole.outdated.filter((pod) => !rolledBack.includes(pod)) };
  const followed = policy.follow(
    recordProgress(snapshot, recordPostCheck(snapshot, status), summary, policy),
    snapshot.updateRevision,
    isRolling(summary),
  );
  const back = rolledBackContext(snapshot, status);
  const evaluation: Evaluation = {
    snapshot,
    workload,
    status: withPodStatus(followed, summary),
    summary,
    rolledBack: new PodResults().of(rolledBack, {
      records: snapshot.records,
      now: snapshot.now,
      context: back,
    }),
    rollout,
    policy,
    context,
    rolledBackContext: back,
    stages,
    lostNodes: lost,
  };
  return policy.hasBudget
    ? { ...evaluation, status: followExplained(evaluation, followLeft(evaluation)) }
    : evaluation;
}

/** The status with the present pods. */
export const withPodStatus = (status: ActiveStatus, { counts, results }: PodSummary): ActiveStatus => ({
  ...status,
  counts,
  summary: countedSummary(counts),
  exitCodes: exitCodes(results, status.exitCodes),
  pods: report(results),
});

/** The user may change the post-check during a rollout. All pods are then verified again, and the status records which post-check its results belong to. */
const recordPostCheck = ({ upgrade }: Snapshot, status: ActiveStatus): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, postCheckDigest: postCheckDigest(upgrade.spec) },
});

/** Ends the rollout if too many of its pods failed. */
const rejected = (evaluation: Evaluation, overdue: Overdue | undefined): ActiveStatus | undefined =>
  verifiesPods(evaluation) &&
  isRejected(evaluation, overdue !== undefined) &&
  (overdue || !isBlocked(evaluation))
    ? evaluation.policy.onEvidence(evaluation, evidenceOf(evaluation))
    : undefined;

/** Ends the rollout if one of its rollout checks failed. */
const rejectedByRolloutCheck = (evaluation: Evaluation, { analysis }: Staged): ActiveStatus | undefined =>
  analysis.failed && evaluation.policy.onEvidence(evaluation, { cause: analysis.failed, pods: [] });

/** Ends the rollout if it is done, or has made no progress for too long. */
function endOf(
  evaluation: Evaluation,
  overdue: Overdue | undefined,
  isOver: boolean,
): ActiveStatus | undefined {
  const { summary, policy } = evaluation;
  if (isOver && isDone(evaluation)) {
    return summary.desired === 0 ? policy.onNoPods(evaluation) : policy.onDone(evaluation);
  }
  if (!overdue) {
    return undefined;
  }
  return overdue.hasEvidence
    ? policy.onEvidence(evaluation, overdue.evidence)
    : policy.onSilence(evaluation, overdue.evidence);
}

/** A pod blocks the controller; after the end nothing would delete it. */
const isBlocked = (evaluation: Evaluation): boolean =>
  evaluation.policy.unblocksBeforeFailing && unblock(evaluation) !== NO_ACTION;

/** The controller is done, and every desired pod has its result. */
const isDone = (evaluation: Evaluation): boolean =>
  isRolledOut(evaluation) && (!verifiesPods(evaluation) || isSettled(evaluation));

/** The failed pods; if all of them are rolled back already, what the status has of the first. */
function evidenceOf(evaluation: Evaluation): Evidence {
  const failedPods = evaluation.summary.results.filter(({ state }) => state === 'Failed');
  const recorded = failedEntries(evaluation.status).map(({ reason, message }) => ({ reason, text: message }));
  const [cause = { reason: 'NoEvidence' }] = [
    ...failedPods.map((result): Cause => result.cause),
    ...recorded,
  ];
  const others = failedPlaces(evaluation).size - 1;
  return { cause: others > 0 ? { ...cause, others } : cause, pods: report(failedPods) };
}

interface Continuing {
  readonly staged: Staged;
  readonly deadline: number;
  readonly isOverdue: boolean;
}

function continueRollout(evaluation: Evaluation, { staged, deadline, isOverdue }: Continuing): Decision {
  const { snapshot, status, summary } = evaluation;
  const { now } = snapshot;
  const { cycles, wakeAt } = probesOf(evaluation);
  // No deadline runs while a stage waits; that one has passed is visible in the phase.
  const deadlineAt = !staged.wait && now < deadline ? deadline : undefined;
  // A soak lasts until its pods are healthy, so its end may be in the past.
  const until = staged.wait?.until;
  const waitEnd = until !== undefined && until > now ? until : undefined;
  // Without desired pods nothing can be late.
  const isOpen = deadlineAt !== undefined && summary.desired > 0 && !isEnded(evaluation);
  const attempt = { ...status.attempt, deadlineAt: isOpen ? toIso(deadlineAt) : undefined };
  return {
    status: {
      ...status,
      attempt,
      phase: isEnded(evaluation)
        ? status.phase
        : phaseOf(evaluation, isOverdue || staysOverdue(evaluation, staged, deadline)),
    },
    summary,
    cycles,
    wait: staged.wait,
    queries: staged.analysis.queries,
    action: nextAction(evaluation),
    wakeAt: earliest([
      wakeAt,
      warningAt(evaluation),
      waitEnd,
      staged.analysis.nextAt,
      deadlineAt,
      lostUntil(evaluation),
      unobservedFrom(evaluation),
    ]),
  };
}

/** When the message will say that the controller has not observed the change. */
function unobservedFrom({ snapshot, rollout }: Evaluation): number | undefined {
  const at = unobservedAt(snapshot, rollout.rolledAt);
  return at !== undefined && at > snapshot.now ? at : undefined;
}

const NO_PROBES: Due = { cycles: [], wakeAt: undefined };

/** Probe cycles of the rollout's pods, and of pods that were rolled back. */
function probesOf(evaluation: Evaluation): Due {
  const { snapshot, summary, rolledBack, context } = evaluation;
  const { upgrade } = snapshot;
  const due = verifiesPods(evaluation) ? scheduleProbes(snapshot, summary.results, context) : NO_PROBES;
  const verifiesRolledBack = rolledBack.length > 0 && upgrade.spec.fallback.verify;
  const back = verifiesRolledBack
    ? scheduleProbes(snapshot, rolledBack, evaluation.rolledBackContext)
    : NO_PROBES;
  return { cycles: [...due.cycles, ...back.cycles], wakeAt: earliest([due.wakeAt, back.wakeAt]) };
}

/** The first action with something to do: a plan carries out one kind of change at a time. */
function nextAction(evaluation: Evaluation): Action {
  for (const actionOf of evaluation.policy.actions) {
    const action = actionOf(evaluation);
    if (action.kind !== 'none') {
      return action;
    }
  }
  return NO_ACTION;
}

/**
 * Once overdue, a rollout is that until it makes progress: while its pods are evicted, or replaced, again and again, there is always one that was not
 * probed yet.
 */
const staysOverdue = (
  { snapshot, summary, policy }: Evaluation,
  { wait }: Staged,
  deadline: number,
): boolean =>
  snapshot.upgrade.status.phase === policy.inconclusive &&
  !wait &&
  snapshot.now >= deadline &&
  summary.desired > 0;

function phaseOf({ summary, policy }: Evaluation, isOverdue: boolean): ActiveStatus['phase'] {
  const { phases, inconclusive } = policy;
  if (inconclusive && (isOverdue || summary.counts.inconclusive > 0)) {
    return inconclusive;
  }
  return isRolling(summary) ? phases.rolling : phases.checking;
}
