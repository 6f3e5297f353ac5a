/**
 * Every reason that postcheck gives: on a condition, a pod, an attempt or an event. A word that stands here nowhere does not compile.
 * The reference, the index of the runbooks and the tests are made from these tables.
 * Two kinds of reasons are not ours: the user's (`exitCodes[].reason`) and Kubernetes' (`ErrImagePull`, `CrashLoopBackOff`).
 */
import { cut } from './cut.ts';

export interface ReasonInfo {
  /** One line: what it tells. */
  readonly meaning: string;
  /** Page in docs/runbooks, for a reason that asks something of a person. */
  readonly runbook?: string;
}
type Table = Readonly<Record<string, ReasonInfo>>;

/** It cannot act: of the conditions Ready and Stalled. */
export const OBSTACLE_REASONS = {
  TargetNotFound: { meaning: 'the workload does not exist', runbook: 'TargetNotFound' },
  ContainerNotFound: { meaning: 'the workload has no such container', runbook: 'ContainerNotFound' },
  InvalidCheckContainer: {
    meaning: 'a check names a container that it cannot run in',
    runbook: 'InvalidCheckContainer',
  },
  TargetClaimed: { meaning: 'another Upgrade acts on the workload', runbook: 'TargetClaimed' },
  WorkloadPaused: { meaning: 'the Deployment is paused', runbook: 'WorkloadPaused' },
  PartitionSet: {
    meaning: 'the partition that the user set keeps pods on the version that they run',
    runbook: 'PartitionSet',
  },
  StagesUnsupported: {
    meaning: 'the workload cannot be held at a stage',
    runbook: 'StagesUnsupported',
  },
  TimeZoneUnknown: {
    meaning: 'a window names a time zone that does not exist',
    runbook: 'TimeZoneUnknown',
  },
  PrometheusMissing: {
    meaning: '`postCheck.rolloutChecks` has nobody to ask',
    runbook: 'PrometheusMissing',
  },
  DependencyNotFound: {
    meaning: '`spec.dependsOn` names an Upgrade that does not exist',
    runbook: 'DependencyNotFound',
  },
  DependencyCycle: {
    meaning: '`spec.dependsOn` goes in a circle',
    runbook: 'DependencyCycle',
  },
  ScopeUnsupported: {
    meaning: 'the failed pods alone cannot be put back',
    runbook: 'ScopeUnsupported',
  },
  ImagesTooLong: {
    meaning: 'the names of the images are longer than a status has room for',
    runbook: 'ImagesTooLong',
  },
  GateUnavailable: { meaning: 'nothing puts gates on pods here', runbook: 'GateUnavailable' },
  Forbidden: { meaning: 'the API server does not allow a write', runbook: 'Forbidden' },
  Refused: { meaning: 'the API server refuses a write as it is', runbook: 'Refused' },
  StatusRefused: {
    meaning: 'the API server refuses the status, and takes a shorter one',
    runbook: 'Refused',
  },
  NoEffect: { meaning: 'a write is accepted and comes to nothing', runbook: 'NoEffect' },
  Paused: { meaning: '`spec.paused` is true', runbook: 'Paused' },
} as const satisfies Table;
export type ObstacleReason = keyof typeof OBSTACLE_REASONS | 'ImageRewritten';

/** How an attempt ended, where the reason is not that of a pod. */
export const END_REASONS = {
  PostCheckPassed: { meaning: 'every pod passed' },
  ReadinessOnly: { meaning: 'every pod passed, by readiness alone, as `checks` is empty' },
  AllSkipped: {
    meaning: 'every check said that there is nothing to check: nobody could say that it works',
    runbook: 'AllSkipped',
  },
  FallbackPaused: {
    meaning: 'failed, and left as it is behind closed gates, as `fallback.action` is Pause',
    runbook: 'FallbackPaused',
  },
  FallbackDisabled: {
    meaning: 'failed, and not rolled back, as `fallback.action` is None',
    runbook: 'FallbackDisabled',
  },
  NoFallbackTarget: {
    meaning: 'failed, and no other version ran before',
    runbook: 'NoFallbackTarget',
  },
  ImageConflict: {
    meaning: 'somebody else changed the image during the attempt',
    runbook: 'ImageConflict',
  },
  ImageRewritten: {
    meaning: 'admission set the image of before again: nothing was upgraded',
    runbook: 'ImageRewritten',
  },
  Drifted: { meaning: 'somebody else changed the image after the end', runbook: 'Drifted' },
  Aborted: { meaning: 'ended by `postcheck.dev/abort`', runbook: 'Aborted' },
  PodsRefused: {
    meaning: 'the API server refuses the pods of the new version',
    runbook: 'PodsRefused',
  },
  RolloutCheckFailed: {
    meaning: 'a check of the rollout as a whole speaks against the new version',
    runbook: 'RolloutCheckFailed',
  },
  NoProgress: { meaning: 'no further pod was updated or passed in time', runbook: 'NoProgress' },
  Superseded: { meaning: 'another attempt took over' },
  TargetReplaced: { meaning: 'the workload was replaced by another one of the same name' },
} as const satisfies Table;
export type EndReason = keyof typeof END_REASONS;

/** What is the matter with a pod. */
export const POD_REASONS = {
  Passed: { meaning: 'this check passed' },
  ProbeFailed: {
    meaning: "the application's own exit code, or a bad answer over the network",
    runbook: 'ProbeFailed',
  },
  StartServiceNotDone: {
    meaning: "supervisord's `start` has not ended well",
    runbook: 'StartServiceNotDone',
  },
  ProbeHookCrashed: { meaning: 'the readiness hook crashed', runbook: 'ProbeHookCrashed' },
  ProbeHookTimedOut: { meaning: 'the readiness hook ran past its limit', runbook: 'ProbeHookCrashed' },
  ProbeHookBrokeContract: {
    meaning: 'the readiness hook returned a reserved code',
    runbook: 'ProbeHookCrashed',
  },
  ProbeHookNotRunnable: { meaning: 'the readiness hook cannot be run', runbook: 'ProbeHookCrashed' },
  ProbeInternalError: { meaning: 'the readiness script cannot work', runbook: 'ProbeHookCrashed' },
  ProbeKilled: { meaning: 'the command was killed by a signal', runbook: 'ProbeKilled' },
  ProbeTimedOut: { meaning: 'the command does not end', runbook: 'ProbeTimedOut' },
  ProbeUnconnected: { meaning: 'nobody listens', runbook: 'ProbeUnconnected' },
  CommandMissing: { meaning: 'the image has no such command', runbook: 'CommandMissing' },
  CommandNotRunnable: { meaning: 'the command is there and cannot be run', runbook: 'CommandNotRunnable' },
  NothingAsked: {
    meaning: 'neither this version nor the one before has the command: readiness decides',
  },
  TooManyRestarts: { meaning: 'containers restart again and again', runbook: 'TooManyRestarts' },
  NotReady: { meaning: 'not ready', runbook: 'NotReady' },
  Initializing: { meaning: 'an init container has not ended', runbook: 'NotReady' },
  NotStarted: { meaning: 'a container has not started; of a condition: no attempt yet', runbook: 'NotReady' },
  MinReadySeconds: { meaning: 'ready, but not for long enough yet', runbook: 'NotReady' },
  NoEvidence: { meaning: 'nobody answered', runbook: 'Inconclusive' },
  NotProbedYet: { meaning: 'not probed yet', runbook: 'Inconclusive' },
  InconclusiveAtDeadline: {
    meaning: 'nobody answered until the deadline, and `onInconclusive` is Fallback',
    runbook: 'Inconclusive',
  },
  NodeUnreachable: { meaning: 'no evidence: its node is not Ready', runbook: 'NodeUnreachable' },
  Unschedulable: { meaning: 'no evidence: no node takes it', runbook: 'Unschedulable' },
  ImageChanged: {
    meaning: 'no evidence: an image of the pod is not the one that its workload set',
    runbook: 'ImageChanged',
  },
} as const satisfies Table;
export type PodReason = keyof typeof POD_REASONS;

/** Conditions that ask nothing of anybody, and the gate that was missed. */
export const CONDITION_REASONS = {
  InProgress: { meaning: 'under way' },
  WindowClosed: { meaning: 'an attempt, or its next stage, waits for one of `spec.windows`' },
  DependencyNotReady: {
    meaning: 'an attempt waits until the Upgrades in `spec.dependsOn` have succeeded for their present spec',
  },
  NoPods: {
    meaning: 'the workload wants 0 pods: the attempt waits for some to verify',
    runbook: 'NoPods',
  },
  PostCheckChanged: {
    meaning: '`spec.postCheck` asks another question than the one that was answered',
    runbook: 'PostCheckChanged',
  },
  NotNeeded: { meaning: 'no fallback' },
  Verified: { meaning: 'the fallback was verified' },
  Unverified: { meaning: 'the fallback was not verified: `fallback.verify` is false, or no pods are wanted' },
  GatePolicyApplied: { meaning: 'new pods get no traffic before they have passed, by the admission policy' },
  GateWebhookApplied: { meaning: 'the same, by the webhook' },
  GateDisabled: { meaning: '`spec.gate` is Disabled' },
  GateMissed: { meaning: 'a pod came without the gate', runbook: 'GateMissed' },
  NotGating: { meaning: 'the attempt has ended: no pod is gated' },
  Adopted: { meaning: 'the workload ran these images already: its pods are not gated' },
  ReportOnly: { meaning: 'of a pod: its gate was opened, as `fallback.action` is None' },
  NoAttempt: { meaning: 'of a pod: its gate was opened, as nobody waits for it' },
  Uninstalled: { meaning: 'of a pod: its gate was opened, as postcheck was uninstalled' },
} as const satisfies Table;
export type ConditionReason = keyof typeof CONDITION_REASONS;

/** Events on the way. */
export const EVENT_REASONS = {
  UpgradeStarted: { meaning: 'an attempt started' },
  CommandIgnored: {
    meaning: 'an annotation such as `postcheck.dev/retry` came when there was nothing to do for it',
  },
  CommandAccepted: { meaning: 'an annotation such as `postcheck.dev/abort` was acted on' },
  StageStarted: { meaning: 'a stage of the attempt began' },
  StageVerified: { meaning: 'every pod of a stage is verified' },
  AwaitingApproval: { meaning: 'a stage waits for `postcheck.dev/approve`' },
  StuckPodDeleted: { meaning: 'a broken pod that held up a StatefulSet was deleted' },
  PostCheckFailed: { meaning: 'the new version failed' },
  FallbackStarted: { meaning: 'the images that ran before are being put back' },
  FallbackVerified: { meaning: 'the version before runs again and was verified' },
  PodFellBack: { meaning: 'a pod that failed, and it alone, runs the version before again' },
  Stalled: { meaning: 'it cannot act until somebody mends what the note says' },
  StartupProbe: { meaning: 'a startup probe may hide a failure from the post-check' },
} as const satisfies Table;
export type EventReason =
  | keyof typeof EVENT_REASONS
  | 'PostCheckPassed'
  | 'NothingAsked'
  | 'Aborted'
  | 'WindowClosed'
  | 'DependencyNotReady'
  | 'PartitionSet'
  | 'Drifted'
  | 'FellBack'
  | 'Partial'
  | 'GateMissed'
  | 'Inconclusive'
  | 'FallbackFailed';

/** Phases that stand as the reason of a condition and have a page of their own. */
export const PHASE_REASONS = {
  Inconclusive: { meaning: 'pods cannot be probed; nothing is decided', runbook: 'Inconclusive' },
  Partial: { meaning: 'the new version is verified, but for pods that failed', runbook: 'Partial' },
  FellBack: { meaning: 'the version before runs again', runbook: 'FellBack' },
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
/** A reason of postcheck's own. */
export type Reason = keyof typeof REASONS;

/** Reasons of the kubelet that do not heal by themselves, with how long each is given, in seconds. */
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
/** A word of Kubernetes': why a container waits or ended, or why a pod is not scheduled. */
export type KubernetesReason = string & { readonly [foreign]: 'Kubernetes' };
/** A word of the user's own: `exitCodes[].reason`. */
export type UserReason = string & { readonly [foreign]: 'user' };
export type AnyReason = Reason | KubernetesReason | UserReason;

/** A reason that was read from an object of Kubernetes. */
export const kubernetesReason = (word: string): KubernetesReason => cut(word, 64) as KubernetesReason;
/** A reason that the user gave to an exit code. */
export const userReason = (word: string): UserReason => word as UserReason;

/** Is `reason` one of these? A misspelt one does not compile, as it would with `===`. */
export const isReason = (reason: string | undefined, ...words: readonly Reason[]): boolean =>
  words.some((word) => word === reason);
