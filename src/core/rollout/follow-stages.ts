/** When a stage is done, and what an attempt waits for before that. */
import type { StageStatus } from '../../api/types.ts';
import { type ActiveStatus, NO_PROGRESS } from '../complete-status.ts';
import type { Stage } from '../effective-spec.ts';
import { fromIso, toIso } from '../time.ts';
import { closedWindow, type Wait } from '../wait.ts';
import { isRolledOut } from './done.ts';
import type { Evaluation } from './evaluation.ts';
import { failedPlaces } from './left.ts';
import { partitionLimit, partitionWait } from './partition.ts';
import { isOnNodes, isPlaceInStage, isServing, limitOf } from './reach.ts';
import { type Analysis, analyze } from './rollout-checks.ts';
import { isBeforeFirst } from './stages.ts';

interface Count {
  readonly desired: number;
  readonly verified: number;
  readonly failed: number;
  /** Every pod of the stage is verified, or failed within the budget. A stage without pods is never complete. */
  readonly isComplete: boolean;
}

function countOf(evaluation: Evaluation, stage: Stage): Count {
  const { summary } = evaluation;
  const { pods: desired } = limitOf(evaluation, stage);
  const verified = summary.results.filter(
    (result) => isServing(result) && isOnNodes(evaluation, stage, result.pod.node),
  ).length;
  const isLast = stage.pods === undefined && stage.nodes === undefined;
  const failed = [...failedPlaces(evaluation)].filter((place) =>
    isPlaceInStage(evaluation, stage, place),
  ).length;
  const isRolled = !isLast || isRolledOut(evaluation);
  const replaced = stage.nodes !== undefined && stage.pods === undefined;
  const isOutdated = replaced && summary.outdated.some(({ node }) => isOnNodes(evaluation, stage, node));
  const isTried = desired > 0 && verified + failed >= desired;
  return { desired, verified, failed, isComplete: isTried && isRolled && !isOutdated };
}

export interface Staged {
  readonly status: ActiveStatus;
  /** A stage changed its state, which is stored before any action. */
  readonly isChanged: boolean;
  /** Meanwhile no deadline runs. */
  readonly wait?: Wait;
  readonly analysis: Analysis;
  readonly isOver: boolean;
}

/** Updates the stages in the status; at most one of them changes its state. A rollout without stages proceeds in one step. */
export function followStages(evaluation: Evaluation): Staged {
  const { snapshot, status, stages } = evaluation;
  const { all, states, present } = stages;
  if (!present) {
    const wait = waitAtPartition(evaluation, evaluation.summary.desired);
    return {
      status: withoutStages(evaluation),
      isChanged: false,
      wait,
      isOver: true,
      analysis: { isPassed: true, queries: [] },
    };
  }
  const { index, stage, state } = present;
  const count = countOf(evaluation, stage);
  const analysis = analyze(evaluation, state);
  const closed = isBeforeFirst(present) ? undefined : windowOf(evaluation, state);
  const next: StageStatus = {
    ...(closed ? state : nextState(evaluation, stage, state, count.isComplete && analysis.isPassed)),
    desired: count.desired,
    // A stage that became smaller, or follows a larger one, needs no more than its own.
    verified: Math.min(count.verified, count.desired),
    failed: count.failed > 0 ? count.failed : undefined,
  };
  const isChanged = next.state !== state.state;
  const { attempt } = status;
  return {
    status: {
      ...status,
      stage: `${index + 1}/${all.length} ${stage.name}`,
      rolloutChecks: analysis.report ?? status.rolloutChecks,
      stages: states.map((other, place) => (place === index ? next : other)),
      attempt: isChanged ? { ...attempt, progressAt: toIso(snapshot.now) } : attempt,
    },
    isChanged,
    wait:
      closed ??
      waitOf(evaluation, next, { ...count, ...analysis }) ??
      waitAtPartition(evaluation, count.desired),
    analysis,
    isOver: next.state === 'Done' && index === all.length - 1,
  };
}

/** Windows, soaks and approvals are skipped. */
const isPromoted = ({ status }: Evaluation): boolean => status.attempt.promotedAt !== undefined;

/** A stage that has not started waits until a window is open. */
const windowOf = (evaluation: Evaluation, { state }: StageStatus): Wait | undefined =>
  state === 'Waiting' && !isPromoted(evaluation) ? closedWindow(evaluation.snapshot) : undefined;

/** If the user removed the stages during the attempt, the status must not report them any more. */
function withoutStages({ status, stages, policy }: Evaluation): ActiveStatus {
  const { stage, stages: none, rolloutChecks } = NO_PROGRESS;
  return policy.isStaged && stages.all.length === 0
    ? { ...status, stage, stages: none, rolloutChecks }
    : status;
}

/** Every pod that the user's partition allows is verified or has failed, and `desired` is more than that. */
function waitAtPartition(evaluation: Evaluation, desired: number): Wait | undefined {
  const { workload, status, summary, policy } = evaluation;
  const limit = partitionLimit(workload, status.attempt, summary.desired);
  if (limit === undefined || limit >= desired || !policy.isStaged || status.attempt.end) {
    return undefined;
  }
  const tried = summary.results.filter(isServing).length + failedPlaces(evaluation).size;
  return tried >= limit ? partitionWait(workload, status.attempt) : undefined;
}

const soakEnd = ({ soakUntil }: StageStatus): number => fromIso(soakUntil ?? '');

/**
 * Only a stage whose pods are verified waits: where some are gone, or are being replaced, the rollout has to make progress. A rollout check without a
 * result is nothing to wait for either, once the time of the soak is over, or the approval given.
 */
function waitOf(evaluation: Evaluation, state: StageStatus, held: Held): Wait | undefined {
  if (!held.isComplete) {
    return undefined;
  }
  if (state.state === 'Soaking') {
    const until = soakEnd(state);
    const isOver = isPromoted(evaluation) || evaluation.snapshot.now >= until;
    return isOver && !held.isPassed ? undefined : { reason: 'Soaking', until };
  }
  const isApproved = isPromoted(evaluation) || state.approvedAt !== undefined;
  return state.state === 'AwaitingApproval' && !isApproved ? { reason: 'AwaitingApproval' } : undefined;
}

/** What a stage needs besides time and approval. */
type Held = Pick<Count, 'isComplete'> & Pick<Analysis, 'isPassed'>;

/** A soak needs more than time: this process must have probed each verified pod, and the last probe must not have failed. */
const isHealthy = ({ summary }: Evaluation): boolean =>
  summary.results.filter(isServing).every(({ record }) => record?.failures === 0);

/** The next state of a stage. It changes one step at a time, because each is stored before the next. */
function nextState(
  evaluation: Evaluation,
  stage: Stage,
  state: StageStatus,
  isComplete: boolean,
): StageStatus {
  const { now } = evaluation.snapshot;
  const promoted = isPromoted(evaluation);
  switch (state.state) {
    case 'Waiting':
      return { ...state, state: 'Rolling', startedAt: toIso(now) };
    case 'Rolling':
      return isComplete ? afterRolling(evaluation, stage, state) : state;
    case 'Checking':
      return isComplete ? afterChecks(stage, state, now, promoted) : state;
    case 'Soaking': {
      const isOver = promoted || (now >= soakEnd(state) && isHealthy(evaluation));
      return isOver && isComplete ? afterSoak(stage, state, now, promoted) : state;
    }
    case 'AwaitingApproval':
      return isComplete ? afterSoak(stage, state, now, promoted) : state;
    case 'Done':
      return state;
  }
}

/** Rollout checks, if there are any, must pass first. */
function afterRolling(evaluation: Evaluation, stage: Stage, state: StageStatus): StageStatus {
  const { now, upgrade } = evaluation.snapshot;
  const verified = { ...state, verifiedAt: toIso(now) };
  return upgrade.spec.postCheck.rolloutChecks.length > 0
    ? { ...verified, state: 'Checking' }
    : afterChecks(stage, verified, now, isPromoted(evaluation));
}

const afterChecks = (stage: Stage, state: StageStatus, now: number, promoted: boolean): StageStatus =>
  stage.soakSeconds > 0 && !promoted
    ? { ...state, state: 'Soaking', soakUntil: toIso(now + stage.soakSeconds * 1000) }
    : afterSoak(stage, state, now, promoted);

const afterSoak = (stage: Stage, state: StageStatus, now: number, promoted: boolean): StageStatus =>
  stage.needsApproval && !state.approvedAt && !promoted
    ? { ...state, state: 'AwaitingApproval' }
    : { ...state, state: 'Done', finishedAt: toIso(now) };
