/**
 * A DaemonSet: one pod on each node. On one that is not ready, or has a taint, its pod stays, counts as misscheduled, and is not made anew. Old pods that are not available are replaced at once, others
 * within maxUnavailable.
 */
import type { DaemonSetView, NodeView, PodView } from '../../src/api/views.ts';
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
    replace(world, workload, revision.hash);
  }
  const pods = nodes.flatMap(on).filter(({ deleting }) => !deleting);
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

function replace(world: World, workload: DaemonSetView, hash: string): void {
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
