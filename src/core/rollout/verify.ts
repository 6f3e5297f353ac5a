/** Verifying the pods of a rollout, in either direction, and what follows from it. */
import type { WorkloadView } from '../../api/views.ts';
import { type Action, type Decision, NO_ACTION } from '../plan.ts';
import { exitCodes, report } from '../report/pods.ts';
import type { Snapshot } from '../snapshot.ts';
import { type ActiveStatus, postCheckDigest } from '../status.ts';
import { earliest, toIso } from '../time.ts';
import { type Due, scheduleProbes } from '../verification/due.ts';
import type { PodResult } from '../verification/pod.ts';
import { type PodSummary, summarizePods } from '../verification/summary.ts';
import { unblock } from './actions.ts';
import { verificationContext } from './context.ts';
import { policyOf } from './policy.ts';
import { type Overdue, overdue, progressDeadline, recordProgress } from './progress.ts';
import type { Rollout } from './rollout.ts';
import { followStages, type Staged, stagesFor } from './stages.ts';
import { type Evidence, isRolling, type Turn, verifiesPods } from './turn.ts';
import { warningAt } from './warnings.ts';

interface Rolling {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly rollout: Rollout;
}

/** Ends the rollout when its pods say so, else goes on: probes, results, and what holds the controller up. */
export function verify(snapshot: Snapshot, rolling: Rolling): Decision {
  const turn = beginTurn(snapshot, rolling);
  const staged = followStages(turn);
  const now: Turn = { ...turn, status: staged.status };
  const deadline = progressDeadline(now);
  const late = staged.wait ? undefined : overdue(now, deadline);
  const end = endOf(now, late, staged.isOver);
  if (end || staged.moved) {
    return {
      status: end ?? staged.status,
      summary: now.summary,
      intent: true,
      wait: end ? undefined : staged.wait,
    };
  }
  return goOn(now, { staged, deadline, isLate: late !== undefined });
}

function beginTurn(snapshot: Snapshot, { workload, status, rollout }: Rolling): Turn {
  const policy = policyOf(rollout.direction);
  const stages = stagesFor(snapshot.upgrade.spec, status);
  const context = verificationContext(snapshot, status, stages);
  const summary = summarizePods(snapshot, workload, context);
  const followed = policy.follow(
    recordProgress(snapshot, recordQuestion(snapshot, status), summary),
    snapshot.updateRevision,
    isRolling(summary),
  );
  return {
    snapshot,
    workload,
    status: withPodStatus(followed, summary),
    summary,
    rollout,
    policy,
    context,
    stages,
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

/** The user may change the post-check on the way: pods are verified anew, and the status says what its results belong to. */
const recordQuestion = ({ upgrade }: Snapshot, status: ActiveStatus): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, postCheckDigest: postCheckDigest(upgrade.spec) },
});

/** How the rollout ends, if it does now. */
function endOf(turn: Turn, late: Overdue | undefined, isOver: boolean): ActiveStatus | undefined {
  const { summary, policy } = turn;
  if (verifiesPods(turn) && summary.counts.failed > 0 && (late || !isHeldUp(turn))) {
    return policy.onEvidence(turn, evidenceOf(summary.results));
  }
  if (isOver && isDone(turn)) {
    return summary.desired === 0 ? policy.onNoPods(turn) : policy.onDone(turn);
  }
  if (!late) {
    return undefined;
  }
  return late.against ? policy.onEvidence(turn, late.evidence) : policy.onSilence(turn, late.evidence);
}

/** A pod blocks the controller, which nobody would delete after the end. */
const isHeldUp = (turn: Turn): boolean => turn.policy.unblocksBeforeFailing && unblock(turn) !== NO_ACTION;

/** The controller is done, every wanted pod is settled, and there are as many of them as are wanted. */
function isDone(turn: Turn): boolean {
  const { snapshot, summary } = turn;
  const { counts, desired, rolledOut } = summary;
  const settled = counts.passed + counts.skipped;
  return (
    snapshot.updateRevision !== undefined &&
    rolledOut &&
    (!verifiesPods(turn) || (settled === counts.updated && settled >= desired))
  );
}

function evidenceOf(results: readonly PodResult[]): Evidence {
  const bad = results.filter(({ state }) => state === 'Failed');
  const cause = bad[0]?.cause ?? { reason: 'NoEvidence' };
  return { cause: bad.length > 1 ? { ...cause, others: bad.length - 1 } : cause, pods: report(bad) };
}

interface GoingOn {
  readonly staged: Staged;
  readonly deadline: number;
  readonly isLate: boolean;
}

function goOn(turn: Turn, { staged, deadline, isLate }: GoingOn): Decision {
  const { snapshot, status, summary, context } = turn;
  const { now } = snapshot;
  const { cycles, wakeAt } = verifiesPods(turn)
    ? scheduleProbes(snapshot, summary.results, context)
    : NO_PROBES;
  // No deadline runs while a stage waits; and one that has passed is told by the phase.
  const deadlineAt = !staged.wait && now < deadline ? deadline : undefined;
  // A soak is over only when its pods are well, so its time may have passed.
  const waitEnd = (staged.wait?.until ?? 0) > now ? staged.wait?.until : undefined;
  // Where no pods are wanted, none is late.
  const isOpen = deadlineAt !== undefined && summary.desired > 0;
  const attempt = { ...status.attempt, deadlineAt: isOpen ? toIso(deadlineAt) : undefined };
  return {
    status: { ...status, attempt, phase: phaseOf(turn, isLate) },
    summary,
    cycles,
    wait: staged.wait,
    action: nextAction(turn),
    wakeAt: earliest([wakeAt, warningAt(turn), waitEnd, deadlineAt]),
  };
}

const NO_PROBES: Due = { cycles: [], wakeAt: undefined };

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
