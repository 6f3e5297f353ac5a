/** How many pods, and which, a rollout may update now. */
import { own } from '../../api/own.ts';
import type { PodView } from '../../api/views.ts';
import type { Stage } from '../effective-spec.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { podCount } from './amount.ts';
import type { Evaluation } from './evaluation.ts';
import { partitionLimit } from './partition.ts';

export interface Reach {
  /** How many pods may be verified in the new version. */
  readonly pods: number;
  /** Which of these outdated pods may be replaced now; earlier ones take precedence. */
  within(waiting: readonly PodView[]): readonly PodView[];
}

const UNLIMITED: Reach = { pods: Number.POSITIVE_INFINITY, within: (waiting) => waiting };

/** The limits of the stages, and of the user's partition. */
export function reachOf(evaluation: Evaluation): Reach {
  const reach = stageReach(evaluation);
  const { workload, status, summary } = evaluation;
  const limit = partitionLimit(workload, status.attempt, summary.desired);
  return limit === undefined ? reach : { ...reach, pods: Math.min(reach.pods, limit) };
}

/** Unlimited if there are no stages, or all are done. */
function stageReach(evaluation: Evaluation): Reach {
  const { all, present } = evaluation.stages;
  if (!present) {
    return UNLIMITED;
  }
  const reached = all.slice(0, present.index + (present.state.state === 'Waiting' ? 0 : 1));
  const limits = reached.map((stage) => limitOf(evaluation, stage));
  return {
    pods: Math.max(0, ...limits.map(({ pods }) => pods)),
    within: (waiting) => {
      const rooms = limits.map(({ room, holds }) => ({ room, holds }));
      return waiting.filter((pod) => takeRoom(rooms.filter(({ holds }) => holds(pod))));
    },
  };
}

/** The limit of one stage: for how many further pods there is room, and which pods belong to it. */
interface Limit {
  readonly pods: number;
  readonly room: number;
  readonly holds: (pod: PodView) => boolean;
}

/** A pod may be replaced if one of its stages has room. It takes room in each of its stages. */
function takeRoom(stages: readonly { room: number }[]): boolean {
  const isAllowed = stages.some(({ room }) => room > 0);
  for (const stage of isAllowed ? stages : []) {
    stage.room -= 1;
  }
  return isAllowed;
}

export function limitOf(evaluation: Evaluation, stage: Stage): Limit {
  const { summary } = evaluation;
  const holds = (pod: PodView) => isOnNodes(evaluation, stage, pod.node);
  const wanted = nodesOf(evaluation, stage)?.size ?? summary.desired;
  const pods = stage.pods === undefined ? wanted : Math.min(wanted, podCount(stage.pods, summary.desired));
  return { pods, room: pods - (wanted - summary.outdated.filter(holds).length), holds };
}

/** Nodes of the stage that can be reached and have, or just had, a pod of the workload; `undefined` if the stage does not select nodes. */
function nodesOf(evaluation: Evaluation, stage: Stage): ReadonlySet<string> | undefined {
  if (!stage.nodes) {
    return undefined;
  }
  const excluded = evaluation.status.attempt.excludedNodes;
  const nodes = evaluation.snapshot.pods.map(({ node }) => node);
  return new Set(
    nodes.filter((node) => node && !excluded.includes(node) && isOnNodes(evaluation, stage, node)),
  );
}

export function isOnNodes({ snapshot }: Evaluation, { nodes }: Stage, node: string): boolean {
  const labels = snapshot.nodeLabels?.(node);
  return !nodes || Object.entries(nodes.matchLabels).every(([name, value]) => own(labels, name) === value);
}

/** Verified and Ready, so that it takes traffic. */
export const isServing = ({ isPodReady, state, recorded }: PodResult): boolean =>
  recorded && (state === 'Passed' || state === 'Skipped') && isPodReady;

/** Only a DaemonSet has stages by node, and its places are nodes. */
export const isPlaceInStage = (evaluation: Evaluation, stage: Stage, place: string): boolean =>
  stage.nodes === undefined || isOnNodes(evaluation, stage, place);
