/** Which pods of a workload count. */
import type { PodView, WorkloadView } from '../../api/views.ts';
import { isObserved } from './driver.ts';

/** A pod that still counts: evicted, failed and terminating ones are replaced, and their replacement is evaluated by its own clock. */
export const isLive = (pod: PodView): boolean =>
  !pod.deleting && pod.phase !== 'Failed' && pod.phase !== 'Succeeded';

export const isReady = (pod: PodView): boolean => pod.conditions['Ready']?.status === 'True';

/** Live pods of `revision`, without those on left-out nodes. */
export const podsOfRevision = (
  pods: readonly PodView[],
  revision: string | undefined,
  excludedNodes: readonly string[],
): PodView[] =>
  revision === undefined
    ? []
    : pods.filter((pod) => isLive(pod) && pod.revision === revision && !excludedNodes.includes(pod.node));

/** How many pods are to pass. */
export const desiredPods = (workload: WorkloadView, excludedNodes: readonly string[]): number =>
  Math.max(0, workload.desired - excludedNodes.length);

/** The controller reports the rollout complete: all updated, all available (so its own minReadySeconds is kept), none of the old left. */
export function rolloutComplete(workload: WorkloadView, excludedNodes: readonly string[]): boolean {
  const left = excludedNodes.length;
  return (
    isObserved(workload) &&
    workload.updated + left >= workload.desired &&
    workload.available + left >= workload.desired &&
    (left > 0 || workload.total <= workload.updated)
  );
}
