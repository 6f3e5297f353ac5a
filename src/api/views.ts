/**
 * What postcheck keeps of the cluster's objects: the few fields that decisions read, as plain frozen JSON.
 * Everything else is dropped where an object enters, so that thousands of pods cost little memory and no library object reaches a decision.
 * Times are milliseconds since the epoch; the API server gives whole seconds.
 */

/** The kinds an Upgrade can target, all of `apps/v1`. */
export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet';

/** How a container of a pod template runs: `init` ends before the regular ones start; a `sidecar` is an init container with `restartPolicy: Always`. */
export type ContainerRole = 'regular' | 'init' | 'sidecar';

export interface TemplateContainer {
  readonly name: string;
  readonly image: string;
  readonly role: ContainerRole;
  /** A startup probe restarts a container that should rather fall back; worth a warning. */
  readonly startupProbe: boolean;
}

/** What all kinds have. */
interface WorkloadCommon {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly deleting: boolean;
  /** Every container of the pod template: init containers and sidecars first, in the template's order. */
  readonly containers: readonly TemplateContainer[];
  /** Field manager that owns the image of a container (by container name), from managedFields; the newest one when several do. */
  readonly imageManagers: Readonly<Record<string, string>>;
  /** True when managedFields still holds an entry of ours: it must be dropped, or the user's next server-side apply conflicts. */
  readonly holdsOurFields: boolean;
  /** SHA-256 of the canonical pod template without the `pod-template-hash` label; equal to that of the revision it rolls to. */
  readonly templateDigest: string;
  /** Wanted pods: `spec.replicas`; for a DaemonSet `status.desiredNumberScheduled`. */
  readonly desired: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  /** All pods the controller counts, old and new: `status.replicas`, DaemonSet `status.currentNumberScheduled`. */
  readonly total: number;
  /** Recreate, or maxUnavailable of 100 % or of at least all pods: nothing serves while it rolls. */
  readonly servesNothingMeanwhile: boolean;
  /** What the controller may wait for a pod by itself: `spec.minReadySeconds`, and the time that an old pod has to end. Seconds. */
  readonly ownWaitSeconds: number;
  /** Why the controller cannot make pods, such as an exceeded quota. Only a Deployment has it in its status (ReplicaFailure); of the others see `Snapshot.eventsSeen`. */
  readonly replicaFailure?: string;
}

export interface DeploymentView extends WorkloadCommon {
  readonly kind: 'Deployment';
  /** `spec.paused`. */
  readonly paused: boolean;
  /** `spec.strategy.type: Recreate`: every pod goes before a new one comes. */
  readonly recreates: boolean;
}

export interface StatefulSetView extends WorkloadCommon {
  readonly kind: 'StatefulSet';
  /** `status.updateRevision`. */
  readonly updateRevision?: string;
  /** `spec.updateStrategy.rollingUpdate.partition`. */
  readonly partition: number;
  /** Somebody else than us set it: what we write is released, and then nobody's. */
  readonly othersSetPartition: boolean;
  /** `spec.updateStrategy.type: OnDelete`. */
  readonly onDelete: boolean;
  /** `podManagementPolicy: OrderedReady` (its default). */
  readonly ordered: boolean;
}

export interface DaemonSetView extends WorkloadCommon {
  readonly kind: 'DaemonSet';
  /** `spec.updateStrategy.type: OnDelete`. */
  readonly onDelete: boolean;
}

export type WorkloadView = DeploymentView | StatefulSetView | DaemonSetView;

/** The controller of an object: of group `apps` and, as owners are, in the object's own namespace. Empty strings when there is none. */
export interface OwnerView {
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** A ReplicaSet of a Deployment, or a ControllerRevision of a StatefulSet or DaemonSet. */
export interface RevisionView {
  readonly kind: 'ReplicaSet' | 'ControllerRevision';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The controlling workload. */
  readonly owner: OwnerView;
  /** Value of the pods' revision label: `pod-template-hash`, or `controller-revision-hash`. */
  readonly hash: string;
  readonly templateDigest: string;
  /** Deployment revision annotation, or the ControllerRevision's number. Renumbered by a rollback: never "previous minus one". */
  readonly revision: number;
  readonly createdAt: number;
}

/** A pod that is about to be created, as admission shows it: it has no UID yet, and whoever creates it may have written any owner. */
export interface NewPod {
  readonly namespace: string;
  /** The one that controls it; `undefined` when there is none. */
  readonly owner: { readonly apiVersion: string; readonly kind: string; readonly name: string } | undefined;
  /** Label `pod-template-hash`. */
  readonly templateHash: string;
  /** Init containers too. */
  readonly containers: readonly { readonly name: string; readonly image: string }[];
  readonly gates: readonly string[];
}

/** A JSON patch of a new pod. */
export type PodPatch = readonly { readonly op: 'add'; readonly path: string; readonly value: unknown }[];

export interface ContainerEnd {
  /** `OOMKilled`, `Error`, `Completed`, or `Unknown` when its node had lost it. */
  readonly reason: string;
  /** What the application left as its termination message: words of its own, for the status alone. */
  readonly message: string;
  /** A restart rule of the pod's author asks for a restart after this exit code. */
  readonly byRule: boolean;
}

export interface ContainerView {
  readonly name: string;
  readonly image: string;
  readonly role: ContainerRole;
  /** Runtime's ID such as `containerd://…`; empty before the first start. */
  readonly id: string;
  readonly restarts: number;
  readonly state: 'waiting' | 'running' | 'terminated';
  /** Waiting or terminated reason, e.g. `ErrImagePull`, `CrashLoopBackOff`, `Error`. */
  readonly reason: string;
  readonly message: string;
  /** How the container ended last, also while it waits or runs again. */
  readonly ended?: ContainerEnd;
  /** Exit code of the present or, when waiting or running, of the last termination. */
  readonly exitCode?: number;
  /** When the running container started. */
  readonly startedAt?: number;
  /** A resize in place restarts it (`resizePolicy`). */
  readonly restartsToResize?: true;
  readonly ready: boolean;
  /** Named container ports, when there are any. */
  readonly ports?: Readonly<Record<string, number>>;
}

export interface ConditionView {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** lastTransitionTime. */
  readonly since: number;
}

export interface PodView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** The controlling owner: a ReplicaSet, StatefulSet or DaemonSet. Pods without such an owner are not kept. */
  readonly owner: OwnerView;
  /** Of a ReplicaSet's pod the label `pod-template-hash`, of the others' `controller-revision-hash`. */
  readonly revision: string;
  /** That it runs on; of a DaemonSet's pod, before it is scheduled, the one that it was made for. Else empty until then. */
  readonly node: string;
  readonly ip: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  /** `status.reason`, e.g. `Evicted`. */
  readonly reason: string;
  readonly deleting: boolean;
  readonly createdAt: number;
  /** How often the spec of this pod was changed after its creation: resizes in place, mostly. */
  readonly specChanges: number;
  /** Containers whose image was set in this pod after its creation, whatever it is now. */
  readonly imagesChanged: readonly string[];
  /** By type: PodScheduled, Initialized, ContainersReady, Ready, `postcheck.dev/verified`, and every type named in readinessGates. */
  readonly conditions: Readonly<Record<string, ConditionView>>;
  /** Types in `spec.readinessGates`. */
  readonly gates: readonly string[];
  /** Regular containers first, then sidecars and init containers. Every container of the spec, also before it has a status. */
  readonly containers: readonly ContainerView[];
}

/** What a controller or a kubelet complained of last, in an event of the type Warning. */
export interface WarningView {
  /** Such as `FailedMount`. */
  readonly reason: string;
  /** Sanitised, one line, cut. */
  readonly message: string;
  readonly at: number;
}

export interface NodeView {
  readonly name: string;
  readonly resourceVersion: string;
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** `status.nodeInfo.kernelVersion`. */
  readonly kernel?: string;
}
