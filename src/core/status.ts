/** Functions that take a status and return the next, and what identifies its attempt. Nothing is changed in place. */

import { createHash } from 'node:crypto';
import { effectiveChecks } from '../api/checks.ts';
import { cut } from '../api/cut.ts';
import type { Outcome } from '../api/enums.ts';
import type { AnyReason } from '../api/reasons.ts';
import type {
  FallbackStatus,
  HistoryEntry,
  Phase,
  Attempt as StoredAttempt,
  Upgrade,
  UpgradeSpec,
  UpgradeStatus,
} from '../api/types.ts';
import { type Cause, storedCause } from './cause.ts';
import { type ActiveStatus, NOT_COUNTED, type Status } from './complete-status.ts';
import { oncePer } from './defaults.ts';
import { causeText } from './report/cause-text.ts';
import { fromIso, toIso } from './time.ts';

/** The number of the attempt that comes next. */
export const nextNumber = ({ attempt }: Status): number => (attempt ? attempt.number + 1 : 1);

/** Digest of the wanted containers, in any order. */
export const containersDigest = oncePer((containers: UpgradeSpec['containers']): string => {
  const sorted = containers
    .map(({ name, image }) => [name, image])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 10);
});

export const attemptId = (number: number, spec: UpgradeSpec): string =>
  `${number}-${containersDigest(spec.containers)}`;

/** Whether the attempt is for the containers in the present spec, or they ask for the same images after its end. */
export function isForSpec(
  { id, restated }: Pick<StoredAttempt, 'id' | 'restated'>,
  spec: UpgradeSpec,
): boolean {
  const digest = containersDigest(spec.containers);
  return restated === digest || id.endsWith(`-${digest}`);
}

const ROLLING: readonly Phase[] = ['Pending', 'Upgrading', 'PostChecking', 'Inconclusive'];
const FALLING_BACK: readonly Phase[] = ['FallingBack', 'FallbackChecking'];

/** An attempt is under way, apart from its fallback. */
export const isAttempting = (status: UpgradeStatus | undefined): boolean =>
  status?.attempt !== undefined && status.phase !== undefined && ROLLING.includes(status.phase);

export const isFallingBack = <S extends UpgradeStatus>(
  status: S | undefined,
): status is S & { readonly fallback: FallbackStatus } =>
  status?.fallback !== undefined && status.phase !== undefined && FALLING_BACK.includes(status.phase);

/** An attempt is under way, or its fallback. */
export const isUnderWay = (status: UpgradeStatus | undefined): boolean =>
  isAttempting(status) || isFallingBack(status);

/** No attempt is under way, and the next one has yet to be looked at. */
export const begins = ({ metadata, status }: Upgrade): boolean =>
  metadata.deletionTimestamp === undefined &&
  !isUnderWay(status) &&
  (status?.attempt === undefined ||
    status.observedGeneration !== metadata.generation ||
    status.waiting?.reason === 'Queued');

/** Whether an Upgrade that begins says so before its turn comes, with so many that wait for theirs: of fewer, none waits for long. */
export const saysQueued = (status: UpgradeStatus | undefined, queued: number): boolean =>
  queued >= QUEUE_SHOWN_FROM && status?.waiting?.reason !== 'Queued';
export const QUEUE_SHOWN_FROM = 32;

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

/** The last attempt ended without its version: nothing of that is rolled again unless the user changes it, or requests a retry. */
export const isUnsuccessful = ({ phase }: UpgradeStatus): boolean =>
  phase !== undefined && UNSUCCESSFUL.includes(phase);
const UNSUCCESSFUL: readonly Phase[] = ['FellBack', 'FallbackFailed', 'Failed', 'Aborted'];

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Digest of what a pod must pass: the checks, and the readiness requirements. Periods and deadlines are not part of it. */
export const postCheckDigest = oncePer((spec: UpgradeSpec): string => {
  const { readiness, successThreshold } = spec.postCheck;
  const requirements = { checks: effectiveChecks(spec), readiness, successThreshold };
  const sorted = JSON.stringify(requirements, (_key, value) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  return createHash('sha256').update(sorted).digest('hex').slice(0, 10);
});

/** An attempt rolls forward, and its fallback rolls back; see rollout/policy.ts. */
export type Direction = 'Forward' | 'Back';

export const directionOf = (status: UpgradeStatus): Direction => (isFallingBack(status) ? 'Back' : 'Forward');

/** The template still has the previous images, so probes are about the previous version. */
export const isBeforeRollout = (status: UpgradeStatus): boolean =>
  !isFallingBack(status) && status.attempt?.rolledAt === undefined;

/** The end of a verification ID, where not the new version of the attempt is verified. */
const ID_SUFFIX: Readonly<Record<Direction, (status: UpgradeStatus) => readonly string[]>> = {
  Forward: (status) => (isBeforeRollout(status) ? ['baseline'] : []),
  Back: () => ['fallback'],
};

/**
 * Identifies a verification: the Upgrade, its attempt or fallback, and the post-check. Results of an earlier verification do not count for
 * another Upgrade of the same name, another attempt, or a changed post-check.
 */
export const verificationId = (
  { metadata, spec }: Upgrade,
  status: UpgradeStatus,
  direction = directionOf(status),
): string =>
  [metadata.uid.slice(0, 8), status.attempt?.id, postCheckDigest(spec), ...ID_SUFFIX[direction](status)].join(
    '/',
  );

/** Whether a verification with this ID is running now. While failed pods are rolled back, there is one of the previous version as well. */
export const isVerificationOf = (upgrade: Upgrade, status: UpgradeStatus, id: string): boolean =>
  id === verificationId(upgrade, status) ||
  (status.left !== undefined && id === verificationId(upgrade, status, 'Back'));

/** The attempt has ended, and the post-check was changed since then. */
export const isPostCheckChanged = ({ attempt }: UpgradeStatus, spec: UpgradeSpec): boolean =>
  attempt?.end !== undefined &&
  attempt.postCheckDigest !== undefined &&
  attempt.postCheckDigest !== postCheckDigest(spec);

/** No pods are desired, and they have been counted. */
export const hasNoPods = ({ counts }: Status): boolean => counts !== NOT_COUNTED && counts.desired === 0;

/** The images are written, but no pods are desired that could be verified. */
export const waitsForPods = (status: Status): boolean => status.phase === 'PostChecking' && hasNoPods(status);

export interface End {
  readonly phase: Phase;
  readonly outcome: Outcome;
  /** Absent if it is the reason of the cause. */
  readonly reason?: AnyReason;
  readonly cause: Cause;
  /** Absent if it is the text of the cause. */
  readonly text?: string;
  /** There may be unverified pods, whose gates must stay closed. */
  readonly gating: boolean;
}

/** Ends the running attempt, and adds it to the history. */
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
    ...status,
    turnedBack: undefined,
    phase,
    attempt: { ...attempt, deadlineAt: undefined, gating: attempt.gating && gating, end },
    history: [entry, ...status.history].slice(0, upgrade.spec.historyLimit),
  };
}

/** When the Upgrade was last resumed; deadlines start again then. */
export const resumedAt = ({ paused }: UpgradeStatus): number | undefined =>
  paused?.resumedAt ? fromIso(paused.resumedAt) : undefined;
