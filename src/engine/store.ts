/** The cache of everything watched, fed by watch events and by the responses to our own writes, and which Upgrades a change concerns. */

import { isAbandoned, isClosed } from '../api/gate.ts';
import type { Upgrade } from '../api/types.ts';
import type { NodeView, OwnerView, PodView, RevisionView, WorkloadKind, WorkloadView } from '../api/views.ts';
import { claimOrder } from '../core/claim.ts';
import { mayCountAgainst } from '../core/verification/container-findings.ts';
import { withPullErrors } from '../core/verification/pull-error.ts';
import { withImageChanges } from '../core/verification/witness.ts';
import { driverOf, namedInPods, POD_OWNING_REVISIONS, WORKLOAD_KINDS } from '../core/workload/drivers.ts';
import { Claims } from './claims.ts';
import { Dependents } from './dependents.ts';
import { Indexer } from './indexer.ts';
import { withCredibleTimes } from './node-clock.ts';
import { identityKey, ownerKey } from './ownership.ts';
import type { Watched, WatchedKind, Watcher } from './ports.ts';

/** `namespace/name` of an Upgrade. */
export type UpgradeKey = string;

/** A workload as its dependents reference it; it may no longer exist. */
export interface WorkloadRef extends OwnerView {
  readonly namespace: string;
}

export const upgradeKey = ({ metadata }: Upgrade): UpgradeKey => `${metadata.namespace}/${metadata.name}`;
const targetOf = ({ metadata, spec }: Upgrade) => ({
  kind: spec.targetRef.kind,
  namespace: metadata.namespace,
  name: spec.targetRef.name,
});
const targetKey = (upgrade: Upgrade): string => nameKey(targetOf(upgrade));
const nameKey = ({ kind, namespace, name }: Pick<WorkloadRef, 'kind' | 'namespace' | 'name'>): string =>
  `${kind}/${namespace}/${name}`;
/** By what the pods say of the workload that they belong to. */
const gatingKey = (workload: Pick<WorkloadRef, 'kind' | 'namespace' | 'name'>): string =>
  nameKey({ ...workload, ...namedInPods(workload) });
const version = ({ resourceVersion }: { resourceVersion: string }): string => resourceVersion;
/** The value under which nodes that are not Ready are found. */
const LOST = 'lost';
const isGating = ({ status }: Upgrade): boolean => status?.attempt?.gating === true;

/** Is notified of every change: which Upgrades and pods it concerns. */
export interface Listener {
  /** `priority`: by something that may count against their version. */
  upgradesChanged(keys: readonly UpgradeKey[], priority?: boolean): void;
  /** Another Upgrade now acts on the target of these; only the name of it in their status changes. */
  actingChanged(waiting: readonly UpgradeKey[]): void;
  podChanged(pod: PodView): void;
  podGone(pod: PodView): void;
  nodeChanged(node: NodeView): void;
  nodeGone(node: NodeView): void;
  /** Perhaps no attempt will open the gate of this pod any more. */
  gateReleased(pod: PodView): void;
}

const workloads = () => new Indexer<WorkloadView>({ key: nameKey, version, indexes: {} });
const revisions = () =>
  new Indexer<RevisionView, 'owner'>({ key: identityKey, version, indexes: { owner: ownerKey } });

export class Store {
  readonly upgrades = new Indexer<Upgrade, 'gating'>({
    key: upgradeKey,
    version: ({ metadata }) => metadata.resourceVersion,
    indexes: { gating: (upgrade) => (isGating(upgrade) ? gatingKey(targetOf(upgrade)) : undefined) },
    changed: (before, after) => this.#upgradeChanged(before, after),
  });
  readonly workloads = { Deployment: workloads(), StatefulSet: workloads(), DaemonSet: workloads() };
  readonly revisions = { ReplicaSet: revisions(), ControllerRevision: revisions() };
  readonly pods = new Indexer<PodView, 'owner' | 'node'>({
    key: ({ uid }) => uid,
    version,
    indexes: { owner: ownerKey, node: ({ node }) => node },
    transform: (received, before) => {
      const pod = withPullErrors(withImageChanges(received, before), before);
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
  readonly nodes = new Indexer<NodeView, 'state'>({
    key: ({ name }) => name,
    version,
    indexes: { state: ({ ready }) => (ready ? undefined : LOST) },
    changed: (before, after) => {
      if (after) {
        this.#listener?.nodeChanged(after);
      } else if (before) {
        this.#listener?.nodeGone(before);
      }
    },
  });
  readonly #claims = new Claims({ key: upgradeKey, target: targetKey, order: claimOrder });
  readonly #dependents = new Dependents();
  /** Dependents of Upgrades that have changed since the listener was last called. */
  readonly #woken = new Set<UpgradeKey>();
  /** Targets on which another Upgrade has become the acting one since the listener was last called. */
  readonly #passedOn = new Set<string>();
  readonly #now: (() => number) | undefined;
  #listener: Listener | undefined;

  /** Without a clock, the times of pods are used as their nodes set them. */
  constructor(now?: () => number) {
    this.#now = now;
  }

  /** Starts every watch, and notifies the listener of what their events concern. */
  watch(watcher: Watcher, listener: Listener): void {
    this.#listener = listener;
    const feed = <K extends WatchedKind, I extends string>(
      kind: K,
      indexer: Indexer<Watched[K], I>,
      concerned: (object: Watched[K]) => Iterable<UpgradeKey>,
      priority: (object: Watched[K]) => boolean = () => false,
    ) =>
      watcher.watch(kind, (event) => {
        const touched = indexer.apply(event);
        const keys = new Set(touched.flatMap((object) => [...concerned(object)]));
        listener.upgradesChanged([...keys], event.type === 'upsert' && priority(event.object));
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
    feed('Pod', this.pods, (pod) => this.#actingOnOwner(this.workloadOf(pod)), mayCountAgainst);
    feed('Node', this.nodes, ({ name }) => this.#onNode(name));
  }

  /** Whether every kind has been listed once. If nodes may not be listed, their watch reports an empty list. */
  get synced(): boolean {
    return [
      this.upgrades,
      this.pods,
      this.nodes,
      ...Object.values(this.workloads),
      ...Object.values(this.revisions),
    ].every(({ synced }) => synced);
  }

  /** Whether the node is Ready. Decisions ask for the node of each pod, and few are ever lost: only those are looked up. */
  isNodeReady(name: string): boolean {
    return !this.nodes.isIn('state', LOST, name);
  }

  /** The workload that an Upgrade targets, if it exists. */
  targetOf(upgrade: Upgrade): WorkloadView | undefined {
    return this.workloads[upgrade.spec.targetRef.kind].get(targetKey(upgrade));
  }

  /** Other kinds that have a workload with the target's name. */
  namesakesOf({ metadata: { namespace }, spec: { targetRef } }: Upgrade): WorkloadKind[] {
    const { kind: wanted, name } = targetRef;
    return WORKLOAD_KINDS.filter(
      (kind) => kind !== wanted && this.workloads[kind].get(nameKey({ kind, namespace, name })),
    );
  }

  /** The workload that a pod belongs to, whether or not it still exists: the pod's owner, or its ReplicaSet's. */
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
    const owners = isByRevision ? this.revisionsOf(workload) : [workload];
    return owners.flatMap((owner) => this.pods.byIndex('owner', identityKey(owner)));
  }

  /** The Upgrade that acts on the target of this one. */
  actingFor(upgrade: Upgrade): Upgrade | undefined {
    return this.#acting(targetKey(upgrade));
  }

  /** The Upgrade that acts on a workload. */
  actingOn(workload: WorkloadRef): Upgrade | undefined {
    return this.#acting(nameKey(workload));
  }

  /** Upgrades with an attempt that gates pods of the workload, or of others whose long names begin alike. */
  gatingOn(workload: Pick<WorkloadRef, 'kind' | 'namespace' | 'name'>): Upgrade[] {
    return this.upgrades.byIndex('gating', gatingKey(workload));
  }

  #acting(target: string): Upgrade | undefined {
    const key = this.#claims.acting(target);
    return key === undefined ? undefined : this.upgrades.get(key);
  }

  #ownerOf(revision: RevisionView | undefined): WorkloadRef | undefined {
    return revision && { namespace: revision.namespace, ...revision.owner };
  }

  /** A reference with another UID than the workload's is to an earlier workload of that name, or forged. */
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

  /** Also concerns Upgrades of another kind whose target is missing: their message names workloads with the same name. */
  #workloadChanged({ kind: changed, namespace, name }: WorkloadView): UpgradeKey[] {
    return WORKLOAD_KINDS.map((kind) => ({ kind, key: nameKey({ kind, namespace, name }) }))
      .filter(({ kind, key }) => kind === changed || !this.workloads[kind].get(key))
      .flatMap(({ key }) => this.#keysOf(key));
  }

  /** A pod may be cached before its ReplicaSet, in which case its workload is only known now. */
  #revisionChanged(revision: RevisionView): UpgradeKey[] {
    for (const pod of this.pods.byIndex('owner', identityKey(revision))) {
      this.#release(pod);
    }
    return this.#actingOnOwner(this.#ownerOf(revision));
  }

  /** Uses the cached pods, not those in the status, which lists at most twenty. */
  #onNode(name: string): UpgradeKey[] {
    return this.pods
      .byIndex('node', name)
      .flatMap((pod) => this.#actingOnOwner(this.workloadOf(pod)))
      .filter((key) => {
        const attempt = this.upgrades.get(key)?.status?.attempt;
        return attempt && !attempt.end;
      });
  }

  /** Also called for our own writes: an attempt that ended and an Upgrade that was deleted may leave closed gates. */
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

  /** Notifies once for all changes of an event: a list contains thousands. */
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

/** Whether the attempt of `before` continues in `after` on the same target. */
const stillGates = (before: Upgrade, after: Upgrade): boolean =>
  isGating(after) &&
  !isAbandoned(after) &&
  after.status?.targetUID === before.status?.targetUID &&
  targetKey(after) === targetKey(before);
