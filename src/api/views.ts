/**
 * The parts of the cluster's objects that postcheck keeps: the few fields that decisions read, as plain frozen JSON.
 * Everything else is dropped when an object is decoded, so that thousands of pods need little memory and decisions see no library objects.
 * Times are milliseconds since the epoch, in whole seconds as the API server stores them.
 */

/** The kinds an Upgrade can target, all of `apps/v1`. */
export type WorkloadKind = 'Deployment' | 'StatefulSet' | 'DaemonSet';

/**
 * What is kept of one pod or workload. More than any real pod template comes to: names, images, mounts and named ports of a hundred containers
 * with a thousand characters each. Whoever may create pods or workloads can make each as long as etcd stores an object, and a few hundred of
 * these would fill the operator's memory.
 */
export const MOST_CHARACTERS = 131_072;
/**
 * What a pod has of each container besides: what its node says of it, without messages. It counts for a workload too, which is not kept if its pods
 * would not be.
 */
export const STATUS_CHARACTERS = 400;

/**
 * Values in a pod template that is read: the members of its objects and the elements of its lists. More than a hundred containers with a hundred
 * variables each have. Whoever may change a workload can write a hundred thousand into it, and with a short patch have all of them compared again.
 */
export const MOST_VALUES = 32_768;

/** How a container of a pod template runs: `init` ends before the regular ones start; a `sidecar` is an init container with `restartPolicy: Always`. */
export type ContainerRole = 'regular' | 'init' | 'sidecar';

export interface TemplateContainer {
  readonly name: string;
  readonly image: string;
  readonly role: ContainerRole;
  /** It has a startup probe, which restarts it before a failure can be observed; this causes a warning. */
  readonly startupProbe: boolean;
  /** Where volumes are mounted, save the service account's; absent if there are none. */
  readonly mounts?: readonly string[];
}

/** The fields of all kinds. */
interface WorkloadCommon {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation: number;
  readonly observedGeneration: number;
  readonly deleting: boolean;
  /** Its containers have more than MOST_CHARACTERS, or its template more than MOST_VALUES: nothing of them is kept, and `containers` is empty. */
  readonly isTooLong?: true;
  /** Every container of the pod template: init containers and sidecars first, in the template's order. */
  readonly containers: readonly TemplateContainer[];
  /** The field manager of each container's image, from managedFields; the newest one if there are several. */
  readonly imageManagers: Readonly<Record<string, string>>;
  /** Whether managedFields has an entry of ours. It must be removed, or the user's next server-side apply conflicts with it. */
  readonly holdsOurFields: boolean;
  /** SHA-256 of the canonical pod template without the `pod-template-hash` label; equal to that of the revision it rolls to. */
  readonly templateDigest: string;
  /** Desired pods: `spec.replicas`; for a DaemonSet `status.desiredNumberScheduled`. */
  readonly desired: number;
  /** DaemonSet `status.numberMisscheduled`: pods beyond `desired` that stay on nodes with a taint, which a node has while it is not Ready. */
  readonly misscheduled?: number;
  readonly updated: number;
  readonly ready: number;
  readonly available: number;
  /** All pods the controller counts, old and new: `status.replicas`, DaemonSet `status.currentNumberScheduled`. */
  readonly total: number;
  /** Recreate, or a maxUnavailable of all pods: nothing may serve during a rollout. */
  readonly servesNothingMeanwhile: boolean;
  /** How long the controller itself may wait for a pod, in seconds: `spec.minReadySeconds`, and the termination grace period of an old pod. */
  readonly ownWaitSeconds: number;
  /** Why the controller cannot create pods, such as an exceeded quota. Only a Deployment has this in its status (ReplicaFailure); for the others see `Snapshot.eventsSeen`. */
  readonly replicaFailure?: string;
}

export interface DeploymentView extends WorkloadCommon {
  readonly kind: 'Deployment';
  /** `spec.paused`. */
  readonly paused: boolean;
  /** `spec.strategy.type: Recreate`: all pods are deleted before new ones are created. */
  readonly recreates: boolean;
}

export interface StatefulSetView extends WorkloadCommon {
  readonly kind: 'StatefulSet';
  /** `status.updateRevision`. */
  readonly updateRevision?: string;
  /** `spec.updateStrategy.rollingUpdate.partition`. */
  readonly partition: number;
  /** `spec.ordinals.start`. */
  readonly firstOrdinal: number;
  /** Whether another client set the partition. Ours has no field manager, because we remove our entries. */
  readonly othersSetPartition: boolean;
  /** `spec.updateStrategy.type: OnDelete`. */
  readonly onDelete: boolean;
  /** `spec.updateStrategy.type: Recreate` (alpha in Kubernetes 1.37): all pods are deleted before new ones are created. */
  readonly recreates: boolean;
  /** `podManagementPolicy: OrderedReady` (its default). */
  readonly ordered: boolean;
}

/** What its pods tolerate. */
export interface TolerationView {
  /** Empty for every key. */
  readonly key: string;
  readonly operator: string;
  readonly value: string;
  /** Empty for every effect. */
  readonly effect: string;
}

export interface DaemonSetView extends WorkloadCommon {
  readonly kind: 'DaemonSet';
  /** `spec.template.spec.tolerations`. Its controller adds those for the taints of Kubernetes itself. */
  readonly tolerations: readonly TolerationView[];
  /** `spec.updateStrategy.type: OnDelete`. */
  readonly onDelete: boolean;
}

export type WorkloadView = DeploymentView | StatefulSetView | DaemonSetView;

/** The controller of an object, of group `apps` and in the object's own namespace. Empty strings if there is none. */
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

/** A pod that is about to be created, as an admission request has it: it has no UID yet, and its owner may be forged. */
export interface NewPod {
  readonly namespace: string;
  /** Its controller; `undefined` if there is none. */
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
  /** `OOMKilled`, `Error`, `Completed`, or `Unknown` if the node had lost it. */
  readonly reason: string;
  /** The application's termination message: foreign text, for the status only. */
  readonly message: string;
  /** A restart rule in the pod requests a restart after this exit code. */
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
  /** The last termination, also while the container is waiting or running again. */
  readonly ended?: ContainerEnd;
  /** Exit code of the present termination; while waiting or running, of the last one. */
  readonly exitCode?: number;
  /** When the running container started. */
  readonly startedAt?: number;
  /** A resize in place restarts it (`resizePolicy`). */
  readonly restartsToResize?: true;
  readonly ready: boolean;
  /** A sidecar that runs, but whose startup probe has not succeeded yet: the later containers wait for that. */
  readonly starting?: true;
  /** Where volumes are mounted, save the service account's; absent if there are none. */
  readonly mounts?: readonly string[];
  /** Named container ports, if there are any. */
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
  /** The label `pod-template-hash` of a ReplicaSet's pod; for other pods `controller-revision-hash`. */
  readonly revision: string;
  /** The node that the pod runs on. Empty before it is scheduled, except for a DaemonSet's pod: the node that it was created for. */
  readonly node: string;
  readonly ip: string;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  /** `status.reason`, e.g. `Evicted`. */
  readonly reason: string;
  /** `status.message` of a pod that has failed, shortened. */
  readonly message?: string;
  readonly deleting: boolean;
  readonly createdAt: number;
  /** How often the spec of this pod was changed after its creation, mostly by resizes in place. */
  readonly specChanges: number;
  /** Containers whose image was set in this pod after its creation, also if it was reverted. */
  readonly imagesChanged: readonly string[];
  /** By type: PodScheduled, Initialized, ContainersReady, Ready, `postcheck.dev/verified`, and every type named in readinessGates. */
  readonly conditions: Readonly<Record<string, ConditionView>>;
  /** Types in `spec.readinessGates`. */
  readonly gates: readonly string[];
  /** Regular containers first, then sidecars and init containers. Every container of the spec, also before it has a status. */
  readonly containers: readonly ContainerView[];
}

/** The last event of the type Warning from a controller or a kubelet. */
export interface WarningView {
  /** Such as `FailedMount`. */
  readonly reason: string;
  /** One printable line, shortened. */
  readonly message: string;
  readonly at: number;
}

/** A taint that keeps pods away: `NoSchedule` or `NoExecute`. */
export interface TaintView {
  readonly key: string;
  readonly value: string;
  readonly effect: string;
}

export interface NodeView {
  readonly name: string;
  readonly resourceVersion: string;
  readonly ready: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** `status.nodeInfo.kernelVersion`. */
  readonly kernel?: string;
  /** Absent if there are none. */
  readonly taints?: readonly TaintView[];
}
