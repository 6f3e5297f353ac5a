/** The enumerations of a status, a metric label or an event, each value with its meaning. Reasons are in reasons.ts. */

/** The keys of a table, in its order. */
const keysOf = <T extends string>(table: Readonly<Record<T, string>>): readonly T[] =>
  Object.keys(table) as T[];

export const PHASE_MEANINGS = {
  Pending: 'Recorded, or blocked before it could start; no image has been written.',
  Upgrading: 'The images are written and the workload replaces its pods.',
  PostChecking: 'All desired pods exist; some have not passed yet.',
  Inconclusive: 'Pods cannot be probed, or no further pod is created: nothing is decided.',
  Succeeded: 'All desired pods run the new version and passed.',
  Partial: 'The new version is verified, except on pods that failed within the budget. A person must decide.',
  FallingBack: 'The new version failed; the previous images are being restored.',
  FallbackChecking: 'Every pod runs the previous version again; some have not passed yet.',
  FellBack: 'The previous version runs again.',
  FallbackFailed: 'Neither version could be verified: a person must act.',
  Failed: 'The new version failed and was not rolled back.',
  Aborted: 'Ended before the new version was verified.',
} as const;
export type Phase = keyof typeof PHASE_MEANINGS;
export const PHASES = keysOf<Phase>(PHASE_MEANINGS);

/** Every condition that a status has. */
export const CONDITION_TYPES = [
  'Ready',
  'Reconciling',
  'Stalled',
  'Verified',
  'FallenBack',
  'Gated',
] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/** The result of one probe. */
export const CLASS_MEANINGS = {
  Pass: 'The check passed.',
  Retry: 'The check did not pass; probed again until the deadline.',
  Fail: 'The check failed; not probed again.',
  Skip: 'There is nothing to check.',
  Error: 'No evidence: the probe returned no result. Neither passes nor fails a pod.',
} as const;
export type Class = keyof typeof CLASS_MEANINGS;
export const CLASSES = keysOf<Class>(CLASS_MEANINGS);

/** How an attempt ended. */
export const OUTCOME_MEANINGS = {
  Succeeded: 'The new version was verified, or every check was skipped.',
  Partial: 'The new version was verified, except on pods that failed within the budget.',
  FellBack: 'The previous version was restored.',
  FallbackFailed: 'The previous version was restored but could not be verified.',
  Failed: 'The new version failed and was left in place.',
  Aborted: 'Ended by the user, or because the workload was deleted.',
  Superseded: 'Another attempt took over.',
} as const;
export type Outcome = keyof typeof OUTCOME_MEANINGS;
export const OUTCOMES = keysOf<Outcome>(OUTCOME_MEANINGS);

/** The state of a pod, worst first: the order in which pods are listed. */
export const POD_STATE_MEANINGS = {
  Failed: 'There is evidence that it does not work.',
  Inconclusive: 'It could not be probed until its deadline, or its node is lost.',
  Retrying: 'A check does not pass yet.',
  Waiting: 'Not probed yet, or not ready yet.',
  Skipped: 'Every check was skipped.',
  Passed: 'Ready, and every check passed.',
} as const;
export type PodState = keyof typeof POD_STATE_MEANINGS;
export const POD_STATES = keysOf<PodState>(POD_STATE_MEANINGS);

export const FALLBACK_STATE_MEANINGS = {
  Rolling: 'The previous images are being restored.',
  Checking: 'Every pod runs them and is being verified.',
  Verified: 'The pods passed.',
  Unverified: 'The pods run them, but were not or could not be verified.',
  Failed: 'The pods failed too.',
} as const;
export type FallbackState = keyof typeof FALLBACK_STATE_MEANINGS;
export const FALLBACK_STATES = keysOf<FallbackState>(FALLBACK_STATE_MEANINGS);
/** What verified the pods of a fallback. */
export type FallbackVerified = 'PostCheck' | 'ReadinessOnly' | 'No';
/** How a fallback ends. */
export type FallbackResult = Exclude<FallbackState, 'Rolling' | 'Checking'>;
export const FALLBACK_RESULTS: readonly FallbackResult[] = ['Verified', 'Unverified', 'Failed'];

/** What runs in a place where the new version failed. */
export const LEFT_STATE_MEANINGS = {
  Failed: 'The new version, which failed there.',
  Back: 'The previous version again, verified.',
  Unverified: 'The previous version again, not verified.',
  Unreachable: 'Unknown: the node is not Ready, or is back and not finished yet.',
} as const;
export type LeftState = keyof typeof LEFT_STATE_MEANINGS;
export const LEFT_STATES = keysOf<LeftState>(LEFT_STATE_MEANINGS);

/** The state of a stage. */
export const STAGE_STATE_MEANINGS = {
  Waiting: 'Not started yet.',
  Rolling: 'Its pods are being replaced and verified.',
  Checking: 'Its pods are verified, and the checks of the rollout run.',
  Soaking: 'Its pods are verified, and are still probed for the soak time.',
  AwaitingApproval: 'Its pods are verified; the next stage waits for `postcheck.dev/approve`.',
  Done: 'Verified and complete.',
} as const;
export type StageState = keyof typeof STAGE_STATE_MEANINGS;
export const STAGE_STATES = keysOf<StageState>(STAGE_STATE_MEANINGS);

/** What an attempt may wait for without being stuck. */
export const WAIT_MEANINGS = {
  WindowClosed: 'For one of `spec.windows`.',
  DependencyNotReady: 'For the Upgrades in `spec.dependsOn`.',
  Queued: 'For its turn: many Upgrades are to start at once, and those under way are finished first.',
  Soaking: 'For `soakSeconds` to pass, while its pods are still probed.',
  AwaitingApproval: 'For `postcheck.dev/approve`.',
  PartitionSet: 'For the user to lower `updateStrategy.rollingUpdate.partition`.',
} as const;
export type WaitReason = keyof typeof WAIT_MEANINGS;
export const WAIT_REASONS = keysOf<WaitReason>(WAIT_MEANINGS);

/** What started an attempt. */
export const TRIGGER_MEANINGS = {
  Created: 'The Upgrade is new, or its status was lost.',
  ContainersChanged: '`spec.containers` changed.',
  TargetReplaced: 'The workload was replaced by another one with the same name.',
  Retry: 'The annotation `postcheck.dev/retry`.',
} as const;
export type Trigger = keyof typeof TRIGGER_MEANINGS;
export const TRIGGERS = keysOf<Trigger>(TRIGGER_MEANINGS);

/** What adds the readiness gate to new pods. */
export const GATE_CARRIER_MEANINGS = {
  Policy: 'The MutatingAdmissionPolicy in the API server.',
  Webhook: 'The mutating webhook of the operator.',
} as const;
export type GateCarrier = keyof typeof GATE_CARRIER_MEANINGS;
export const GATE_CARRIERS = keysOf<GateCarrier>(GATE_CARRIER_MEANINGS);

/** Why a gate was opened, as a metric label. */
export const GATE_OPEN_REASONS = ['Passed', 'Skipped', 'ReportOnly', 'NoAttempt'] as const;
export type GateOpenReason = (typeof GATE_OPEN_REASONS)[number];

/** The type of a check. */
export const CHECK_TYPES = ['exec', 'httpGet', 'tcpSocket', 'grpc'] as const;
export type CheckType = (typeof CHECK_TYPES)[number];

/** Why an existing command cannot be run. */
export const UNRUNNABLE_MEANINGS = {
  NotExecutable: 'it is not executable for the user of the container, or is on a file system mounted noexec',
  NoInterpreter: 'the interpreter in its first line is missing, as with a DOS line end',
  WrongFormat: 'it is not a program for this CPU, and has no `#!` in its first line',
  NoWorkingDirectory: "the container's working directory is missing",
} as const;
export type Unrunnable = keyof typeof UNRUNNABLE_MEANINGS;
export const UNRUNNABLE = keysOf<Unrunnable>(UNRUNNABLE_MEANINGS);
