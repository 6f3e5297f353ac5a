/** The closed sets of words that a status, a metric label or an event may hold, each with its meaning. Reasons are in reasons.ts. */

/** The words of a table, in its order. */
const wordsOf = <T extends string>(table: Readonly<Record<T, string>>): readonly T[] =>
  Object.keys(table) as T[];

export const PHASE_MEANINGS = {
  Pending: 'Recorded, or blocked before it could start; no image has been written.',
  Upgrading: 'The images are written and the workload replaces its pods.',
  PostChecking: 'Every wanted pod exists; some have not passed yet.',
  Inconclusive: 'Pods cannot be probed, or no further pod comes: nothing is decided.',
  Succeeded: 'Every wanted pod runs the new version and passed.',
  Partial:
    'The new version is verified on most pods; those that failed are left, within the budget. A person decides.',
  FallingBack: 'The new version failed; the images that ran before are being put back.',
  FallbackChecking: 'Every pod runs the version before again; some have not passed yet.',
  FellBack: 'The version before runs again.',
  FallbackFailed: 'Neither version could be verified: a person must act.',
  Failed: 'The new version failed and stays where it is.',
  Aborted: 'Ended before the new version was verified.',
} as const;
export type Phase = keyof typeof PHASE_MEANINGS;
export const PHASES = wordsOf<Phase>(PHASE_MEANINGS);

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

/** What one try can say. */
export const CLASS_MEANINGS = {
  Pass: 'It works.',
  Retry: 'It does not work yet: probed again until the deadline.',
  Fail: 'It does not work: not probed again.',
  Skip: 'There is nothing to check here.',
  Error: 'No evidence: nobody answered. Neither passes nor fails a pod.',
} as const;
export type Class = keyof typeof CLASS_MEANINGS;
export const CLASSES = wordsOf<Class>(CLASS_MEANINGS);

/** How an attempt ended. */
export const OUTCOME_MEANINGS = {
  Succeeded: 'The new version was verified, or there was nothing to verify it by.',
  Partial: 'The new version was verified, but for pods that failed within the budget.',
  FellBack: 'The version before was restored.',
  FallbackFailed: 'The version before was restored and could not be verified.',
  Failed: 'The new version failed and was left in place.',
  Aborted: 'Ended by the user, or because the workload is gone.',
  Superseded: 'Another attempt took over.',
} as const;
export type Outcome = keyof typeof OUTCOME_MEANINGS;
export const OUTCOMES = wordsOf<Outcome>(OUTCOME_MEANINGS);

/** What is known of a pod, worst first: the order in which pods are shown. */
export const POD_STATE_MEANINGS = {
  Failed: 'There is evidence that it does not work.',
  Inconclusive: 'It could not be probed until its deadline, or its node is lost.',
  Retrying: 'A check does not pass yet.',
  Waiting: 'Not probed yet, or not ready yet.',
  Skipped: 'Every check said that there is nothing to check.',
  Passed: 'Ready, and every check passed.',
} as const;
export type PodState = keyof typeof POD_STATE_MEANINGS;
export const POD_STATES = wordsOf<PodState>(POD_STATE_MEANINGS);

export const FALLBACK_STATE_MEANINGS = {
  Rolling: 'The images are being put back.',
  Checking: 'Every pod runs them; they are being verified.',
  Verified: 'They passed.',
  Unverified: 'They run, and were not or could not be verified.',
  Failed: 'They failed too.',
} as const;
export type FallbackState = keyof typeof FALLBACK_STATE_MEANINGS;
export const FALLBACK_STATES = wordsOf<FallbackState>(FALLBACK_STATE_MEANINGS);
/** What verified the pods of a fallback. */
export type FallbackVerified = 'PostCheck' | 'ReadinessOnly' | 'No';
/** How a fallback ends. */
export type FallbackResult = Exclude<FallbackState, 'Rolling' | 'Checking'>;
export const FALLBACK_RESULTS: readonly FallbackResult[] = ['Verified', 'Unverified', 'Failed'];

/** What runs where the new version does not run verified. */
export const LEFT_STATE_MEANINGS = {
  Failed: 'The new version, which failed there.',
  Back: 'The version before again, verified.',
  Unverified: 'The version before again, not verified.',
} as const;
export type LeftState = keyof typeof LEFT_STATE_MEANINGS;
export const LEFT_STATES = wordsOf<LeftState>(LEFT_STATE_MEANINGS);

/** Where a stage of an attempt stands. */
export const STAGE_STATE_MEANINGS = {
  Waiting: 'Its turn has not come.',
  Rolling: 'Its pods are being replaced and verified.',
  Checking: 'Its pods are verified, and the checks of the rollout are asked.',
  Soaking: 'Its pods are verified, and are probed further for a while.',
  AwaitingApproval: 'Its pods are verified; the next stage waits for `postcheck.dev/approve`.',
  Done: 'Verified, and over.',
} as const;
export type StageState = keyof typeof STAGE_STATE_MEANINGS;
export const STAGE_STATES = wordsOf<StageState>(STAGE_STATE_MEANINGS);

/** What an attempt may wait for without being stuck. */
export const WAIT_MEANINGS = {
  WindowClosed: 'For one of `spec.windows`.',
  DependencyNotReady: 'For the Upgrades in `spec.dependsOn`.',
  Soaking: 'For `soakSeconds` to pass, while its pods are probed further.',
  AwaitingApproval: 'For `postcheck.dev/approve`.',
  PartitionSet: 'For the user to lower `updateStrategy.rollingUpdate.partition`.',
} as const;
export type WaitReason = keyof typeof WAIT_MEANINGS;
export const WAIT_REASONS = wordsOf<WaitReason>(WAIT_MEANINGS);

/** What started an attempt. */
export const TRIGGER_MEANINGS = {
  Created: 'The Upgrade is new, or its status was lost.',
  ContainersChanged: '`spec.containers` changed.',
  TargetReplaced: 'The workload was replaced by another one of the same name.',
  Retry: 'The annotation `postcheck.dev/retry`.',
} as const;
export type Trigger = keyof typeof TRIGGER_MEANINGS;
export const TRIGGERS = wordsOf<Trigger>(TRIGGER_MEANINGS);

/** What puts the readiness gate on new pods. */
export const GATE_CARRIER_MEANINGS = {
  Policy: 'The MutatingAdmissionPolicy in the API server.',
  Webhook: 'The mutating webhook of the operator.',
} as const;
export type GateCarrier = keyof typeof GATE_CARRIER_MEANINGS;
export const GATE_CARRIERS = wordsOf<GateCarrier>(GATE_CARRIER_MEANINGS);

/** Why a gate was opened, as a metric label. */
export const GATE_OPEN_REASONS = ['Passed', 'Skipped', 'ReportOnly', 'NoAttempt'] as const;
export type GateOpenReason = (typeof GATE_OPEN_REASONS)[number];

/** How a check asks. */
export const CHECK_TYPES = ['exec', 'httpGet', 'tcpSocket', 'grpc'] as const;
export type CheckType = (typeof CHECK_TYPES)[number];

/** Why a command that is there cannot be run. */
export const UNRUNNABLE_MEANINGS = {
  NotExecutable:
    'it is not executable for the user of the container, or lies on a file system mounted noexec',
  NoInterpreter: 'the interpreter in its first line is missing, as with a DOS line end',
  WrongFormat: 'it is no program for this CPU, and has no `#!` in its first line',
  NoWorkingDirectory: "the container's working directory is missing",
} as const;
export type Unrunnable = keyof typeof UNRUNNABLE_MEANINGS;
export const UNRUNNABLE = wordsOf<Unrunnable>(UNRUNNABLE_MEANINGS);
