/** The workload controllers: each looks at its workload a moment after something of it changed. */

import type { PodView, RevisionView, TemplateContainer, WorkloadView } from '../../src/api/views.ts';
import type { WorkloadChange } from '../support/snapshots.ts';
import { syncDaemonSet } from './daemonset.ts';
import { syncDeployment } from './deployment.ts';
import { isOwnedBy, keyOf } from './state.ts';
import { syncStatefulSet } from './statefulset.ts';
import { type World, wholeSeconds } from './world.ts';

export const isLive = (pod: PodView): boolean => !pod.deleting && pod.phase !== 'Failed';
export const isReady = (pod: PodView): boolean => pod.conditions['Ready']?.status === 'True';

export class Controllers {
  readonly #world: World;
  readonly #dirty = new Set<string>();
  #names = 0;
  /** How long a controller takes to look at what has changed. */
  syncAfterMs = 15;

  constructor(world: World) {
    this.#world = world;
    world.state.onChange(({ kind, object }) => {
      if (kind === 'Deployment' || kind === 'StatefulSet' || kind === 'DaemonSet') {
        this.#mark(object as WorkloadView);
      } else if (kind === 'Pod') {
        this.#markOwnerOf(object as PodView);
      } else if (kind === 'Node') {
        for (const set of world.state.all('DaemonSet')) {
          this.#mark(set);
        }
      }
    });
  }

  #markOwnerOf(pod: PodView): void {
    const { state } = this.#world;
    const owned =
      pod.owner.kind === 'ReplicaSet' ? state.all('ReplicaSet').find((set) => isOwnedBy(pod, set)) : pod;
    for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
      for (const workload of state.all(kind)) {
        if (owned && isOwnedBy(owned, workload)) {
          this.#mark(workload);
        }
      }
    }
  }

  #mark({ kind, uid, namespace, name }: WorkloadView): void {
    if (this.#dirty.has(uid)) {
      return;
    }
    this.#dirty.add(uid);
    this.#world.clock.after(this.syncAfterMs, () => {
      this.#dirty.delete(uid);
      const workload = this.#world.state.get(kind, `${namespace}/${name}`);
      if (workload?.uid === uid) {
        this.#sync(workload);
      }
    });
  }

  #sync(workload: WorkloadView): void {
    const { templates } = this.#world.model(workload);
    templates.set(workload.templateDigest, workload.containers);
    if (workload.kind === 'Deployment') {
      syncDeployment(this.#world, workload);
    } else if (workload.kind === 'StatefulSet') {
      syncStatefulSet(this.#world, workload);
    } else {
      syncDaemonSet(this.#world, workload);
    }
  }

  suffix(): string {
    return `p${String(++this.#names).padStart(3, '0')}`;
  }
}

export const revisionsOf = (world: World, workload: WorkloadView): RevisionView[] =>
  world.state
    .all(workload.kind === 'Deployment' ? 'ReplicaSet' : 'ControllerRevision')
    .filter((revision) => isOwnedBy(revision, workload))
    .sort((a, b) => a.createdAt - b.createdAt);

/** The revision of the present template: an old one is used again under a new, highest number, as all three controllers do. */
export function currentRevisionOf(world: World, workload: WorkloadView): RevisionView {
  const all = revisionsOf(world, workload);
  const highest = Math.max(0, ...all.map(({ revision }) => revision));
  const known = all.find(({ templateDigest }) => templateDigest === workload.templateDigest);
  const kind = workload.kind === 'Deployment' ? 'ReplicaSet' : 'ControllerRevision';
  if (known) {
    return known.revision === highest ? known : world.state.put(kind, { ...known, revision: highest + 1 });
  }
  const hash = workload.templateDigest.slice(0, 8);
  return world.state.put(kind, {
    kind,
    namespace: workload.namespace,
    name: `${workload.name}-${hash}`,
    uid: world.state.uid('rev'),
    resourceVersion: '',
    owner: { kind: workload.kind, name: workload.name, uid: workload.uid },
    hash: workload.kind === 'StatefulSet' ? `${workload.name}-${hash}` : hash,
    templateDigest: workload.templateDigest,
    revision: highest + 1,
    createdAt: wholeSeconds(world.clock.now()),
  });
}

const injectedInto = ({ injected }: World): readonly Pick<TemplateContainer, 'name' | 'image' | 'role'>[] =>
  Object.entries(injected).map(([name, image]) => ({ name, image, role: 'regular' }));

export interface NewPod {
  readonly workload: WorkloadView;
  readonly owner: PodView['owner'];
  readonly name: string;
  readonly revision: RevisionView;
  readonly node: string;
}

export function createPod(world: World, { workload, owner, name, revision, node }: NewPod): void {
  const containers = world.model(workload).templates.get(revision.templateDigest) ?? [];
  const why = containers.map(({ image }) => world.refusesPod(image)).find((said) => said !== undefined);
  if (why !== undefined) {
    const message = `Error creating: pods "${name}" is forbidden: ${why}`;
    world.warnings.set(workload.uid, {
      reason: 'FailedCreate',
      message,
      at: wholeSeconds(world.clock.now()),
    });
    return;
  }
  const order = { regular: 0, sidecar: 1, init: 2 };
  const admitted = world.gatePolicy.admit({
    namespace: workload.namespace,
    name,
    uid: world.state.uid('pod'),
    resourceVersion: '',
    owner,
    revision: revision.hash,
    node,
    ip: '',
    phase: 'Pending',
    reason: '',
    deleting: false,
    createdAt: wholeSeconds(world.clock.now()),
    conditions: {},
    specChanges: 0,
    imagesChanged: [],
    gates: world.gates,
    containers: [...containers, ...injectedInto(world)]
      .sort((a, b) => order[a.role] - order[b.role])
      .map(({ name: container, image, role }) => ({
        name: container,
        image,
        role,
        id: '',
        restarts: 0,
        state: 'waiting',
        reason: 'ContainerCreating',
        message: '',
        ready: false,
      })),
  });
  world.state.put('Pod', admitted);
}

/** Nodes in turn; a story needs no scheduler. */
export function nodeFor(world: World, index: number): string {
  const nodes = world.state.all('Node').filter(({ ready }) => ready);
  return nodes[index % Math.max(1, nodes.length)]?.name ?? '';
}

type Status = Pick<WorkloadView, 'updated' | 'ready' | 'available' | 'total'> & WorkloadChange;

/** Writes the status as it follows from what was just looked at. */
export function report(world: World, workload: WorkloadView, status: Status): void {
  const now = world.state.get(workload.kind, keyOf(workload));
  if (now?.uid === workload.uid) {
    const next = { ...now, ...status, observedGeneration: workload.generation };
    world.state.put(workload.kind, next as WorkloadView);
  }
}
