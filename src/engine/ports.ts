/**
 * The interfaces between the engine and everything outside it. `src/kube` and `src/checks` implement them for a cluster, the simulation in
 * virtual time. Data crosses as plain frozen JSON. No method throws for an expected outcome: failures are values.
 */
import type { GateCarrier } from '../api/enums.ts';
import type { AnyReason, EventReason } from '../api/reasons.ts';
import type { Check, Upgrade, UpgradeMeta, UpgradeStatus } from '../api/types.ts';
import type {
  NodeView,
  PodView,
  RevisionView,
  WarningView,
  WorkloadKind,
  WorkloadView,
} from '../api/views.ts';
import type { QueryAnswer } from '../core/rollout/rollout-checks.ts';
import type { ExecResult } from '../core/verification/exec-result.ts';
import type { Log, Telemetry, Tracer } from './telemetry-ports.ts';

export type { ExecResult, QueryAnswer };

/**
 * How many writes and reads the engine sends at once: with fewer connections they would wait again, and no longer in fair turns. Writes that take an
 * attempt a step further are counted apart from those about its pods and its progress, and the two that begin a fallback apart from both.
 */
export const MAX_WRITES = 10;
export const MAX_STEP_WRITES = 6;
export const MAX_FALLBACK_WRITES = 8;
export const MAX_READS = 4;
/** Clusters may store events separately: if requests for events hang, the others must not. */
export const MAX_EVENTS = 4;

/** Time and randomness, so that a test can control both. */
export interface Clock {
  /** Wall clock in milliseconds since the epoch, for what is stored and shown. It may be set, forwards and backwards. */
  now(): number;
  /** Monotonic clock in milliseconds since an arbitrary origin, for durations within this process. */
  steady(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /**
   * Calls `run` once after `delayMs` (capped at 2^31−1 by the implementation); the returned function cancels the call.
   * 0 ms means after everything else that is due: timers, and input that has arrived on sockets.
   */
  after(delayMs: number, run: () => void): () => void;
}

/** One change of a watched kind. `synced` replaces everything known so far; it comes first and after every relist. */
export type WatchEvent<T> =
  | { readonly type: 'synced'; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly type: 'upsert'; readonly object: T }
  | { readonly type: 'delete'; readonly object: T };

/** Every kind that the operator watches. */
export interface Watched {
  Upgrade: Upgrade;
  Deployment: WorkloadView;
  StatefulSet: WorkloadView;
  DaemonSet: WorkloadView;
  ReplicaSet: RevisionView;
  ControllerRevision: RevisionView;
  Pod: PodView;
  Node: NodeView;
}
export type WatchedKind = keyof Watched;

/** Why a watch ended or could not start: how the API server rejected it, or what happened to the stream. */
export type WatchFailure =
  | Exclude<RequestFailure['kind'], 'conflict'>
  | 'unauthorized'
  /** 410: our resource version is too old, so everything is listed again. */
  | 'expired'
  /** The stream contained something other than a watch event. */
  | 'broken'
  /** Resource versions went backwards: the server was restored from a backup, so our cache belongs to another history. */
  | 'restored'
  | 'lost'
  | 'silent';

/** State of the watch of one kind in one namespace. */
export interface WatchHealth {
  readonly kind: WatchedKind;
  /** As in RBAC and kubectl, such as `deployments.apps`. */
  readonly resource: string;
  /** Undefined for all namespaces, and for a cluster-scoped kind. */
  readonly namespace: string | undefined;
  /** The operator works without it; when it is forbidden, it is retried only rarely. */
  readonly optional: boolean;
  /** The initial list is complete. */
  readonly synced: boolean;
  readonly state: 'starting' | 'watching' | 'retrying' | 'forbidden';
  /** Time since the API server last sent an object or a bookmark, or since the start if it never did. */
  readonly silentMs: number;
  /** Time since the watch started to fail; 0 while it is healthy. */
  readonly failingMs: number;
  /** Why the last stream failed; empty while the watch is healthy. */
  readonly message: string;
}

/** Is notified about the health of watches. */
export interface WatchListener {
  /** Called for each failure. */
  failed(kind: WatchedKind, reason: WatchFailure): void;
  /** Called for each change of the state. `before` includes how long the watch had been failing. */
  changed(now: WatchHealth, before: WatchHealth): void;
}

/** Starts list-watches, which never end by themselves. Sinks only store and enqueue: they must not throw. */
export interface Watcher {
  watch<K extends WatchedKind>(kind: K, sink: (event: WatchEvent<Watched[K]>) => void): void;
}

/** Why a request failed. */
export type RequestFailure =
  /** 409: another client wrote first; read again. */
  | { readonly kind: 'conflict'; readonly message: string }
  /** 404, or a UID precondition that no longer holds. */
  | { readonly kind: 'notFound'; readonly message: string }
  /** 403 from authorization. `message` names the verb and the resource. */
  | { readonly kind: 'forbidden'; readonly message: string }
  /**
   * 400, 422: the server will never accept this request. `byAdmission`: admission rejected it, with whatever status. `tooLarge`: etcd does not store
   * an object of that size.
   */
  | {
      readonly kind: 'invalid';
      readonly message: string;
      readonly byAdmission?: true;
      readonly tooLarge?: true;
    }
  /** 429 with Retry-After. */
  | { readonly kind: 'throttled'; readonly message: string; readonly retryAfterMs: number }
  /**
   * 5xx, timeout, connection lost: the request may or may not have been carried out. `byWebhook`: the server is up, and an admission webhook
   * that the request needs is not. `tooLong`: the response is longer than this process reads.
   */
  | {
      readonly kind: 'unavailable';
      readonly message: string;
      readonly byWebhook?: true;
      readonly tooLong?: true;
    };

export type Written<T> =
  | { readonly ok: true; readonly object: T }
  | { readonly ok: false; readonly failure: RequestFailure };

/** The condition `postcheck.dev/verified` of a pod: the stored verdict, which also opens the gate. */
export interface VerifiedCondition {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: AnyReason;
  readonly message: string;
}

/** Every write that the operator makes. Each has a precondition or is idempotent by construction. */
export interface Writer {
  /** Writes `/status` of exactly this Upgrade, if its spec and status are still those of the view. Removed fields are removed. */
  patchStatus(upgrade: Upgrade, status: UpgradeStatus): Promise<Written<Upgrade>>;
  /** Writes the finalizers of exactly this Upgrade, if they and its spec and status are still those of the view. */
  patchFinalizers(upgrade: Upgrade, finalizers: readonly string[]): Promise<Written<Upgrade>>;
  /**
   * Writes container images (init containers too) and a StatefulSet's partition, if the workload's template and strategy are still those of the view,
   * as field manager `postcheck`. `purpose`: these restore what ran before a version that failed, and nothing else goes first.
   */
  patchImages(
    workload: WorkloadView,
    images: Readonly<Record<string, string>>,
    partition?: number,
    purpose?: 'fallback',
  ): Promise<Written<WorkloadView>>;
  /** Removes our managedFields entries, each of them tested. Does not change the generation. */
  releaseFields(workload: WorkloadView): Promise<Written<WorkloadView>>;
  /** Strategic merge of one pod condition, guarded by uid. */
  patchVerified(pod: PodView, condition: VerifiedCondition, at: number): Promise<Written<PodView>>;
  /** Deletes exactly this pod, guarded by uid. */
  deletePod(pod: PodView): Promise<Written<undefined>>;
  /** Records an events.k8s.io event: rate-limited, and aggregated when it repeats. Lost events are not retried. */
  recordEvent(regarding: ObjectReference, event: OperatorEvent): Promise<void>;
}

/** An object that an event regards or is related to. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface OperatorEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  /** One sentence; the implementation truncates it to 1 KiB. */
  readonly note: string;
  /** What the operator was doing, in CamelCase, such as `Rolling`, `Checking`, `FallingBack`. */
  readonly action: string;
  /** A second object, such as the workload of an Upgrade. */
  readonly related?: ObjectReference | undefined;
}

export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Limit for head and tail together; output between them is dropped as it arrives. */
  readonly maxOutputBytes: number;
}

export interface Executor {
  /** Never rejects; settles at the latest shortly after `timeoutMs`. Aborting settles as `broken`. */
  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecResult>;
}

/** A check over the network, sent from the operator and not from the node. */
export interface ProbeRequest {
  /** Exactly one of httpGet, tcpSocket and grpc is set. */
  readonly check: Check;
  readonly podIp: string;
  /** Named ports of all containers of the pod. */
  readonly ports: Readonly<Record<string, number>>;
}

export type ProbeAnswer =
  /** The application responded. `output` describes the response, and contains no body when it is bad. */
  | { readonly kind: 'answered'; readonly good: boolean; readonly output: string }
  /** No connection from here; the kubelet on the pod's node may get one. */
  | { readonly kind: 'unconnected'; readonly message: string };

export interface Prober {
  /** Never rejects; settles at the latest shortly after the check's `timeoutSeconds`. */
  probe(request: ProbeRequest, signal: AbortSignal): Promise<ProbeAnswer>;
}

/** The Prometheus server that the administrator configured. */
export interface PromQl {
  /** Evaluates an expression now. Never rejects; settles within some seconds. */
  query(expression: string, signal: AbortSignal): Promise<QueryAnswer>;
}

/** What a list of Upgrades is read for: which of them gate the pods of which workload. A whole one can be as long as etcd stores an object. */
export interface GatingUpgrade {
  readonly metadata: Pick<UpgradeMeta, 'name' | 'deletionTimestamp' | 'finalizers'>;
  readonly status?: { readonly targetUID?: string; readonly attempt?: { readonly gating: boolean } };
}

/** Reads from the API server itself, for the rare decision for which the cache may be too old. */
export interface Reader {
  /** GET of one pod: the pod, `gone` (404), or `unknown` if the API server did not respond. */
  getPod(namespace: string, name: string): Promise<PodView | 'gone' | 'unknown'>;
  /** LIST of a namespace's Upgrades, or `unknown` if the API server did not respond. */
  listUpgrades(namespace: string): Promise<readonly GatingUpgrade[] | 'unknown'>;
  /** The newest event that says why pods of the workload could not be created; also `undefined` if events may not be read. */
  failedCreate(workload: WorkloadView): Promise<WarningView | undefined>;
  /** The newest event that says why the pod does not start; also `undefined` if events may not be read. */
  failedStart(pod: PodView): Promise<WarningView | undefined>;
}

/** What adds the gate to new pods. */
export interface GateAnswer {
  readonly carrier: GateCarrier | 'None' | 'Unknown';
  /** Namespaces that it excludes. */
  readonly except?: readonly string[];
}
export interface GateProbe {
  /** GET of the policy's binding, then of the webhook's configuration; 404 or 403 means None, any other failure Unknown. */
  carrier(): Promise<GateAnswer>;
}

/** The operator's own installation, as far as an uninstall needs it. */
export interface Installation {
  /** Name of the operator's Deployment, for messages. */
  readonly deployment: string;
  /** Name of the gate policy's binding, or of the webhook's configuration, for messages. */
  readonly gatePolicyName: string;
  /** Deletes what adds the gate to new pods. Returns whether it existed. */
  unbindGate(): Promise<Written<boolean>>;
  /** Scales the operator's Deployment to zero. Returns whether it exists. */
  scaleDown(): Promise<Written<boolean>>;
  /** Whether pods of the operator exist; `unknown` if the API server did not respond. */
  isRunning(): Promise<boolean | 'unknown'>;
  /** Deletes the Secret with the webhook's certificates, which a running operator would create again. Returns whether it existed. */
  removeCertificates(): Promise<Written<boolean>>;
  /** Every Upgrade in the namespaces that the operator watches. */
  listUpgrades(): Promise<Written<readonly Upgrade[]>>;
  /** GET of a StatefulSet. */
  statefulSet(namespace: string, name: string): Promise<Written<WorkloadView>>;
  /** Every pod in the namespaces that the operator watches. */
  listPods(): Promise<Written<readonly PodView[]>>;
}

/** Identifies a workload by name, before its UID is known. */
export interface TargetKey {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

/** All ports. A class that needs some of them picks those. */
export interface Ports {
  readonly clock: Clock;
  readonly watcher: Watcher;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly executor: Executor;
  readonly prober: Prober;
  /** Absent if no Prometheus server is configured. */
  readonly promQl?: PromQl | undefined;
  readonly gateProbe: GateProbe;
  readonly telemetry: Telemetry;
  readonly tracer?: Tracer | undefined;
  readonly log: Log;
}
