/**
 * The doors between decisions and the world. Shells implement them against a cluster; the simulation implements them in virtual time.
 * Data crosses as plain frozen JSON. No method here throws for an expected outcome: refusals are values.
 */
import type {
  CheckType,
  Class,
  FallbackResult,
  GateCarrier,
  GateOpenReason,
  Outcome,
  WaitReason,
} from '../api/enums.ts';
import type { AnyReason, EventReason } from '../api/reasons.ts';
import type { Check, Upgrade, UpgradeStatus } from '../api/types.ts';
import type {
  NodeView,
  PodView,
  RevisionView,
  WarningView,
  WorkloadKind,
  WorkloadView,
} from '../api/views.ts';
import type { UpgradeFacts } from '../core/report/facts.ts';
import type { Span } from '../core/report/spans.ts';
import type { QueryAnswer } from '../core/rollout/rollout-checks.ts';
import type { ExecResult } from '../core/verification/exec-result.ts';

export type { ExecResult, QueryAnswer, Span, UpgradeFacts };

/** Time and chance, so that a test can own both. */
export interface Clock {
  /** Milliseconds since the epoch, for what is stored and shown. Somebody may set it, forwards and backwards. */
  now(): number;
  /** Milliseconds since any origin, for spans within this process. Nobody can set it. */
  steady(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /**
   * Calls back once after `delayMs` (capped at 2^31−1 by the implementation); the returned function cancels.
   * After 0 ms means after everything else that is due: timers, and what has arrived on sockets.
   */
  after(delayMs: number, run: () => void): () => void;
}

/** One change of a watched kind. `synced` replaces all that was known; it comes first and after every relist. */
export type WatchEvent<T> =
  | { readonly type: 'synced'; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly type: 'upsert'; readonly object: T }
  | { readonly type: 'delete'; readonly object: T };

/** Everything the operator watches. `Pod`, `Revision` and `Workload` hold three kinds each in the cluster's terms. */
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

/** Why a watch ended, or could not be begun: how the API server refused it, or what happened to the stream. */
export type WatchFailure =
  | Exclude<RequestFailure['kind'], 'conflict'>
  | 'unauthorized'
  /** What we knew is too old (410): everything is read again. */
  | 'expired'
  /** Something that is no watch event. */
  | 'broken'
  /** The server's versions went back: it was restored from a backup, and all that we know is of another history. */
  | 'restored'
  | 'lost'
  | 'silent';

/** How the watch of one kind in one namespace does. */
export interface WatchHealth {
  readonly kind: WatchedKind;
  /** As RBAC and kubectl name it, such as `deployments.apps`. */
  readonly resource: string;
  /** Undefined: all namespaces, or a kind without. */
  readonly namespace: string | undefined;
  /** One can do without it, and it is asked for only now and then when it is refused. */
  readonly optional: boolean;
  /** Everything that existed has been read once. */
  readonly synced: boolean;
  readonly state: 'starting' | 'watching' | 'retrying' | 'forbidden';
  /** Since the API server last sent an object or a bookmark; from the start on when it never did. */
  readonly silentMs: number;
  /** Since the watch stopped being well; 0 while it is. */
  readonly failingMs: number;
  /** Why the last stream ended badly; empty while all is well. */
  readonly message: string;
}

/** What a watch tells when something becomes of it. */
export interface WatchListener {
  /** Each failure. */
  failed(kind: WatchedKind, reason: WatchFailure): void;
  /** Each change of the state. `before` is what was, with how long it had been failing. */
  changed(now: WatchHealth, before: WatchHealth): void;
}

/** Starts the list-watches; each never ends by itself. Sinks only store and enqueue: they must not throw. */
export interface Watcher {
  watch<K extends WatchedKind>(kind: K, sink: (event: WatchEvent<Watched[K]>) => void): void;
}

/** Why a request did not do what it should. */
export type RequestFailure =
  /** 409: somebody else wrote first; read again. */
  | { readonly kind: 'conflict'; readonly message: string }
  /** 404, or a UID precondition that no longer holds. */
  | { readonly kind: 'notFound'; readonly message: string }
  /** 403. `message` names verb and resource. */
  | { readonly kind: 'forbidden'; readonly message: string }
  /** 400, 422: the server will never take it as it is. */
  | { readonly kind: 'invalid'; readonly message: string }
  /** 429 with Retry-After. */
  | { readonly kind: 'throttled'; readonly message: string; readonly retryAfterMs: number }
  /** 5xx, time-out, connection lost: it may or may not have been done. */
  | { readonly kind: 'unavailable'; readonly message: string };

export type Written<T> =
  | { readonly ok: true; readonly object: T }
  | { readonly ok: false; readonly failure: RequestFailure };

/** Condition `postcheck.dev/verified` on a pod: the stored verdict, and the gate's key. */
export interface VerifiedCondition {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: AnyReason;
  readonly message: string;
}

/** Every write the operator makes. Each carries a precondition or is idempotent by construction. */
export interface Writer {
  /** Merge patch of `/status` with the Upgrade's uid and resourceVersion. Removed fields are sent as null. */
  patchStatus(upgrade: Upgrade, status: UpgradeStatus): Promise<Written<Upgrade>>;
  /** Merge patch of the finalizers, with the Upgrade's uid and resourceVersion. */
  patchFinalizers(upgrade: Upgrade, finalizers: readonly string[]): Promise<Written<Upgrade>>;
  /**
   * Strategic merge of container images (init containers too), and of a StatefulSet's partition, with the view's uid and
   * resourceVersion, field manager `postcheck`.
   */
  patchImages(
    workload: WorkloadView,
    images: Readonly<Record<string, string>>,
    partition?: number,
  ): Promise<Written<WorkloadView>>;
  /** Drops our managedFields entries, guarded by resourceVersion. Does not bump the generation. */
  releaseFields(workload: WorkloadView): Promise<Written<WorkloadView>>;
  /** Strategic merge of one pod condition, guarded by uid. */
  patchVerified(pod: PodView, condition: VerifiedCondition, at: number): Promise<Written<PodView>>;
  /** Deletes exactly this pod, guarded by uid. */
  deletePod(pod: PodView): Promise<Written<undefined>>;
  /** An events.k8s.io event about an object: few of each, joined when they repeat. Lost events are not retried. */
  recordEvent(regarding: ObjectReference, event: OperatorEvent): Promise<void>;
}

/** An object that an event is about, or that it has to do with. */
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
  /** One sentence; the shell cuts it to 1 KiB. */
  readonly note: string;
  /** What the operator was doing: CamelCase verb, e.g. `Rolling`, `Checking`, `FallingBack`. */
  readonly action: string;
  /** Another object that it has to do with, such as the workload of an Upgrade. */
  readonly related?: ObjectReference | undefined;
}

export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly timeoutMs: number;
  /** Kept of head and tail together; what lies between is dropped as it arrives. */
  readonly maxOutputBytes: number;
}

export interface Executor {
  /** Never rejects; settles at the latest shortly after `timeoutMs`. Aborting settles as `broken`. */
  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecResult>;
}

/** A check over the network, asked from the operator and not from the node. */
export interface ProbeRequest {
  /** Exactly one of httpGet, tcpSocket and grpc is set. */
  readonly check: Check;
  readonly podIp: string;
  /** Named container ports of the whole pod. */
  readonly ports: Readonly<Record<string, number>>;
}

export type ProbeAnswer =
  /** The application answered; `output` says what, never a body when it is bad. */
  | { readonly kind: 'answered'; readonly good: boolean; readonly output: string }
  /** No connection from here; the kubelet on the pod's node may see it otherwise. */
  | { readonly kind: 'unconnected'; readonly message: string };

export interface Prober {
  /** Never rejects; settles at the latest shortly after the check's `timeoutSeconds`. */
  probe(request: ProbeRequest, signal: AbortSignal): Promise<ProbeAnswer>;
}

/** The administrator's Prometheus. */
export interface PromQl {
  /** The values of an expression at this moment. Never rejects; settles within some seconds. */
  query(expression: string, signal: AbortSignal): Promise<QueryAnswer>;
}

/** One fresh look, for the rare answer that the watch may lag behind. */
export interface Reader {
  /** GET of one pod: the pod, `gone` (404), or `unknown` when the API server did not answer. */
  getPod(namespace: string, name: string): Promise<PodView | 'gone' | 'unknown'>;
  /** LIST of a namespace's Upgrades, or `unknown` when the API server did not answer. */
  listUpgrades(namespace: string): Promise<readonly Upgrade[] | 'unknown'>;
  /** The newest event that says that pods of the workload could not be made; `undefined` also when events may not be read. */
  failedCreate(workload: WorkloadView): Promise<WarningView | undefined>;
  /** The newest event that says why the pod is not started; `undefined` also when events may not be read. */
  failedStart(pod: PodView): Promise<WarningView | undefined>;
}

/** What puts gates on new pods. */
export interface GateAnswer {
  readonly carrier: GateCarrier | 'None' | 'Unknown';
  /** Namespaces in which it does not. */
  readonly except?: readonly string[];
}
export interface GateProbe {
  /** GET of the policy's binding, then of the webhook's configuration; 404 or 403 is None, anything else that fails Unknown. */
  carrier(): Promise<GateAnswer>;
}

/** The operator's own installation, as far as taking it away needs it. */
export interface Installation {
  /** The operator's Deployment, for sentences. */
  readonly deployment: string;
  /** The gate policy's binding, or the webhook's configuration, for sentences. */
  readonly gatePolicyName: string;
  /** Deletes what puts the gate on; was there something? */
  unbindGate(): Promise<Written<boolean>>;
  /** Scales the operator's Deployment to zero; is there one? */
  scaleDown(): Promise<Written<boolean>>;
  /** Are pods of the operator there? `unknown` when the API server did not answer. */
  isRunning(): Promise<boolean | 'unknown'>;
  /** Deletes the Secret of the webhook's certificates, which an operator that runs would make anew; was there one? */
  removeCertificates(): Promise<Written<boolean>>;
  /** Every Upgrade in the namespaces that the operator watches. */
  listUpgrades(): Promise<Written<readonly Upgrade[]>>;
  /** As the API server has it now. */
  statefulSet(namespace: string, name: string): Promise<Written<WorkloadView>>;
  /** Every pod in them. */
  listPods(): Promise<Written<readonly PodView[]>>;
}

/** Identifies a workload by name, before its UID is known. */
export interface TargetKey {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
}

/** Every door there is; who needs some of them picks those. */
export interface Ports {
  readonly clock: Clock;
  readonly watcher: Watcher;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly executor: Executor;
  readonly prober: Prober;
  /** Absent where none is named. */
  readonly promQl?: PromQl | undefined;
  readonly gateProbe: GateProbe;
  readonly telemetry: Telemetry;
  readonly tracer?: Tracer | undefined;
  readonly log: Log;
}

// Telemetry: what the operator tells about itself. None of these methods throws or waits.

/** Why work on an Upgrade was slowed. */
export type BrakeReason = 'rate' | 'no_effect' | 'spinning';
/** What went wrong: a request that was not done, or a bug of ours. Checks without an answer count as tries of the class Error. */
export type ErrorCause = RequestFailure['kind'] | 'bug';

/** Counts for `/metrics`. A completion is told only after the status that says so is stored. Durations are in seconds. */
export interface Telemetry {
  /** What an Upgrade's status says, at every look and every change; `undefined` when the Upgrade is gone. */
  upgradeSeen(namespace: string, name: string, facts: UpgradeFacts | undefined): void;
  attemptEnded(kind: WorkloadKind, outcome: Outcome, seconds: number): void;
  /** One try of one check. `exitCode` is undefined when there is none. */
  tried(type: CheckType, result: Class, exitCode: number | undefined, seconds: number): void;
  /** From the evidence to the first write of the fallback. */
  fallbackStarted(seconds: number): void;
  fallbackEnded(kind: WorkloadKind, result: FallbackResult): void;
  /** An attempt, or its next stage, has waited for something that is no lack of progress. */
  waitEnded(reason: WaitReason, seconds: number): void;
  gateOpened(reason: GateOpenReason): void;
  failed(cause: ErrorCause): void;
  /** Work on a key was slowed: too many writes, a write that changed nothing, or turns without end. */
  braked(reason: BrakeReason): void;
  execsInFlight(count: number): void;
  /** How long a try waited for its turn. */
  execWaited(seconds: number): void;
  leading(isLeader: boolean): void;
  readonly queue: QueueTelemetry;
}

/** What the gate's webhook answered about a new pod. */
export type WebhookOutcome = 'gated' | 'ungated' | 'not_ready' | 'invalid';

export interface WebhookTelemetry {
  answered(outcome: WebhookOutcome, seconds: number): void;
  /** The certificate, as PEM, that is shown to whoever calls from now on. */
  serves(certificate: string): void;
}

/** Takes spans of what has ended, for an OpenTelemetry collector. Absent where nobody wants any. */
export interface Tracer {
  ended(span: Span): void;
}

/** The work queue, under the names that client-go gives its queues. */
export interface QueueTelemetry {
  depth(items: number): void;
  added(): void;
  retried(): void;
  /** From being added to being taken. */
  waited(seconds: number): void;
  worked(seconds: number): void;
}

/** Lower-camel names; short values, never a whole object, body or header. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The message is a sentence for people; what one searches for is in the fields. An `error` is something a person may need to act on. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log that adds these fields to every line. */
  with(fields: LogFields): Log;
}
