/** Facts about the workload and its pods: which revision it rolls to, which pods are wanted, whether its own controller is done. */
import { own } from '../api/own.ts';
import type { Images, UpgradeSpec, UpgradeStatus } from '../api/types.ts';
import type { PodView, RevisionView, WorkloadView } from '../api/views.ts';

/** Images by container name, init containers and sidecars too: names are unique within a pod. */
export const imagesOf = (workload: WorkloadView): Images =>
  Object.fromEntries(workload.containers.map(({ name, image }) => [name, image]));

/** True when every image in `wanted` is the template's. A container that the template no longer has does not count. */
export const runsImages = (workload: WorkloadView, wanted: Images): boolean =>
  workload.containers.every(({ name, image }) => [undefined, image].includes(own(wanted, name)));

/** The images that have to be written so that the template has `wanted`. */
export const imagesToWrite = (workload: WorkloadView, wanted: Images): Images =>
  Object.fromEntries(
    workload.containers
      .map(({ name, image }) => [name, own(wanted, name) ?? image, image] as const)
      .filter(([, next, now]) => next !== now)
      .map(([name, next]) => [name, next]),
  );

/** Those of `to` that this attempt is about: what the user named, and what it changed. Other containers' images may change under it. */
export function upgradedImages(status: UpgradeStatus, spec: UpgradeSpec): Images {
  const [from, to] = [status.from?.images ?? {}, status.to?.images ?? {}];
  return Object.fromEntries(
    Object.entries(to).filter(
      ([name, image]) => own(from, name) !== image || spec.containers.some((wanted) => wanted.name === name),
    ),
  );
}

/**
 * Revision label of the pods that the workload's controller makes now, or `undefined` while it has not yet taken up the template.
 * "The newest revision" is never enough: a rollback renumbers the old one (kubernetes#51315), and our caches of two kinds may differ in age.
 * So a revision must carry the very template; of several, a Deployment uses the oldest, a DaemonSet the highest number, as their controllers do.
 */
export function updateRevision(
  workload: WorkloadView,
  revisions: readonly RevisionView[],
): string | undefined {
  if (workload.observedGeneration < workload.generation) {
    return undefined;
  }
  if (workload.kind === 'StatefulSet') {
    return workload.updateRevision;
  }
  const same = revisions.filter(
    ({ owner, templateDigest }) => owner.uid === workload.uid && templateDigest === workload.templateDigest,
  );
  const order =
    workload.kind === 'Deployment'
      ? (a: RevisionView, b: RevisionView) => a.createdAt - b.createdAt
      : (a: RevisionView, b: RevisionView) => b.revision - a.revision;
  return same.sort(order)[0]?.hash;
}

/** A pod that still counts: evicted, failed and terminating ones are replaced by the controller, and their replacement is judged by its own clock. */
export const isLive = (pod: PodView): boolean =>
  !pod.deleting && pod.phase !== 'Failed' && pod.phase !== 'Succeeded';

/** Live pods of `revision`, without those on left-out nodes. */
export const podsOfRevision = (
  pods: readonly PodView[],
  revision: string | undefined,
  excludedNodes: readonly string[],
): PodView[] =>
  revision === undefined
    ? []
    : pods.filter((pod) => isLive(pod) && pod.revision === revision && !excludedNodes.includes(pod.node));

/** How many pods shall pass. */
export const desiredPods = (workload: WorkloadView, excludedNodes: readonly string[]): number =>
  Math.max(0, workload.desired - excludedNodes.length);

/** The workload's controller reports the rollout complete: all updated, all available (so its own minReadySeconds is kept), none of the old left. */
export function rolloutComplete(workload: WorkloadView, excludedNodes: readonly string[]): boolean {
  const left = excludedNodes.length;
  return (
    workload.observedGeneration >= workload.generation &&
    workload.updated + left >= workload.desired &&
    workload.available + left >= workload.desired &&
    (left > 0 || workload.total <= workload.updated)
  );
}

/** Who wrote the image of one of `names`, to be named in a conflict. */
export const imageManager = (workload: WorkloadView, name: string): string =>
  own(workload.imageManagers, name) ?? 'an unknown field manager';

/** Containers that a check runs in. Classic init containers have ended and cannot be asked: the pod being Initialized proves them. */
export function checkTargets(
  spec: UpgradeSpec,
  names: readonly string[] | undefined,
  containers: readonly { name: string; role: string }[],
): string[] {
  const askable = containers.filter(({ role }) => role !== 'init').map(({ name }) => name);
  if (names?.includes('*')) {
    return askable;
  }
  if (names) {
    return [...names];
  }
  const upgraded = askable.filter((name) => spec.containers.some((wanted) => wanted.name === name));
  if (upgraded.length > 0) {
    return upgraded;
  }
  return containers.filter(({ role }) => role === 'regular').map(({ name }) => name);
}
