/** When a stage is over, and what an attempt waits for meanwhile. */
import type { StageStatus } from '../../api/types.ts';
import type { Stage } from '../effective-spec.ts';
import { type ActiveStatus, NO_PROGRESS } from '../status.ts';
import { fromIso, toIso } from '../time.ts';
import { closedWindow, type Wait } from '../wait.ts';
import { isRolledOut } from './done.ts';
import { failedPlaces } from './left.ts';
import { partitionLimit, partitionWait } from './partition.ts';
import { isOnNodes, isPlaceInStage, isServing, limitOf } from './reach.ts';
import { type Analysis, analyze } from './rollout-checks.ts';
import { begins } from './stages.ts';
import type { Turn } from './turn.ts';

interface Count {
  readonly desired: number;
  readonly verified: number;
  readonly failed: number;
  /** Every pod of the stage is verified, or failed within the budget; a stage without any pod never is. */
  readonly isComplete: boolean;
}

function countOf(turn: Turn, stage: Stage): Count {
  const { summary } = turn;
  const { pods: desired } = limitOf(turn, stage);
  const verified = summary.results.filter(
    (result) => isServing(result) && isOnNodes(turn, stage, result.pod.node),
  ).length;
  const isLast = stage.pods === undefined && stage.nodes === undefined;
  const failed = [...failedPlaces(turn)].filter((place) => isPlaceInStage(turn, stage, place)).length;
  const isRolled = !isLast || isRolledOut(turn);
  const replaced = stage.nodes !== undefined && stage.pods === undefined;
  const isOutdated = replaced && summary.outdated.some(({ node }) => isOnNodes(turn, stage, node));
  const isTried = desired > 0 && verified + failed >= desired;
  return { desired, verified, failed, isComplete: isTried && isRolled && !isOutdated };
}

export interface Staged {
  readonly status: ActiveStatus;
  /** A stage began or ended, which is stored before anything is done about it. */
  readonly moved: boolean;
  /** For a person, or for time to pass: no deadline runs. */
  readonly wait?: Wait;
  readonly analysis: Analysis;
  readonly isOver: boolean;
}

/** The status with its stages as they are now; at most one of them moves on. A rollout without stages goes in one step. */
export function followStages(turn: Turn): Staged {
  const { snapshot, status, stages } = turn;
  const { all, states, present } = stages;
  if (!present) {
    const wait = waitAtPartition(turn, turn.summary.desired);
    return {
      status: withoutStages(turn),
      moved: false,
      wait,
      isOver: true,
      analysis: { isPassed: true, queries: [] },
    };
  }
  const { index, stage, state } = present;
  const count = countOf(turn, stage);
  const analysis = analyze(turn, state);
  const closed = begins(present) ? undefined : windowOf(turn, state);
  const next: StageStatus = {
    ...(closed ? state : nextState(turn, stage, state, count.isComplete && analysis.isPassed)),
    desired: count.desired,
    verified: count.verified,
    failed: count.failed > 0 ? count.failed : undefined,
  };
  const moved = next.state !== state.state;
  const { attempt } = status;
  return {
    status: {
      ...status,
      stage: `${index + 1}/${all.length} ${stage.name}`,
      rolloutChecks: analysis.report ?? status.rolloutChecks,
      stages: states.map((known, place) => (place === index ? next : known)),
      attempt: moved ? { ...attempt, progressAt: toIso(snapshot.now) } : attempt,
    },
    moved,
    wait: closed ?? waitOf(next) ?? waitAtPartition(turn, count.desired),
    analysis,
    isOver: next.state === 'Done' && index === all.length - 1,
  };
}

/** A stage that has not begun waits while no window is open. */
const windowOf = ({ snapshot, status }: Turn, { state }: StageStatus): Wait | undefined =>
  state === 'Waiting' && status.attempt.promotedAt === undefined ? closedWindow(snapshot) : undefined;

/** Where the user has taken the stages away on the way, what was told of them holds no more. */
function withoutStages({ status, stages, policy }: Turn): ActiveStatus {
  const { stage, stages: none, rolloutChecks } = NO_PROGRESS;
  return policy.isStaged && stages.all.length === 0
    ? { ...status, stage, stages: none, rolloutChecks }
    : status;
}

/** Every pod that the user's partition lets the attempt reach had its turn, and `wanted` are more. */
function waitAtPartition(turn: Turn, wanted: number): Wait | undefined {
  const { workload, status, summary, policy } = turn;
  const limit = partitionLimit(workload, status.attempt, summary.desired);
  if (limit === undefined || limit >= wanted || !policy.isStaged || status.attempt.end) {
    return undefined;
  }
  const tried = summary.results.filter(isServing).length + failedPlaces(turn).size;
  return tried >= limit ? partitionWait(workload, status.attempt) : undefined;
}

const soakEnd = ({ soakUntil }: StageStatus): number => fromIso(soakUntil ?? '');

function waitOf(state: StageStatus): Wait | undefined {
  if (state.state === 'Soaking') {
    return { reason: 'Soaking', until: soakEnd(state) };
  }
  return state.state === 'AwaitingApproval' ? { reason: 'AwaitingApproval' } : undefined;
}

/** Time alone is no soak: this process has probed each verified pod, and the last probe did not speak against it. */
const isWellSoFar = ({ summary }: Turn): boolean =>
  summary.results.filter(isServing).every(({ record }) => record?.failures === 0);

/** One step at most: each is stored before the next one. */
function nextState(turn: Turn, stage: Stage, state: StageStatus, isComplete: boolean): StageStatus {
  const { now } = turn.snapshot;
  const isPromoted = turn.status.attempt.promotedAt !== undefined;
  switch (state.state) {
    case 'Waiting':
      return { ...state, state: 'Rolling', startedAt: toIso(now) };
    case 'Rolling':
      return isComplete ? afterRolling(turn, stage, state) : state;
    case 'Checking':
      return isComplete ? afterChecks(stage, state, now, isPromoted) : state;
    case 'Soaking': {
      const isOver = isPromoted || (now >= soakEnd(state) && isWellSoFar(turn));
      return isOver && isComplete ? afterSoak(stage, state, now, isPromoted) : state;
    }
    case 'AwaitingApproval':
      return isComplete ? afterSoak(stage, state, now, isPromoted) : state;
    case 'Done':
      return state;
  }
}

/** With checks of the rollout, they have to pass first. */
function afterRolling({ snapshot, status }: Turn, stage: Stage, state: StageStatus): StageStatus {
  const { now, upgrade } = snapshot;
  const verified = { ...state, verifiedAt: toIso(now) };
  return upgrade.spec.postCheck.rolloutChecks.length > 0
    ? { ...verified, state: 'Checking' }
    : afterChecks(stage, verified, now, status.attempt.promotedAt !== undefined);
}

const afterChecks = (stage: Stage, state: StageStatus, now: number, isPromoted: boolean): StageStatus =>
  stage.soakSeconds > 0 && !isPromoted
    ? { ...state, state: 'Soaking', soakUntil: toIso(now + stage.soakSeconds * 1000) }
    : afterSoak(stage, state, now, isPromoted);

const afterSoak = (stage: Stage, state: StageStatus, now: number, isPromoted: boolean): StageStatus =>
  stage.needsApproval && !state.approvedAt && !isPromoted
    ? { ...state, state: 'AwaitingApproval' }
    : { ...state, state: 'Done', finishedAt: toIso(now) };
