/** Which pods of a workload count. */
import type { PodView, WorkloadView } from '../../api/views.ts';
import { isObserved } from './driver.ts';

/** Whether its containers have ended for good. */
export const hasEnded = ({ phase }: PodView): boolean => phase === 'Failed' || phase === 'Succeeded';

/**
 * Whether the pod's containers shut down, or will in a moment: it is being deleted, or somebody has marked it for that, as its node does when it
 * evicts the pod or shuts down itself. The mark of a pod whose containers were started again since then, as on a node that was reset, is out of date.
 */
export const isEnding = (pod: PodView): boolean => pod.deleting || (!hasEnded(pod) && isMarked(pod));

function isMarked(pod: PodView): boolean {
  const mark = pod.conditions['DisruptionTarget'];
  return mark?.status === 'True' && pod.containers.every(({ startedAt = 0 }) => startedAt <= mark.since);
}

/** Whether a pod counts. Evicted, failed and terminating pods are being replaced, and their replacements have deadlines of their own. */
export const isLive = (pod: PodView): boolean => !isEnding(pod) && !hasEnded(pod);

export const isReady = (pod: PodView): boolean => pod.conditions['Ready']?.status === 'True';

/** Whether the pod is on a node, which knows whether it lives. */
const isOnNode = (pod: PodView): boolean => pod.node !== '' && !hasEnded(pod);

/** The pods on nodes that are not Ready. */
const podsOnLostNodes = (pods: readonly PodView[], nodeReady: (node: string) => boolean): PodView[] =>
  pods.filter((pod) => !nodeReady(pod.node) && isOnNode(pod));

/** No node with a pod of the workload is Ready: it is then not the nodes, but the network, or the API server that they cannot reach. */
export const isNetworkLost = (pods: readonly PodView[], nodeReady: (node: string) => boolean): boolean =>
  areAllOnNodes(podsOnLostNodes(pods, nodeReady), pods);

const areAllOnNodes = (lost: readonly PodView[], pods: readonly PodView[]): boolean =>
  lost.length > 0 && lost.length === pods.filter(isOnNode).length;

/** Nodes with pods of the workload that are not Ready; none if it is the network. */
export function unreachableNodes(
  pods: readonly PodView[],
  nodeReady: (node: string) => boolean,
): readonly string[] {
  const lost = podsOnLostNodes(pods, nodeReady);
  return areAllOnNodes(lost, pods) ? [] : [...new Set(lost.map(({ node }) => node))];
}

/** Pods that serve nobody go first: they take no room from those that serve. Among the others, and among them, the given order. */
export const unreadyFirst = (
  pods: readonly PodView[],
  inOrder: (a: PodView, b: PodView) => number,
): PodView[] => [...pods.filter((pod) => !isReady(pod)).sort(inOrder), ...pods.filter(isReady).sort(inOrder)];

export interface PodsByRevision {
  readonly updated: readonly PodView[];
  readonly outdated: readonly PodView[];
}

/** Live pods that are not on excluded nodes: those of `revision`, and those that are to be replaced. */
export function podsByRevision(
  pods: readonly PodView[],
  revision: string | undefined,
  excludedNodes: readonly string[],
): PodsByRevision {
  const live = pods.filter((pod) => isLive(pod) && !excludedNodes.includes(pod.node));
  const [updated, outdated]: [PodView[], PodView[]] = [[], []];
  for (const pod of live) {
    (revision !== undefined && pod.revision === revision ? updated : outdated).push(pod);
  }
  return { updated, outdated };
}

/** How many pods must pass. Whether a lost node counts as desired or as misscheduled depends on the tolerations of its pod. */
export const desiredPods = (
  { desired, misscheduled = 0 }: WorkloadView,
  excludedNodes: readonly string[],
): number => Math.max(0, desired + misscheduled - excludedNodes.length);

/** The controller reports the rollout as complete: all pods updated and available (so its minReadySeconds has passed), and no old one left. */
export function rolloutComplete(workload: WorkloadView, excludedNodes: readonly string[]): boolean {
  const left = excludedNodes.length;
  return (
    isObserved(workload) &&
    workload.updated + left >= workload.desired &&
    workload.available + left >= workload.desired &&
    (left > 0 || workload.total <= workload.updated)
  );
}
