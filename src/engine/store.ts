/** All that is known of the cluster, fed by the watches and by the answers to our own writes, and who is concerned by a change. */

import { isAbandoned, isClosed } from '../api/gate.ts';
import type { Upgrade } from '../api/types.ts';
import type { NodeView, OwnerView, PodView, RevisionView, WorkloadKind, WorkloadView } from '../api/views.ts';
import { withImageChanges } from '../core/verification/witness.ts';
import { driverOf, POD_OWNING_REVISIONS, WORKLOAD_KINDS } from '../core/workload/drivers.ts';
import { Claims } from './claims.ts';
import { Dependents } from './dependents.ts';
import { Indexer } from './indexer.ts';
import { withCredibleTimes } from './node-clock.ts';
import { identityKey, ownerKey } from './ownership.ts';
import type { Watched, WatchedKind, Watcher } from './ports.ts';

/** `namespace/name` of an Upgrade. */
export type UpgradeKey = string;

/** A workload as its dependents name it; it need not exist any more. */
export interface WorkloadRef extends OwnerView {
  readonly namespace: string;
}

export const upgradeKey = ({ metadata }: Upgrade): UpgradeKey => `${metadata.namespace}/${metadata.name}`;
const targetKey = ({ metadata, spec }: Upgrade): string =>
  nameKey({ kind: spec.targetRef.kind, namespace: metadata.namespace, name: spec.targetRef.name });
const nameKey = ({ kind, namespace, name }: Pick<WorkloadRef, 'kind' | 'namespace' | 'name'>): string =>
  `${kind}/${namespace}/${name}`;
const version = ({ resourceVersion }: { resourceVersion: string }): string => resourceVersion;
const isGating = ({ status }: Upgrade): boolean => status?.attempt?.gating === true;

/** Called with every change: the Upgrades and the pods that it concerns. */
export interface Listener {
  upgradesChanged(keys: readonly UpgradeKey[]): void;
  /** Another Upgrade acts on the target of these now; they only have to name it. */
  actingChanged(waiting: readonly UpgradeKey[]): void;
  podChanged(pod: PodView): void;
  podGone(pod: PodView): void;
  nodeChanged(node: NodeView): void;
  nodeGone(node: NodeView): void;
  /** The gate of this pod may have become nobody's. */
  gateReleased(pod: PodView): void;
}

const workloads = () => new Indexer<WorkloadView>({ key: nameKey, version, indexes: {} });
const revisions = () =>
  new Indexer<RevisionView, 'owner'>({ key: identityKey, version, indexes: { owner: ownerKey } });

export class Store {
  readonly upgrades = new Indexer<Upgrade, 'gating'>({
    key: upgradeKey,
    version: ({ metadata }) => metadata.resourceVersion,
    indexes: { gating: (upgrade) => (isGating(upgrade) ? targetKey(upgrade) : undefined) },
    changed: (before, after) => this.#upgradeChanged(before, after),
  });
  readonly workloads = { Deployment: workloads(), StatefulSet: workloads(), DaemonSet: workloads() };
  readonly revisions = { ReplicaSet: revisions(), ControllerRevision: revisions() };
  readonly pods = new Indexer<PodView, 'owner' | 'node'>({
    key: ({ uid }) => uid,
    version,
    indexes: { owner: ownerKey, node: ({ node }) => node },
    keep: (came, before) => {
      const pod = withImageChanges(came, before);
      return this.#now ? withCredibleTimes(pod, before, this.#now()) : pod;
    },
    changed: (before, after) => {
      if (after) {
        this.#listener?.podChanged(after);
      } else if (before) {
        this.#listener?.podGone(before);
      }
    },
  });
  readonly nodes = new Indexer<NodeView>({
    key: ({ name }) => name,
    version,
    indexes: {},
    changed: (before, after) => {
      if (after) {
        this.#listener?.nodeChanged(after);
      } else if (before) {
        this.#listener?.nodeGone(before);
      }
    },
  });
  readonly #claims = new Claims({ key: upgradeKey, target: targetKey });
  readonly #dependents = new Dependents();
  /** Upgrades that wait for another one, which has changed since the listener was last called. */
  readonly #woken = new Set<UpgradeKey>();
  /** Targets on which another Upgrade acts since the listener was last called. */
  readonly #passedOn = new Set<string>();
  readonly #now: (() => number) | undefined;
  #listener: Listener | undefined;

  /** Without a clock, the times of pods are taken as their nodes give them. */
  constructor(now?: () => number) {
    this.#now = now;
  }

  /** Starts every watch and calls the listener with who is concerned by what they bring. */
  watch(watcher: Watcher, listener: Listener): void {
    this.#listener = listener;
    const feed = <K extends WatchedKind, I extends string>(
      kind: K,
      indexer: Indexer<Watched[K], I>,
      concerned: (object: Watched[K]) => Iterable<UpgradeKey>,
    ) =>
      watcher.watch(kind, (event) => {
        const touched = indexer.apply(event);
        listener.upgradesChanged([...new Set(touched.flatMap((object) => [...concerned(object)]))]);
        this.#announceActing();
        this.#announceWoken();
      });
    feed('Upgrade', this.upgrades, (upgrade) => [upgradeKey(upgrade)]);
    for (const kind of WORKLOAD_KINDS) {
      feed(kind, this.workloads[kind], (workload) => this.#workloadChanged(workload));
    }
    for (const kind of ['ReplicaSet', 'ControllerRevision'] as const) {
      feed(kind, this.revisions[kind], (revision) => this.#revisionChanged(revision));
    }
    feed('Pod', this.pods, (pod) => this.#actingOnOwner(this.workloadOf(pod)));
    feed('Node', this.nodes, ({ name }) => this.#onNode(name));
  }

  /** True when every kind has been listed once. Where nodes may not be listed, their watch says so with an empty list. */
  get synced(): boolean {
    return [
      this.upgrades,
      this.pods,
      this.nodes,
      ...Object.values(this.workloads),
      ...Object.values(this.revisions),
    ].every(({ synced }) => synced);
  }

  /** The workload an Upgrade targets, if it is there. */
  targetOf(upgrade: Upgrade): WorkloadView | undefined {
    return this.workloads[upgrade.spec.targetRef.kind].get(targetKey(upgrade));
  }

  /** Kinds of which there is a workload of the target's name. */
  namesakesOf({ metadata: { namespace }, spec: { targetRef } }: Upgrade): WorkloadKind[] {
    const { kind: wanted, name } = targetRef;
    return WORKLOAD_KINDS.filter(
      (kind) => kind !== wanted && this.workloads[kind].get(nameKey({ kind, namespace, name })),
    );
  }

  /** The workload a pod belongs to, whether or not it is (still) there: the pod's owner, or its ReplicaSet's. */
  workloadOf(pod: PodView): WorkloadRef | undefined {
    const { namespace, owner } = pod;
    const revision = POD_OWNING_REVISIONS.find((kind) => kind === owner.kind);
    if (revision) {
      return this.#ownerOf(this.revisions[revision].get(ownerKey(pod)));
    }
    const kind = WORKLOAD_KINDS.find((known) => known === owner.kind);
    return kind && driverOf({ kind }).podsOwnedBy === 'Workload' ? { namespace, ...owner } : undefined;
  }

  revisionsOf(workload: WorkloadView): RevisionView[] {
    return this.revisions[driverOf(workload).revisionKind].byIndex('owner', identityKey(workload));
  }

  podsOf(workload: WorkloadView): PodView[] {
    const isByRevision = driverOf(workload).podsOwnedBy === 'Revision';
    const makers = isByRevision ? this.revisionsOf(workload) : [workload];
    return makers.flatMap((maker) => this.pods.byIndex('owner', identityKey(maker)));
  }

  /** The Upgrade that acts on what this one targets. */
  actingFor(upgrade: Upgrade): Upgrade | undefined {
    return this.#acting(targetKey(upgrade));
  }

  /** The Upgrade that acts on a workload. */
  actingOn(workload: WorkloadRef): Upgrade | undefined {
    return this.#acting(nameKey(workload));
  }

  /** Upgrades with an attempt that gates the workload's pods. */
  gatingOn(workload: Pick<WorkloadRef, 'kind' | 'namespace' | 'name'>): Upgrade[] {
    return this.upgrades.byIndex('gating', nameKey(workload));
  }

  #acting(target: string): Upgrade | undefined {
    const key = this.#claims.acting(target);
    return key === undefined ? undefined : this.upgrades.get(key);
  }

  #ownerOf(revision: RevisionView | undefined): WorkloadRef | undefined {
    return revision && { namespace: revision.namespace, ...revision.owner };
  }

  /** A reference whose UID is not the workload's is to an earlier one of the name, or forged. */
  #actingOnOwner(ref: WorkloadRef | undefined): UpgradeKey[] {
    const kind = WORKLOAD_KINDS.find((known) => known === ref?.kind);
    if (!ref || !kind || this.workloads[kind].get(nameKey(ref))?.uid !== ref.uid) {
      return [];
    }
    return this.#keysOf(nameKey(ref));
  }

  #keysOf(target: string): UpgradeKey[] {
    const key = this.#claims.acting(target);
    return key === undefined ? [] : [key];
  }

  /** An Upgrade whose target is missing tells of workloads of that name and of another kind. */
  #workloadChanged({ kind: changed, namespace, name }: WorkloadView): UpgradeKey[] {
    return WORKLOAD_KINDS.map((kind) => ({ kind, key: nameKey({ kind, namespace, name }) }))
      .filter(({ kind, key }) => kind === changed || !this.workloads[kind].get(key))
      .flatMap(({ key }) => this.#keysOf(key));
  }

  /** A pod may be known before its ReplicaSet is, and whose it is only now. */
  #revisionChanged(revision: RevisionView): UpgradeKey[] {
    for (const pod of this.pods.byIndex('owner', identityKey(revision))) {
      this.#release(pod);
    }
    return this.#actingOnOwner(this.#ownerOf(revision));
  }

  /** By the pods that are there, not by those that the status shows: it shows twenty at most. */
  #onNode(name: string): UpgradeKey[] {
    return this.pods
      .byIndex('node', name)
      .flatMap((pod) => this.#actingOnOwner(this.workloadOf(pod)))
      .filter((key) => {
        const attempt = this.upgrades.get(key)?.status?.attempt;
        return attempt && !attempt.end;
      });
  }

  /** Also by a write of ours: an attempt that ended, and an Upgrade that went away, may leave closed gates behind. */
  #upgradeChanged(before: Upgrade | undefined, after: Upgrade | undefined): void {
    for (const target of this.#claims.apply(before, after)) {
      this.#passedOn.add(target);
    }
    const upgrade = after ?? before;
    for (const key of upgrade ? this.#dependents.apply(upgradeKey(upgrade), before, after) : []) {
      this.#woken.add(key);
    }
    if (before && isGating(before) && !(after && stillGates(before, after))) {
      const workload = this.targetOf(before);
      for (const pod of workload ? this.podsOf(workload) : []) {
        this.#release(pod);
      }
    }
  }

  /** Once for all changes that came together: a list brings thousands. */
  #announceActing(): void {
    for (const target of this.#passedOn) {
      this.#listener?.upgradesChanged(this.#keysOf(target));
      this.#listener?.actingChanged(this.#claims.waiting(target));
    }
    this.#passedOn.clear();
  }

  #announceWoken(): void {
    if (this.#woken.size > 0) {
      this.#listener?.upgradesChanged([...this.#woken]);
      this.#woken.clear();
    }
  }

  #release(pod: PodView): void {
    if (isClosed(pod)) {
      this.#listener?.gateReleased(pod);
    }
  }
}

/** Whether the attempt of `before` goes on in `after` on the same target. */
const stillGates = (before: Upgrade, after: Upgrade): boolean =>
  isGating(after) &&
  !isAbandoned(after) &&
  after.status?.targetUID === before.status?.targetUID &&
  targetKey(after) === targetKey(before);
