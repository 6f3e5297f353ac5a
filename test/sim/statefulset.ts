/**
 * A StatefulSet: pods by ordinal, the highest replaced first, one at a time. OrderedReady waits for every pod to be ready before it does
 * anything else, also for a broken one whose template was reverted meanwhile (kubernetes#67250).
 */
import type { PodView, StatefulSetView } from '../../src/api/views.ts';
import { createPod, currentRevisionOf, isReady, nodeFor, report, revisionsOf } from './controllers.ts';
import { isOwnedBy, keyOf } from './state.ts';
import type { World } from './world.ts';

const ordinalOf = (pod: PodView): number => Number(pod.name.slice(pod.name.lastIndexOf('-') + 1));

export function syncStatefulSet(world: World, workload: StatefulSetView): void {
  const model = world.model(workload);
  const update = currentRevisionOf(world, workload).hash;
  model.currentRevision ||= update;
  report(world, workload, { ...counts(world, workload, update), updateRevision: update });
  step(world, workload, update);
  const after = counts(world, workload, update);
  if (after.updated === workload.desired && after.ready === workload.desired) {
    model.currentRevision = update;
  }
  report(world, workload, { ...after, updateRevision: update });
}

function podsOf(world: World, workload: StatefulSetView): PodView[] {
  return world
    .pods()
    .filter((pod) => isOwnedBy(pod, workload))
    .sort((a, b) => ordinalOf(a) - ordinalOf(b));
}

function counts(
  world: World,
  workload: StatefulSetView,
  update: string,
): Pick<StatefulSetView, 'updated' | 'ready' | 'available' | 'total'> {
  const pods = podsOf(world, workload);
  const ready = pods.filter((pod) => isReady(pod) && !pod.deleting).length;
  const updated = pods.filter(({ revision, deleting }) => revision === update && !deleting).length;
  return { updated, ready, available: ready, total: pods.length };
}

function step(world: World, workload: StatefulSetView, update: string): void {
  const pods = podsOf(world, workload);
  const condemned = pods.filter((pod) => ordinalOf(pod) >= workload.desired).reverse();
  for (const failed of pods.filter(({ phase }) => phase === 'Failed')) {
    world.kubelet.terminate(failed);
  }
  if (createMissing(world, workload, update) === 'wait') {
    return;
  }
  for (const pod of condemned) {
    if (pod.deleting) {
      if (workload.ordered) {
        return;
      }
      continue;
    }
    world.kubelet.terminate(pod);
    if (workload.ordered) {
      return;
    }
  }
  replaceHighest(world, workload, update);
}

/** With OnDelete a new pod always gets the update revision. */
const keepsRevision = ({ onDelete, partition }: StatefulSetView, ordinal: number, current: number): boolean =>
  !onDelete && ordinal < Math.max(current, partition);

/** Creates what is not there; OrderedReady goes on only past pods that are ready and not ending. */
function createMissing(world: World, workload: StatefulSetView, update: string): 'go' | 'wait' {
  const { currentRevision } = world.model(workload);
  const current = podsOf(world, workload).filter(
    ({ revision, deleting }) => revision === currentRevision && !deleting,
  ).length;
  for (let ordinal = 0; ordinal < workload.desired; ordinal++) {
    const name = `${workload.name}-${ordinal}`;
    const pod = world.state.get('Pod', keyOf({ namespace: workload.namespace, name }));
    if (!pod) {
      const hash = keepsRevision(workload, ordinal, current) ? currentRevision : update;
      const revision =
        revisionsOf(world, workload).find((candidate) => candidate.hash === hash) ??
        currentRevisionOf(world, workload);
      const owner = { kind: 'StatefulSet', name: workload.name, uid: workload.uid };
      createPod(world, { workload, owner, name, revision, node: nodeFor(world, ordinal) });
      if (workload.ordered) {
        return 'wait';
      }
    } else if (workload.ordered && (pod.deleting || !isReady(pod))) {
      return 'wait';
    }
  }
  return 'go';
}

function replaceHighest(world: World, workload: StatefulSetView, update: string): void {
  if (workload.onDelete) {
    return;
  }
  const pods = podsOf(world, workload).filter(
    (pod) => ordinalOf(pod) < workload.desired && ordinalOf(pod) >= workload.partition,
  );
  if (world.waitsForUnavailable && podsOf(world, workload).some((pod) => pod.deleting || !isReady(pod))) {
    return;
  }
  for (const pod of pods.reverse()) {
    if (pod.revision !== update && !pod.deleting) {
      world.kubelet.terminate(pod);
      return;
    }
    if (!isReady(pod) || pod.deleting) {
      return;
    }
  }
}
