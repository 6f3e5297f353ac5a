/** Steps on the status: each takes one and returns the next; nothing is changed in place. */

import { createHash } from 'node:crypto';
import { effectiveChecks } from '../api/checks.ts';
import { cut } from '../api/cut.ts';
import type { Outcome } from '../api/enums.ts';
import type { AnyReason } from '../api/reasons.ts';
import type {
  Attempt,
  FallbackStatus,
  HistoryEntry,
  ImageSet,
  Phase,
  Upgrade,
  UpgradeSpec,
  UpgradeStatus,
} from '../api/types.ts';
import { type Cause, storedCause } from './cause.ts';
import { causeText } from './report/cause-text.ts';
import { fromIso, toIso } from './time.ts';

/** The status of an Upgrade that has had an attempt: what decisions work on. */
export interface ActiveStatus extends UpgradeStatus {
  readonly phase: Phase;
  readonly attempt: Attempt;
  readonly from: ImageSet;
  readonly to: ImageSet;
}

const NO_IMAGES: ImageSet = { images: {} };

/** What is stored, made whole; `undefined` before the first attempt. */
export const activeStatus = (status: UpgradeStatus | undefined): ActiveStatus | undefined =>
  status?.attempt && {
    ...status,
    phase: status.phase ?? 'Pending',
    attempt: status.attempt,
    from: status.from ?? NO_IMAGES,
    to: status.to ?? NO_IMAGES,
  };

/** Digest of the wanted containers, in any order. */
export function containersDigest(containers: UpgradeSpec['containers']): string {
  const sorted = containers
    .map(({ name, image }) => [name, image])
    .sort(([a], [b]) => ((a ?? '') < (b ?? '') ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 10);
}

export const attemptId = (number: number, spec: UpgradeSpec): string =>
  `${number}-${containersDigest(spec.containers)}`;

/** Does the attempt run the containers that the spec names now? */
export const isForSpec = (attempt: Attempt, spec: UpgradeSpec): boolean =>
  attempt.id.endsWith(`-${containersDigest(spec.containers)}`);

const ROLLING: readonly Phase[] = ['Pending', 'Upgrading', 'PostChecking', 'Inconclusive'];
const FALLING_BACK: readonly Phase[] = ['FallingBack', 'FallbackChecking'];

/** An attempt is under way, fallback not counted. */
export const isAttempting = (status: UpgradeStatus | undefined): boolean =>
  status?.attempt !== undefined && status.phase !== undefined && ROLLING.includes(status.phase);

export const isFallingBack = <S extends UpgradeStatus>(
  status: S | undefined,
): status is S & { readonly fallback: FallbackStatus } =>
  status?.fallback !== undefined && status.phase !== undefined && FALLING_BACK.includes(status.phase);

/** An attempt is under way, or its fallback. */
export const isUnderWay = (status: UpgradeStatus | undefined): boolean =>
  isAttempting(status) || isFallingBack(status);

const RETRYABLE: readonly Phase[] = [
  'Inconclusive',
  'Succeeded',
  'Partial',
  'Failed',
  'FellBack',
  'FallbackFailed',
  'Aborted',
];

/** The verb `retry` starts a new attempt from here. */
export const isRetryable = ({ phase }: UpgradeStatus): boolean =>
  phase !== undefined && RETRYABLE.includes(phase);

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Digests of specs. A spec is never changed in place, and its digest is needed several times in each decision. */
const digests = new WeakMap<UpgradeSpec, string>();

/** Digest of what is asked of a pod: the checks, and what readiness is. How often and for how long it is asked is another matter. */
export function postCheckDigest(spec: UpgradeSpec): string {
  const known = digests.get(spec) ?? digestOf(spec);
  digests.set(spec, known);
  return known;
}

function digestOf(spec: UpgradeSpec): string {
  const { readiness, successThreshold } = spec.postCheck;
  const question = { checks: effectiveChecks(spec), readiness, successThreshold };
  const sorted = JSON.stringify(question, (_key, value) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  return createHash('sha256').update(sorted).digest('hex').slice(0, 10);
}

/** An attempt rolls forward, and its fallback back. What differs between the two is in rollout/policy.ts. */
export type Direction = 'Forward' | 'Back';

export const directionOf = (status: UpgradeStatus): Direction => (isFallingBack(status) ? 'Back' : 'Forward');

/** Nothing has been rolled yet: what is asked now is asked of the version before. */
export const isBeforeRollout = (status: UpgradeStatus): boolean =>
  !isFallingBack(status) && status.attempt?.rolledAt === undefined;

/** What is verified beside the version that an attempt rolls to, as its ID has it. */
const VERIFIED_BESIDE: Readonly<Record<Direction, (status: UpgradeStatus) => readonly string[]>> = {
  Forward: (status) => (isBeforeRollout(status) ? ['baseline'] : []),
  Back: () => ['fallback'],
};

/**
 * Identifies what pods are verified for: this very Upgrade, its attempt or the fallback of it, and what is asked. Another Upgrade of the
 * same name, an attempt counted anew, or another question finds no answer of an earlier one.
 */
export const verificationId = (
  { metadata, spec }: Upgrade,
  status: UpgradeStatus,
  direction = directionOf(status),
): string =>
  [
    metadata.uid.slice(0, 8),
    status.attempt?.id ?? '',
    postCheckDigest(spec),
    ...VERIFIED_BESIDE[direction](status),
  ].join('/');

/** Is this what pods are verified for now? Beside the new version it may be the version before, in pods that failed and were put back. */
export const isVerificationOf = (upgrade: Upgrade, status: UpgradeStatus, id: string): boolean =>
  id === verificationId(upgrade, status) ||
  (status.left !== undefined && id === verificationId(upgrade, status, 'Back'));

/** The post-check of the attempt that has ended is not the one that the spec has now. */
export const isPostCheckChanged = ({ attempt }: UpgradeStatus, spec: UpgradeSpec): boolean =>
  attempt?.end !== undefined &&
  attempt.postCheckDigest !== undefined &&
  attempt.postCheckDigest !== postCheckDigest(spec);

/** The images are written, and no pods are wanted that could be verified. */
export const waitsForPods = ({ phase, counts }: UpgradeStatus): boolean =>
  phase === 'PostChecking' && counts?.desired === 0;

/** `status` without some of its fields: absent, not undefined. */
export function without<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}

export interface End {
  readonly phase: Phase;
  readonly outcome: Outcome;
  /** How it ended, where that is not the reason of the cause. */
  readonly reason?: AnyReason;
  readonly cause: Cause;
  /** More words than those of the cause. */
  readonly text?: string;
  /** Unverified pods may still be there: their gates stay closed. */
  readonly gating: boolean;
}

/** Ends the running attempt, with its entry in the history. */
export function endAttempt(
  upgrade: Upgrade,
  status: ActiveStatus,
  { phase, outcome, cause, gating, reason = cause.reason, text = causeText(cause) }: End,
  now: number,
): ActiveStatus {
  const { attempt, to } = status;
  const at = toIso(now);
  const entry: HistoryEntry = {
    attempt: attempt.number,
    images: to.images,
    outcome,
    cause: cut(text, 1000),
    startedAt: attempt.startedAt,
    finishedAt: at,
  };
  const end = { outcome, reason, cause: cut(text, 2000), why: storedCause(cause), at };
  return {
    ...without(status, 'turnedBack'),
    phase,
    attempt: { ...without(attempt, 'deadlineAt'), gating: attempt.gating && gating, end },
    history: [entry, ...(status.history ?? [])].slice(0, upgrade.spec.historyLimit),
  };
}

/** When the clocks were last resumed. */
export const resumedAt = ({ paused }: UpgradeStatus): number | undefined =>
  paused?.resumedAt ? fromIso(paused.resumedAt) : undefined;
