/** Verifying the pods of a rollout, in either direction, and what follows from it. */
import type { WorkloadView } from '../../api/views.ts';
import { type Action, type Decision, NO_ACTION } from '../plan.ts';
import { exitCodes, report } from '../report/pods.ts';
import type { Snapshot } from '../snapshot.ts';
import { type ActiveStatus, postCheckDigest } from '../status.ts';
import { earliest, toIso } from '../time.ts';
import { type Due, scheduleProbes } from '../verification/due.ts';
import { PodResults } from '../verification/results.ts';
import { type PodSummary, summarizePods } from '../verification/summary.ts';
import { unblock } from './actions.ts';
import { isRejected } from './budget.ts';
import { asideContext, verificationContext } from './context.ts';
import { isRolledOut, isSettled } from './done.ts';
import { followExplained } from './explain.ts';
import { followStages, type Staged } from './follow-stages.ts';
import { failedPlaces, followLeft, putBackPods } from './left.ts';
import { followPartition, isAtPartition } from './partition.ts';
import { policyOf } from './policy.ts';
import { type Overdue, overdue, progressDeadline, recordProgress } from './progress.ts';
import type { Rollout } from './rollout.ts';
import { stagesFor } from './stages.ts';
import { type Evidence, isRolling, type Turn, verifiesPods } from './turn.ts';
import { seenBy, turnTemplate } from './turn-back.ts';
import { warningAt } from './warnings.ts';

interface Rolling {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly rollout: Rollout;
}

/** Ends the rollout when its pods say so, else goes on: probes, results, and what holds the controller up. */
export function verify(snapshot: Snapshot, rolling: Rolling): Decision {
  const { followsPartition } = policyOf(rolling.rollout.direction);
  const moved = followsPartition ? followPartition(snapshot, rolling) : undefined;
  if (moved) {
    return { status: moved, intent: true, waitGoesOn: true };
  }
  const turn = beginTurn(seenBy(snapshot, rolling.status), rolling);
  const staged = resumed(snapshot, followStages(turn));
  const now: Turn = { ...turn, status: staged.status };
  const deadline = progressDeadline(now);
  const late = isEnded(now) || staged.wait ? undefined : overdue(now, deadline);
  const next =
    rejected(now, late) ??
    rejectedAsAWhole(now, staged) ??
    turnTemplate(now) ??
    endOf(now, late, staged.isOver);
  if (next || staged.moved) {
    return {
      status: next ?? staged.status,
      summary: now.summary,
      intent: true,
      wait: next ? undefined : staged.wait,
    };
  }
  return goOn(now, { staged, deadline, isLate: late !== undefined });
}

/** What an attempt waits at the user's partition for is no lack of progress: when it goes on, its time begins anew. */
function resumed({ upgrade, now }: Snapshot, staged: Staged): Staged {
  const { status, wait } = staged;
  return isAtPartition(upgrade.status) && wait?.reason !== 'PartitionSet'
    ? { ...staged, status: { ...status, attempt: { ...status.attempt, progressAt: toIso(now) } } }
    : staged;
}

/** It ended as Partial: pods that are made anew are verified all the same, as they come behind gates. */
const isEnded = ({ status }: Turn): boolean => status.attempt.end !== undefined;

function beginTurn(snapshot: Snapshot, { workload, status, rollout }: Rolling): Turn {
  const policy = policyOf(rollout.direction);
  const stages = stagesFor(policy, snapshot.upgrade.spec, status);
  const context = verificationContext(snapshot, status, stages);
  const whole = summarizePods(snapshot, workload, context);
  const putBack = putBackPods({ workload, status }, whole);
  const summary = { ...whole, outdated: whole.outdated.filter((pod) => !putBack.includes(pod)) };
  const followed = policy.follow(
    recordProgress(snapshot, recordQuestion(snapshot, status), summary),
    snapshot.updateRevision,
    isRolling(summary),
  );
  const back = asideContext(snapshot, status);
  const turn: Turn = {
    snapshot,
    workload,
    status: withPodStatus(followed, summary),
    summary,
    aside: new PodResults().of(putBack, { records: snapshot.records, now: snapshot.now, context: back }),
    rollout,
    policy,
    context,
    asideContext: back,
    stages,
  };
  return policy.hasBudget ? { ...turn, status: followExplained(turn, followLeft(turn)) } : turn;
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

/** The user may change the post-check on the way: pods are verified anew, and the status says what its results belong to. */
const recordQuestion = ({ upgrade }: Snapshot, status: ActiveStatus): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, postCheckDigest: postCheckDigest(upgrade.spec) },
});

/** The end of a version that failed. */
const rejected = (turn: Turn, late: Overdue | undefined): ActiveStatus | undefined =>
  verifiesPods(turn) && isRejected(turn, late !== undefined) && (late || !isBlocked(turn))
    ? turn.policy.onEvidence(turn, evidenceOf(turn))
    : undefined;

/** The end of a version that a check of the rollout speaks against. */
const rejectedAsAWhole = (turn: Turn, { analysis }: Staged): ActiveStatus | undefined =>
  analysis.failed && turn.policy.onEvidence(turn, { cause: analysis.failed, pods: [] });

/** How the rollout ends otherwise, if it does now. */
function endOf(turn: Turn, late: Overdue | undefined, isOver: boolean): ActiveStatus | undefined {
  const { summary, policy } = turn;
  if (isOver && isDone(turn)) {
    return summary.desired === 0 ? policy.onNoPods(turn) : policy.onDone(turn);
  }
  if (!late) {
    return undefined;
  }
  return late.against ? policy.onEvidence(turn, late.evidence) : policy.onSilence(turn, late.evidence);
}

/** A pod blocks the controller, which nobody would delete after the end. */
const isBlocked = (turn: Turn): boolean => turn.policy.unblocksBeforeFailing && unblock(turn) !== NO_ACTION;

/** The controller is done, and every wanted pod has its result. */
const isDone = (turn: Turn): boolean => isRolledOut(turn) && (!verifiesPods(turn) || isSettled(turn));

/** The pods that failed; where all of them are put back already, what is known of the first. */
function evidenceOf(turn: Turn): Evidence {
  const bad = turn.summary.results.filter(({ state }) => state === 'Failed');
  const [left] = turn.status.left;
  const cause = bad[0]?.cause ?? { reason: left?.reason ?? 'NoEvidence', detail: left?.message };
  const failed = failedPlaces(turn).size;
  return { cause: failed > 1 ? { ...cause, others: failed - 1 } : cause, pods: report(bad) };
}

interface GoingOn {
  readonly staged: Staged;
  readonly deadline: number;
  readonly isLate: boolean;
}

function goOn(turn: Turn, { staged, deadline, isLate }: GoingOn): Decision {
  const { snapshot, status, summary } = turn;
  const { now } = snapshot;
  const { cycles, wakeAt } = probesOf(turn);
  // No deadline runs while a stage waits; and one that has passed is told by the phase.
  const deadlineAt = !staged.wait && now < deadline ? deadline : undefined;
  // A soak is over only when its pods are well, so its time may have passed.
  const until = staged.wait?.until;
  const waitEnd = until !== undefined && until > now ? until : undefined;
  // Where no pods are wanted, none is late.
  const isOpen = deadlineAt !== undefined && summary.desired > 0 && !isEnded(turn);
  const attempt = { ...status.attempt, deadlineAt: isOpen ? toIso(deadlineAt) : undefined };
  return {
    status: { ...status, attempt, phase: isEnded(turn) ? status.phase : phaseOf(turn, isLate) },
    summary,
    cycles,
    wait: staged.wait,
    queries: staged.analysis.queries,
    action: nextAction(turn),
    wakeAt: earliest([wakeAt, warningAt(turn), waitEnd, staged.analysis.nextAt, deadlineAt]),
  };
}

const NO_PROBES: Due = { cycles: [], wakeAt: undefined };

/** Probe cycles of the new version, and of pods that were put back. */
function probesOf(turn: Turn): Due {
  const { snapshot, summary, aside, context } = turn;
  const { upgrade } = snapshot;
  const due = verifiesPods(turn) ? scheduleProbes(snapshot, summary.results, context) : NO_PROBES;
  const isAsked = aside.length > 0 && upgrade.spec.fallback.verify;
  const back = isAsked ? scheduleProbes(snapshot, aside, turn.asideContext) : NO_PROBES;
  return { cycles: [...due.cycles, ...back.cycles], wakeAt: earliest([due.wakeAt, back.wakeAt]) };
}

/** The first thing that there is to do: a plan carries out one kind of change at a time. */
function nextAction(turn: Turn): Action {
  for (const actionOf of turn.policy.actions) {
    const action = actionOf(turn);
    if (action.kind !== 'none') {
      return action;
    }
  }
  return NO_ACTION;
}

function phaseOf({ summary, policy }: Turn, isLate: boolean): ActiveStatus['phase'] {
  const { phases, inconclusive } = policy;
  if (inconclusive && (isLate || summary.counts.inconclusive > 0)) {
    return inconclusive;
  }
  return isRolling(summary) ? phases.rolling : phases.checking;
}
