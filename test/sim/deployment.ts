/** A Deployment with its ReplicaSets: rolling update within maxSurge and maxUnavailable, unhealthy old pods first. */
import type { DeploymentView, RevisionView } from '../../src/api/views.ts';
import {
  createPod,
  currentRevisionOf,
  isLive,
  isReady,
  nodeFor,
  report,
  revisionsOf,
} from './controllers.ts';
import { isOwnedBy } from './state.ts';
import type { Model, World } from './world.ts';

interface Sets {
  readonly world: World;
  readonly workload: DeploymentView;
  readonly model: Model;
  readonly newest: RevisionView;
  readonly old: readonly RevisionView[];
}

const wanted = ({ model }: Sets, set: RevisionView): number => model.replicas.get(set.name) ?? 0;
const podsOf = ({ world }: Sets, set: RevisionView) =>
  world.pods().filter((pod) => isOwnedBy(pod, set) && isLive(pod));
const available = (sets: Sets, set: RevisionView): number => podsOf(sets, set).filter(isReady).length;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

export function syncDeployment(world: World, workload: DeploymentView): void {
  const model = world.model(workload);
  const newest = currentRevisionOf(world, workload);
  const sets: Sets = {
    world,
    workload,
    model,
    newest,
    old: revisionsOf(world, workload).filter(({ name }) => name !== newest.name),
  };
  if (!workload.paused) {
    (workload.recreates ? recreate : scale)(sets);
  }
  for (const set of [newest, ...sets.old]) {
    syncReplicaSet(sets, set);
  }
  const all = [newest, ...sets.old].flatMap((set) => podsOf(sets, set));
  const ready = all.filter(isReady).length;
  report(world, workload, {
    updated: podsOf(sets, newest).length,
    ready,
    available: ready,
    total: all.length,
  });
}

const terminating = ({ world, newest, old }: Sets): number =>
  world.awaitsTermination
    ? world.pods().filter((pod) => pod.deleting && [newest, ...old].some((set) => isOwnedBy(pod, set))).length
    : 0;

/** Scaled while it rolls, every ReplicaSet gets its share, the largest what is left over; its controller rolls on when it looks next. */
function scaleInProportion(sets: Sets, active: readonly RevisionView[]): void {
  const { workload, model, newest } = sets;
  const allowed = workload.desired > 0 ? workload.desired + model.maxSurge : 0;
  const toAdd = allowed - sum(active.map((set) => wanted(sets, set)));
  const isFirst = (set: RevisionView) => (set.name === newest.name) === toAdd > 0;
  const bySize = [...active].sort(
    (a, b) => wanted(sets, b) - wanted(sets, a) || Number(isFirst(b)) - Number(isFirst(a)),
  );
  let left = toAdd;
  const shares = bySize.map((set) => {
    const size = wanted(sets, set);
    const share = Math.round((size * allowed) / (model.desired + model.maxSurge)) - size;
    const part = toAdd > 0 ? Math.min(share, left) : Math.max(share, left);
    left -= part;
    return size + part;
  });
  for (const [index, set] of bySize.entries()) {
    model.replicas.set(set.name, Math.max(0, (shares[index] ?? 0) + (index === 0 ? left : 0)));
  }
}

function scale(sets: Sets): void {
  const { workload, model, newest, old } = sets;
  const active = [newest, ...old].filter((set) => wanted(sets, set) > 0);
  if (model.desired !== workload.desired && active.length > 0) {
    const [only] = active;
    if (active.length === 1 && only) {
      model.replicas.set(only.name, workload.desired);
    } else {
      scaleInProportion(sets, active);
    }
    model.desired = workload.desired;
    return;
  }
  model.desired = workload.desired;
  const total = wanted(sets, newest) + sum(old.map((set) => wanted(sets, set)));
  const most = workload.desired + model.maxSurge - terminating(sets);
  const current = wanted(sets, newest);
  if (current > workload.desired) {
    model.replicas.set(newest.name, workload.desired);
  } else if (current < workload.desired && total < most) {
    model.replicas.set(newest.name, current + Math.min(workload.desired - current, most - total));
  } else {
    scaleDownOld(sets, total);
  }
}

const PROGRESS_DEADLINE_MS = 600_000;

/** `strategy.type: Recreate`: new pods come once no old one is left that may still run. */
function recreate(sets: Sets): void {
  const { world, workload, model, newest, old } = sets;
  for (const set of old) {
    model.replicas.set(set.name, 0);
  }
  model.desired = workload.desired;
  const left = world.pods().filter((pod) => old.some((set) => isOwnedBy(pod, set)));
  const ended = left.filter(({ phase }) => phase === 'Failed');
  if (ended.length < left.length) {
    overlook(sets, world.overlooksEnded && ended.length > 0 ? PROGRESS_DEADLINE_MS : 0);
  } else if (left.length === 0 || world.clock.now() >= (model.overlooksUntil ?? 0)) {
    model.replicas.set(newest.name, workload.desired);
  }
}

/** So long it does not look again by itself. */
function overlook({ world, workload: { name, uid }, model }: Sets, forMs: number): void {
  model.overlooksUntil = world.clock.now() + forMs;
  if (forMs === 0) {
    return;
  }
  world.clock.after(forMs, () => {
    const workload = world.workload('Deployment', name);
    if (workload?.kind === 'Deployment' && workload.uid === uid) {
      syncDeployment(world, workload);
    }
  });
}

function scaleDownOld(sets: Sets, total: number): void {
  const { workload, model, newest, old } = sets;
  const least = workload.desired - model.maxUnavailable;
  let unhealthyLeft = total - least - (wanted(sets, newest) - available(sets, newest));
  for (const set of old) {
    const unhealthy = Math.max(0, Math.min(unhealthyLeft, wanted(sets, set) - available(sets, set)));
    model.replicas.set(set.name, wanted(sets, set) - unhealthy);
    unhealthyLeft -= unhealthy;
  }
  let spare = sum([newest, ...old].map((set) => available(sets, set))) - least;
  for (const set of old) {
    const fewer = Math.max(0, Math.min(spare, wanted(sets, set)));
    model.replicas.set(set.name, wanted(sets, set) - fewer);
    spare -= fewer;
  }
}

function syncReplicaSet(sets: Sets, set: RevisionView): void {
  const { world, workload } = sets;
  const pods = podsOf(sets, set);
  const missing = wanted(sets, set) - pods.length;
  const owner = { kind: 'ReplicaSet', name: set.name, uid: set.uid };
  for (let i = 0; i < missing; i++) {
    const name = `${set.name}-${world.controllers.suffix()}`;
    createPod(world, { workload, owner, name, revision: set, node: nodeFor(world, pods.length + i) });
  }
  const worstFirst = [...pods].sort(
    (a, b) => Number(isReady(a)) - Number(isReady(b)) || b.createdAt - a.createdAt,
  );
  for (const pod of worstFirst.slice(0, Math.max(0, -missing))) {
    world.kubelet.terminate(pod);
  }
}
