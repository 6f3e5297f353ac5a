/**
 * Every reason that postcheck sets: on a condition, a pod, an attempt or an event. A reason that is not listed here does not compile.
 * The reference, the index of the runbooks and the tests are generated from these tables.
 * Two kinds of reasons are not ours: the user's (`exitCodes[].reason`) and Kubernetes' (`ErrImagePull`, `CrashLoopBackOff`).
 */
import { cut } from './cut.ts';

export interface ReasonInfo {
  /** One line. */
  readonly meaning: string;
  /** Page in docs/runbooks, for a reason that needs action. */
  readonly runbook?: string;
}
type Table = Readonly<Record<string, ReasonInfo>>;

/** Reasons of the conditions Ready and Stalled when the Upgrade cannot act. */
export const OBSTACLE_REASONS = {
  TargetNotFound: { meaning: 'the workload does not exist', runbook: 'TargetNotFound' },
  WorkloadTooLong: {
    meaning: 'the containers or the pod template of the workload are too long to be kept',
    runbook: 'WorkloadTooLong',
  },
  ContainerNotFound: { meaning: 'the workload has no such container', runbook: 'ContainerNotFound' },
  InvalidCheckContainer: {
    meaning: 'a check names a container that it cannot run in',
    runbook: 'InvalidCheckContainer',
  },
  TargetClaimed: { meaning: 'another Upgrade acts on the workload', runbook: 'TargetClaimed' },
  WorkloadPaused: { meaning: 'the Deployment is paused', runbook: 'WorkloadPaused' },
  PartitionSet: {
    meaning: "the user's partition keeps pods on their current version",
    runbook: 'PartitionSet',
  },
  StagesUnsupported: {
    meaning: 'the workload does not support stages',
    runbook: 'StagesUnsupported',
  },
  TimeZoneUnknown: {
    meaning: 'a window names a time zone that does not exist',
    runbook: 'TimeZoneUnknown',
  },
  PrometheusMissing: {
    meaning: '`postCheck.rolloutChecks` is set, but no Prometheus is configured',
    runbook: 'PrometheusMissing',
  },
  DependencyNotFound: {
    meaning: '`spec.dependsOn` names an Upgrade that does not exist',
    runbook: 'DependencyNotFound',
  },
  DependencyCycle: {
    meaning: '`spec.dependsOn` has a cycle',
    runbook: 'DependencyCycle',
  },
  ScopeUnsupported: {
    meaning: 'the workload does not support rolling back only the failed pods',
    runbook: 'ScopeUnsupported',
  },
  ImagesTooLong: {
    meaning: 'the image references are longer than the status has room for',
    runbook: 'ImagesTooLong',
  },
  GateUnavailable: {
    meaning: 'neither policy nor webhook adds gates to pods here',
    runbook: 'GateUnavailable',
  },
  Forbidden: { meaning: 'the operator lacks permission for a write', runbook: 'Forbidden' },
  Refused: { meaning: 'the API server rejects a write', runbook: 'Refused' },
  StatusRefused: {
    meaning: 'the API server rejects the status, but accepts a shorter one',
    runbook: 'Refused',
  },
  NoEffect: { meaning: 'a write is accepted but has no effect', runbook: 'NoEffect' },
  Paused: { meaning: '`spec.paused` is true', runbook: 'Paused' },
} as const satisfies Table;
export type ObstacleReason = keyof typeof OBSTACLE_REASONS | 'ImageRewritten';

/** How an attempt ended, where the reason is not that of a pod. */
export const END_REASONS = {
  PostCheckPassed: { meaning: 'every pod passed' },
  ReadinessOnly: {
    meaning: 'every pod passed by readiness alone, because `checks` is empty or its command is in no image',
  },
  AllSkipped: {
    meaning: 'every check was skipped, so nothing confirms that the version works',
    runbook: 'AllSkipped',
  },
  FallbackPaused: {
    meaning: 'failed, and left in place behind closed gates, because `fallback.action` is Pause',
    runbook: 'FallbackPaused',
  },
  FallbackDisabled: {
    meaning: 'failed, and not rolled back, because `fallback.action` is None',
    runbook: 'FallbackDisabled',
  },
  NoFallbackTarget: {
    meaning: 'failed, and there is no previous version',
    runbook: 'NoFallbackTarget',
  },
  ImageConflict: {
    meaning: 'another client changed the image during the attempt',
    runbook: 'ImageConflict',
  },
  ImageRewritten: {
    meaning: 'an admission plugin restored the previous image, so nothing was upgraded',
    runbook: 'ImageRewritten',
  },
  Drifted: { meaning: 'another client changed the image after the attempt', runbook: 'Drifted' },
  Aborted: {
    meaning: 'ended by `postcheck.dev/abort`, or by another client that set the previous image again',
    runbook: 'Aborted',
  },
  BaselineFailed: {
    meaning:
      'the previous version fails the checks, and `preCheck.baseline` is RequirePass: nothing was upgraded',
    runbook: 'BaselineFailed',
  },
  PodsRefused: {
    meaning: 'the API server rejects the pods of the new version',
    runbook: 'PodsRefused',
  },
  RolloutCheckFailed: {
    meaning: 'a check of the rollout as a whole failed',
    runbook: 'RolloutCheckFailed',
  },
  NoProgress: { meaning: 'no further pod was updated or passed in time', runbook: 'NoProgress' },
  Superseded: { meaning: 'another attempt took over' },
  TargetReplaced: { meaning: 'the workload was replaced by another one with the same name' },
} as const satisfies Table;
export type EndReason = keyof typeof END_REASONS;

/** Reasons of a pod. */
export const POD_REASONS = {
  Passed: { meaning: 'this check passed' },
  ProbeFailed: {
    meaning: "the application's own exit code, or a failing response over the network",
    runbook: 'ProbeFailed',
  },
  StartServiceNotDone: {
    meaning: "supervisord's `start` has not succeeded",
    runbook: 'StartServiceNotDone',
  },
  ProbeHookCrashed: { meaning: 'the readiness hook crashed', runbook: 'ProbeHookCrashed' },
  ProbeHookTimedOut: { meaning: 'the readiness hook exceeded its time limit', runbook: 'ProbeHookCrashed' },
  ProbeHookBrokeContract: {
    meaning: 'the readiness hook returned a reserved code',
    runbook: 'ProbeHookCrashed',
  },
  ProbeHookNotRunnable: { meaning: 'the readiness hook cannot be run', runbook: 'ProbeHookCrashed' },
  ProbeInternalError: { meaning: 'the readiness script itself failed', runbook: 'ProbeHookCrashed' },
  ProbeKilled: { meaning: 'the command was killed by a signal', runbook: 'ProbeKilled' },
  ProbeTimedOut: { meaning: 'the command exceeded its time limit', runbook: 'ProbeTimedOut' },
  ProbeUnconnected: {
    meaning: 'the connection failed, and the pod is not Ready',
    runbook: 'ProbeUnconnected',
  },
  CommandMissing: { meaning: 'the image has no such command', runbook: 'CommandMissing' },
  CommandNotRunnable: { meaning: 'the command exists but cannot be run', runbook: 'CommandNotRunnable' },
  NoCheckRan: {
    meaning: 'neither this version nor the previous one has the command, so readiness decides',
  },
  TooManyRestarts: { meaning: 'containers restarted too often', runbook: 'TooManyRestarts' },
  NotReady: { meaning: 'not ready', runbook: 'NotReady' },
  Initializing: { meaning: 'an init container has not ended', runbook: 'NotReady' },
  NotStarted: { meaning: 'a container has not started; of a condition: no attempt yet', runbook: 'NotReady' },
  MinReadySeconds: { meaning: 'ready, but not for long enough yet', runbook: 'NotReady' },
  NoEvidence: { meaning: 'the probe returned no result', runbook: 'Inconclusive' },
  NotProbedYet: { meaning: 'not probed yet', runbook: 'Inconclusive' },
  InconclusiveAtDeadline: {
    meaning: 'no probe returned a result until the deadline, and `onInconclusive` is Fallback',
    runbook: 'Inconclusive',
  },
  NodeUnreachable: { meaning: 'no evidence: its node is not Ready', runbook: 'NodeUnreachable' },
  Unschedulable: { meaning: 'no evidence: no node can run it', runbook: 'Unschedulable' },
  PodEnded: {
    meaning:
      'no evidence: its node evicted the pod or did not admit it, and its controller creates another one',
    runbook: 'PodEnded',
  },
  PodTerminating: {
    meaning: 'no evidence: an earlier pod does not end, so no new one is created in its place',
    runbook: 'PodTerminating',
  },
  ImageChanged: {
    meaning: 'no evidence: an image of the pod is not the one that its workload set',
    runbook: 'ImageChanged',
  },
  ForeignPod: {
    meaning: 'no evidence: the pod has the labels of the version, but was not created from its template',
    runbook: 'ImageChanged',
  },
} as const satisfies Table;
export type PodReason = keyof typeof POD_REASONS;

/** Reasons of conditions that need no action, and of a missed gate. */
export const CONDITION_REASONS = {
  InProgress: { meaning: 'in progress' },
  WindowClosed: { meaning: 'an attempt, or its next stage, waits for one of `spec.windows`' },
  DependencyNotReady: {
    meaning: 'an attempt waits until the Upgrades in `spec.dependsOn` have succeeded for their current spec',
  },
  Queued: {
    meaning:
      'an attempt waits for its turn: many are to start at once, and those under way are finished first',
  },
  NoPods: {
    meaning: 'the workload has 0 replicas: the attempt waits for pods to verify',
    runbook: 'NoPods',
  },
  PostCheckChanged: {
    meaning: '`spec.postCheck` was changed after the verification',
    runbook: 'PostCheckChanged',
  },
  NotNeeded: { meaning: 'no fallback' },
  Verified: { meaning: 'the fallback was verified' },
  Unverified: {
    meaning: 'the fallback was not verified: `fallback.verify` is false, or the workload has 0 replicas',
  },
  GatePolicyApplied: { meaning: 'new pods get no traffic before they are verified (admission policy)' },
  GateWebhookApplied: { meaning: 'new pods get no traffic before they are verified (webhook)' },
  GateDisabled: { meaning: '`spec.gate` is Disabled' },
  GateMissed: { meaning: 'a pod was created without the gate', runbook: 'GateMissed' },
  NotGating: { meaning: 'the attempt has ended: no pod is gated' },
  Adopted: { meaning: 'the workload already ran these images: its pods are not gated' },
  ReportOnly: { meaning: 'of a pod: its gate was opened because `fallback.action` is None' },
  NoAttempt: { meaning: 'of a pod: its gate was opened because no attempt needs it' },
  Uninstalled: { meaning: 'of a pod: its gate was opened because postcheck was uninstalled' },
} as const satisfies Table;
export type ConditionReason = keyof typeof CONDITION_REASONS;

/** Reasons of events. */
export const EVENT_REASONS = {
  UpgradeStarted: { meaning: 'an attempt started' },
  CommandIgnored: {
    meaning: 'an annotation such as `postcheck.dev/retry` was set, but had no effect',
  },
  CommandAccepted: { meaning: 'an annotation such as `postcheck.dev/abort` took effect' },
  StageStarted: { meaning: 'a stage of the attempt started' },
  StageVerified: { meaning: 'every pod of a stage is verified' },
  AwaitingApproval: { meaning: 'a stage waits for `postcheck.dev/approve`' },
  Resumed: { meaning: '`spec.paused` is false again: the attempt continues' },
  StuckPodDeleted: { meaning: 'a broken pod that blocked a StatefulSet was deleted' },
  PostCheckFailed: { meaning: 'the new version failed' },
  FallbackStarted: { meaning: 'the previous images are being restored' },
  FallbackVerified: { meaning: 'the previous version runs again and was verified' },
  PodFellBack: { meaning: 'a failed pod was rolled back individually and runs the previous version' },
  Stalled: { meaning: 'the Upgrade cannot act until the problem in the note is fixed' },
  StartupProbe: { meaning: 'a startup probe may hide a failure from the post-check' },
} as const satisfies Table;
export type EventReason =
  | keyof typeof EVENT_REASONS
  | (typeof NOT_OF_THE_VERSION)[number]
  | 'PostCheckPassed'
  | 'NoCheckRan'
  | 'WindowClosed'
  | 'DependencyNotReady'
  | 'PartitionSet'
  | 'Paused'
  | 'Drifted'
  | 'FellBack'
  | 'Partial'
  | 'GateMissed'
  | 'Inconclusive'
  | 'FallbackFailed';

/** Phases that are also the reason of a condition and have a runbook. */
export const PHASE_REASONS = {
  Inconclusive: { meaning: 'pods cannot be probed; nothing is decided', runbook: 'Inconclusive' },
  Partial: { meaning: 'the new version is verified, except on pods that failed', runbook: 'Partial' },
  FellBack: { meaning: 'the previous version runs again', runbook: 'FellBack' },
  FallbackFailed: { meaning: 'neither version could be verified', runbook: 'FallbackFailed' },
} as const satisfies Table;

export const REASONS = {
  ...OBSTACLE_REASONS,
  ...END_REASONS,
  ...POD_REASONS,
  ...CONDITION_REASONS,
  ...EVENT_REASONS,
  ...PHASE_REASONS,
} as const;
/** Why an attempt or its fallback ended that nothing in the new version caused: somebody else did, or it was never rolled. */
export const NOT_OF_THE_VERSION = [
  'Aborted',
  'BaselineFailed',
  'ImageConflict',
  'ImageRewritten',
  'TargetNotFound',
] as const satisfies readonly (keyof typeof REASONS)[];

/** Reasons that `exitCodes[].reason` must not be: decisions depend on them. `ProbeFailed` is its default. */
export const RESERVED_REASONS: readonly string[] = Object.keys(REASONS).filter(
  (reason) => reason !== 'ProbeFailed',
);

/** One of postcheck's own reasons. */
export type Reason = keyof typeof REASONS;

/** Reasons of the kubelet that waiting does not fix, with the time until they fail the pod, in seconds. */
export const TERMINAL_REASONS = {
  ErrImageNeverPull: { afterSeconds: 0, runbook: 'ErrImagePull' },
  InvalidImageName: { afterSeconds: 0, runbook: 'ErrImagePull' },
  CreateContainerConfigError: { afterSeconds: 30, runbook: 'CreateContainerConfigError' },
  CreateContainerError: { afterSeconds: 30, runbook: 'CreateContainerConfigError' },
  RunContainerError: { afterSeconds: 30, runbook: 'CreateContainerConfigError' },
  ErrImagePull: { afterSeconds: 60, runbook: 'ErrImagePull' },
  ImagePullBackOff: { afterSeconds: 60, runbook: 'ErrImagePull' },
} as const satisfies Readonly<Record<string, { afterSeconds: number; runbook: string }>>;

declare const foreign: unique symbol;
/** Kubernetes' own reason: why a container waits or ended, or why a pod is not scheduled. */
export type KubernetesReason = string & { readonly [foreign]: 'Kubernetes' };
/** The user's own reason: `exitCodes[].reason`. */
export type UserReason = string & { readonly [foreign]: 'user' };
export type AnyReason = Reason | KubernetesReason | UserReason;

/** A reason that was read from an object of Kubernetes. */
export const kubernetesReason = (word: string): KubernetesReason => cut(word, 64) as KubernetesReason;
/** A reason that the user gave to an exit code. */
export const userReason = (word: string): UserReason => word as UserReason;

/** Is `reason` one of these? A misspelt one does not compile, as it would with `===`. */
export const isReason = (reason: string | undefined, ...words: readonly Reason[]): boolean =>
  words.some((word) => word === reason);

/** Returns the first of these reasons that speaks neither for nor against the version; `undefined` if its pods were the reason. */
export const notOfTheVersion = (
  ...reasons: readonly (string | undefined)[]
): (typeof NOT_OF_THE_VERSION)[number] | undefined =>
  reasons.flatMap((reason) => NOT_OF_THE_VERSION.filter((word) => word === reason))[0];
