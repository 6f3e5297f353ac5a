/** All that is known of the cluster, fed by the watches and by the answers to our own writes, and who is concerned by a change. */
import type { Upgrade } from '../api/types.ts';
import type { NodeView, PodView, RevisionView, WorkloadView } from '../api/views.ts';
import type { Watched, WatchedKind, Watcher } from './ports.ts';
import { Table } from './table.ts';

/** `namespace/name` of an Upgrade. */
export type UpgradeKey = string;

export const upgradeKey = ({ metadata }: Upgrade): UpgradeKey => `${metadata.namespace}/${metadata.name}`;
const targetKey = (upgrade: Upgrade): string =>
  `${upgrade.spec.targetRef.kind}/${upgrade.metadata.namespace}/${upgrade.spec.targetRef.name}`;
const workloadKey = ({ kind, namespace, name }: WorkloadView): string => `${kind}/${namespace}/${name}`;

/** Told of every change: the Upgrades and the pods that it concerns. */
export interface Listener {
  upgradesChanged(keys: readonly UpgradeKey[]): void;
  podChanged(pod: PodView): void;
  /** The Upgrade itself changed, came or went. */
  upgradeChanged(upgrade: Upgrade): void;
}

const version = ({ resourceVersion }: { resourceVersion: string }): string => resourceVersion;

export class Store {
  readonly upgrades = new Table<Upgrade>({
    key: upgradeKey,
    version: ({ metadata }) => metadata.resourceVersion,
    group: targetKey,
  });
  readonly workloads = {
    Deployment: new Table<WorkloadView>({ key: workloadKey, version, group: ({ uid }) => uid }),
    StatefulSet: new Table<WorkloadView>({ key: workloadKey, version, group: ({ uid }) => uid }),
    DaemonSet: new Table<WorkloadView>({ key: workloadKey, version, group: ({ uid }) => uid }),
  };
  readonly revisions = {
    ReplicaSet: new Table<RevisionView>({
      key: ({ uid }) => uid,
      version,
      group: ({ ownerUid }) => ownerUid,
    }),
    ControllerRevision: new Table<RevisionView>({
      key: ({ uid }) => uid,
      version,
      group: ({ ownerUid }) => ownerUid,
    }),
  };
  readonly pods = new Table<PodView>({ key: ({ uid }) => uid, version, group: ({ owner }) => owner.uid });
  readonly nodes = new Table<NodeView>({ key: ({ name }) => name, version, group: () => '' });

  /** Starts every watch and tells the listener who is concerned by what they bring. */
  watch(watcher: Watcher, listener: Listener): void {
    const feed = <K extends WatchedKind>(
      kind: K,
      table: Table<Watched[K]>,
      concerned: (object: Watched[K]) => Iterable<UpgradeKey>,
    ) =>
      watcher.watch(kind, (event) => {
        const touched = table.apply(event);
        listener.upgradesChanged([...new Set(touched.flatMap((object) => [...concerned(object)]))]);
      });
    feed('Upgrade', this.upgrades, (upgrade) => {
      listener.upgradeChanged(upgrade);
      return this.#onTarget(targetKey(upgrade), upgradeKey(upgrade));
    });
    for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
      feed(kind, this.workloads[kind], (workload) => this.#onTarget(workloadKey(workload)));
    }
    for (const kind of ['ReplicaSet', 'ControllerRevision'] as const) {
      feed(kind, this.revisions[kind], ({ ownerUid }) => this.#onWorkload(ownerUid));
    }
    feed('Pod', this.pods, (pod) => {
      listener.podChanged(pod);
      return this.#onWorkload(this.workloadUidOf(pod));
    });
    feed('Node', this.nodes, ({ name }) => this.#onNode(name));
  }

  /** True when every kind has been listed once. Where nodes may not be listed, their watch says so with an empty list. */
  get synced(): boolean {
    const tables = [
      this.upgrades,
      this.pods,
      this.nodes,
      ...Object.values(this.workloads),
      ...Object.values(this.revisions),
    ];
    return tables.every((table) => table.synced);
  }

  /** The workload an Upgrade targets, if it is there. */
  targetOf(upgrade: Upgrade): WorkloadView | undefined {
    return this.workloads[upgrade.spec.targetRef.kind].get(targetKey(upgrade));
  }

  /** UID of the workload a pod belongs to: its owner's, or for a Deployment the owner's owner's. */
  workloadUidOf(pod: PodView): string | undefined {
    return pod.owner.kind === 'ReplicaSet'
      ? this.revisions.ReplicaSet.get(pod.owner.uid)?.ownerUid
      : pod.owner.uid;
  }

  revisionsOf(workload: WorkloadView): RevisionView[] {
    return this.revisions[workload.kind === 'Deployment' ? 'ReplicaSet' : 'ControllerRevision'].inGroup(
      workload.uid,
    );
  }

  podsOf(workload: WorkloadView): PodView[] {
    if (workload.kind !== 'Deployment') {
      return this.pods.inGroup(workload.uid);
    }
    return this.revisions.ReplicaSet.inGroup(workload.uid).flatMap(({ uid }) => this.pods.inGroup(uid));
  }

  /** Upgrades on the same target, the one that acts first: the oldest, then by name. */
  claimants(upgrade: Upgrade): Upgrade[] {
    const age = ({ metadata }: Upgrade) => Date.parse(metadata.creationTimestamp);
    return this.upgrades
      .inGroup(targetKey(upgrade))
      .sort((a, b) => age(a) - age(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  /** Upgrades whose target is the workload with this UID. */
  upgradesOn(workloadUid: string): Upgrade[] {
    return Object.values(this.workloads).flatMap((table) =>
      table.inGroup(workloadUid).flatMap((workload) => this.upgrades.inGroup(workloadKey(workload))),
    );
  }

  #onTarget(target: string, ...also: UpgradeKey[]): UpgradeKey[] {
    return [...also, ...this.upgrades.inGroup(target).map(upgradeKey)];
  }

  #onWorkload(uid: string | undefined): UpgradeKey[] {
    return uid === undefined ? [] : this.upgradesOn(uid).map(upgradeKey);
  }

  /** By the pods that are there, not by those that the status shows: it shows twenty at most. */
  #onNode(name: string): UpgradeKey[] {
    const owners = new Set(
      [...this.pods.all()].filter(({ node }) => node === name).map((pod) => this.workloadUidOf(pod)),
    );
    return [...owners]
      .flatMap((uid) => (uid === undefined ? [] : this.upgradesOn(uid)))
      .filter(({ status }) => status?.attempt && !status.attempt.end)
      .map(upgradeKey);
  }
}
