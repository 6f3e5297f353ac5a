/** How far an attempt may go now: as its stages say, and as far as the user's partition lets it. */
import { own } from '../../api/own.ts';
import type { PodView } from '../../api/views.ts';
import type { Stage } from '../effective-spec.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { podCount } from './amount.ts';
import { partitionLimit } from './partition.ts';
import type { Turn } from './turn.ts';

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

export function limitOf(turn: Turn, stage: Stage): Limit {
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

export function isOnNodes({ snapshot }: Turn, { nodes }: Stage, node: string): boolean {
  const labels = snapshot.nodeLabels?.(node);
  return !nodes || Object.entries(nodes.matchLabels).every(([name, value]) => own(labels, name) === value);
}

/** Verified, and taking traffic. */
export const isServing = ({ isPodReady, state, recorded }: PodResult): boolean =>
  recorded && (state === 'Passed' || state === 'Skipped') && isPodReady;

/** Nodes are places of a DaemonSet alone, and no other kind has stages by node. */
export const isPlaceInStage = (turn: Turn, stage: Stage, place: string): boolean =>
  stage.nodes === undefined || isOnNodes(turn, stage, place);
