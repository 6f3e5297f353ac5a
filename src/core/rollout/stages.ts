/** The stages of an attempt: how far it may go now, when a stage is over, and what it waits for. */
import { own } from '../../api/own.ts';
import type { StageStatus, UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { type ActiveStatus, isFallingBack } from '../status.ts';
import { fromIso, toIso } from '../time.ts';
import type { PodResult } from '../verification/pod.ts';
import { closedWindow, type Wait } from '../wait.ts';
import { type Amount, podCount } from './amount.ts';
import { isRolledOut } from './done.ts';
import { failedPlaces } from './left.ts';
import { partitionLimit, partitionWait } from './partition.ts';
import { type Analysis, analyze, rolloutChecksOf } from './rollout-checks.ts';
import type { Turn } from './turn.ts';

export interface Stage {
  readonly name: string;
  readonly pods?: Amount;
  readonly nodes?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly maxParallel?: Amount;
  readonly soakSeconds: number;
  readonly needsApproval: boolean;
}

/** The stages that the spec asks for, the last of them everything; none where an attempt goes in one step and ends with its last pod. */
export function stagesOf({ strategy, postCheck }: UpgradeSpec): readonly Stage[] {
  const { stages = [], soakSeconds = 0, approval } = strategy ?? {};
  const last = stages.at(-1);
  const isOpen = last !== undefined && (last.pods !== undefined || last.nodes !== undefined);
  const listed = isOpen ? [...stages, { name: unusedName(stages.map(({ name }) => name)) }] : stages;
  const isStaged = listed.length > 0 || (!postCheck.soakSeconds && !postCheck.rolloutChecks?.length);
  const all = isStaged ? listed : [{ name: 'all' }];
  return all.map((stage: Omit<Stage, 'needsApproval' | 'soakSeconds'> & StageWaits, index) => ({
    ...stage,
    soakSeconds:
      stage.soakSeconds ?? (index === all.length - 1 ? postCheck.soakSeconds : undefined) ?? soakSeconds,
    needsApproval: (stage.approval ?? approval) === 'Manual',
  }));
}

interface StageWaits {
  readonly soakSeconds?: number;
  readonly approval?: 'Auto' | 'Manual';
}

const unusedName = (names: readonly string[]): string =>
  ['rest', 'remaining', 'everything-else'].find((name) => !names.includes(name)) ?? 'last';

/** The stored states of `stages`, those that are not stored yet as waiting. */
const statesOf = (stages: readonly Stage[], { stages: stored = [] }: ActiveStatus): StageStatus[] =>
  stages.map(
    ({ name }) =>
      stored.find((known) => known.name === name) ?? { name, state: 'Waiting', desired: 0, verified: 0 },
  );

/** The stages of an attempt as they stand. */
export interface Stages {
  readonly all: readonly Stage[];
  /** Of each of `all`. */
  readonly states: readonly StageStatus[];
  /** The stage that the attempt is in: the first that is not over. */
  readonly present?: { readonly index: number; readonly stage: Stage; readonly state: StageStatus };
}

const NO_STAGES: Stages = { all: [], states: [] };

/** The stages by which what is under way goes; a fallback has none. */
export function stagesFor(spec: UpgradeSpec, status: ActiveStatus): Stages {
  if (isFallingBack(status)) {
    return NO_STAGES;
  }
  const all = stagesOf(spec);
  const states = statesOf(all, status);
  const index = states.findIndex(({ state }) => state !== 'Done');
  const [stage, state] = [all[index], states[index]];
  return { all, states, present: stage && state ? { index, stage, state } : undefined };
}

/** Verified pods are probed further while their stage soaks or waits for a person, and while the next one waits for its window. */
export const isSoaking = ({ present }: Stages): boolean =>
  present !== undefined && present.state.state !== 'Rolling' && !begins(present);

/** The first stage begins with its attempt. */
const begins = ({ index, state }: { readonly index: number; readonly state: StageStatus }): boolean =>
  index === 0 && state.state === 'Waiting';

export interface Reach {
  /** How many pods may run the new version verified. */
  readonly pods: number;
  /** Which of these pods of the version before, taken in this order, may be replaced now. */
  within(waiting: readonly PodView[]): readonly PodView[];
}

const EVERYWHERE: Reach = { pods: Number.POSITIVE_INFINITY, within: (waiting) => waiting };

/** How far a rollout may go now: as its stages say, and as far as the user's partition lets it. */
export function reachOf(turn: Turn): Reach {
  const reach = stageReach(turn);
  const { workload, status, summary } = turn;
  const limit = partitionLimit(workload, status.attempt, summary.desired);
  return limit === undefined ? reach : { ...reach, pods: Math.min(reach.pods, limit) };
}

/** Everywhere where there are no stages, or they are over. */
function stageReach(turn: Turn): Reach {
  const { all, present } = turn.stages;
  if (!present) {
    return EVERYWHERE;
  }
  const reached = all.slice(0, present.index + (present.state.state === 'Waiting' ? 0 : 1));
  const limits = reached.map((stage) => limitOf(turn, stage));
  return {
    pods: Math.max(0, ...limits.map(({ pods }) => pods)),
    within: (waiting) => {
      const rooms = limits.map(({ room, holds }) => ({ room, holds }));
      return waiting.filter((pod) => takePlace(rooms.filter(({ holds }) => holds(pod))));
    },
  };
}

/** How far one stage goes by itself: for how many further pods there is room, and for which. */
interface Limit {
  readonly pods: number;
  readonly room: number;
  readonly holds: (pod: PodView) => boolean;
}

/** A pod may go when one of its stages has room, and takes a place in each. */
function takePlace(own: readonly { room: number }[]): boolean {
  const isAllowed = own.some(({ room }) => room > 0);
  for (const stage of isAllowed ? own : []) {
    stage.room -= 1;
  }
  return isAllowed;
}

function limitOf(turn: Turn, stage: Stage): Limit {
  const { summary } = turn;
  const holds = (pod: PodView) => isOnNodes(turn, stage, pod.node);
  const wanted = nodesOf(turn, stage)?.size ?? summary.desired;
  const pods = stage.pods === undefined ? wanted : Math.min(wanted, podCount(stage.pods, summary.desired));
  return { pods, room: pods - (wanted - summary.outdated.filter(holds).length), holds };
}

/** Nodes of the stage that have, or had until a moment ago, a pod of the workload; `undefined` where it names no nodes. */
function nodesOf(turn: Turn, stage: Stage): ReadonlySet<string> | undefined {
  if (!stage.nodes) {
    return undefined;
  }
  const nodes = turn.snapshot.pods.map(({ node }) => node);
  return new Set(nodes.filter((node) => node !== '' && isOnNodes(turn, stage, node)));
}

function isOnNodes({ snapshot }: Turn, { nodes }: Stage, node: string): boolean {
  const labels = snapshot.nodeLabels?.(node);
  return Object.entries(nodes?.matchLabels ?? {}).every(([name, value]) => own(labels, name) === value);
}

/** Verified, and taking traffic. */
const isServing = ({ isPodReady, state, recorded }: PodResult): boolean =>
  recorded && (state === 'Passed' || state === 'Skipped') && isPodReady;

/** Nodes are places of a DaemonSet alone, and no other kind has stages by node. */
const isPlaceInStage = (turn: Turn, stage: Stage, place: string): boolean =>
  stage.nodes === undefined || isOnNodes(turn, stage, place);

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
    return { status, moved: false, wait, isOver: true, analysis: { isPassed: true, queries: [] } };
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

function waitOf({ state, soakUntil }: StageStatus): Wait | undefined {
  if (state === 'Soaking') {
    return { reason: 'Soaking', until: fromIso(soakUntil ?? '') };
  }
  return state === 'AwaitingApproval' ? { reason: 'AwaitingApproval' } : undefined;
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
      const isOver = isPromoted || (now >= fromIso(state.soakUntil ?? '') && isWellSoFar(turn));
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
  return rolloutChecksOf(upgrade.spec).length > 0
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
