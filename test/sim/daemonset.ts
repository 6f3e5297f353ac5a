/**
 * A DaemonSet: one pod on each node, and with maxSurge another one while it is replaced. On one that is not ready, or has a taint, its pod stays, counts as misscheduled, and is not made anew. Old pods that are not available are replaced at once, others
 * within maxUnavailable.
 */
import type { DaemonSetView, NodeView, PodView, RevisionView } from '../../src/api/views.ts';
import { createPod, currentRevisionOf, isReady, report } from './controllers.ts';
import { isOwnedBy } from './state.ts';
import type { World } from './world.ts';

export function syncDaemonSet(world: World, workload: DaemonSetView): void {
  const revision = currentRevisionOf(world, workload);
  const { kind, name, uid } = workload;
  const on = (node: string): PodView[] =>
    world.pods().filter((pod) => isOwnedBy(pod, workload) && pod.node === node);
  const all = world.state.all('Node');
  const isOpen = ({ ready, taints = [] }: NodeView): boolean =>
    ready && taints.every(({ key }) => workload.tolerations.some((one) => one.key === key));
  const nodes = all.filter(isOpen).map((node) => node.name);
  const tainted = all.filter((node) => !isOpen(node)).map((node) => node.name);
  for (const failed of nodes.flatMap(on).filter(({ phase }) => phase === 'Failed')) {
    world.kubelet.terminate(failed);
  }
  for (const node of nodes) {
    if (on(node).length > 0) {
      continue;
    }
    createPod(world, {
      workload,
      owner: { kind, name, uid },
      name: `${name}-${world.controllers.suffix()}`,
      revision,
      node,
    });
  }
  if (!workload.onDelete) {
    (world.model(workload).maxSurge > 0 ? surge : replace)(world, workload, revision);
  }
  // Of two pods on a node the older one counts.
  const pods = nodes
    .map((node) => on(node).find(({ deleting }) => !deleting))
    .filter((pod) => pod !== undefined);
  const ready = pods.filter(isReady).length;
  const updated = pods.filter((pod) => pod.revision === revision.hash).length;
  const misscheduled = tainted.filter((node) => on(node).length > 0).length;
  report(world, workload, {
    desired: nodes.length,
    misscheduled,
    updated,
    ready,
    available: ready,
    total: pods.length,
  });
}

function replace(world: World, workload: DaemonSetView, { hash }: RevisionView): void {
  const pods = world.pods().filter((pod) => isOwnedBy(pod, workload));
  const live = pods.filter(({ deleting }) => !deleting);
  const old = live.filter(({ revision }) => revision !== hash);
  const broken = old.filter((pod) => !isReady(pod));
  const unavailable =
    world.state.all('Node').length - live.filter((pod) => isReady(pod)).length - broken.length;
  const allowed = Math.max(0, world.model(workload).maxUnavailable - unavailable);
  for (const pod of [...broken, ...old.filter(isReady).slice(0, allowed)]) {
    world.kubelet.terminate(pod);
  }
}

/** A further pod beside the old one, on so many nodes at once; the old one goes once that is available, or when it is not ready itself. */
function surge(world: World, workload: DaemonSetView, revision: RevisionView): void {
  const { kind, name, uid } = workload;
  const live = world.pods().filter((pod) => isOwnedBy(pod, workload) && !pod.deleting);
  const isNew = (pod: PodView): boolean => pod.revision === revision.hash;
  const old = live.filter((pod) => !isNew(pod));
  const newOn = ({ node }: PodView): PodView | undefined =>
    live.find((pod) => isNew(pod) && pod.node === node);
  const surging = old.filter((pod) => newOn(pod) !== undefined);
  for (const pod of surging.filter((one) => !isReady(one) || isReady(newOn(one) as PodView))) {
    world.kubelet.terminate(pod);
  }
  const next = old.filter((pod) => !surging.includes(pod));
  const room = Math.max(0, world.model(workload).maxSurge - surging.length);
  for (const { node } of [...next.filter((pod) => !isReady(pod)), ...next.filter(isReady).slice(0, room)]) {
    const owner = { kind, name, uid };
    createPod(world, { workload, owner, name: `${name}-${world.controllers.suffix()}`, revision, node });
  }
}
