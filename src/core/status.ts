/** The status: its complete form, and functions that take one and return the next. Nothing is changed in place. */

import { createHash } from 'node:crypto';
import { effectiveChecks } from '../api/checks.ts';
import { cut } from '../api/cut.ts';
import type { Outcome } from '../api/enums.ts';
import { own } from '../api/own.ts';
import type { AnyReason } from '../api/reasons.ts';
import type {
  Condition,
  Counts,
  Explanation,
  FallbackStatus,
  HistoryEntry,
  ImageSet,
  LeftEntry,
  Phase,
  PodReport,
  StageStatus,
  Attempt as StoredAttempt,
  Upgrade,
  UpgradeSpec,
  UpgradeStatus,
} from '../api/types.ts';
import { type Cause, storedCause } from './cause.ts';
import { causeText } from './report/cause-text.ts';
import { fromIso, toIso } from './time.ts';

type Defaulted<T, K extends keyof T> = Omit<T, K> & Required<Pick<T, K>>;

/** An attempt with every list that it may lack in the API; its fallback likewise. */
export interface Attempt extends Defaulted<StoredAttempt, keyof typeof ABSENT_IN_ATTEMPT> {}

export interface Fallback extends Defaulted<FallbackStatus, keyof typeof ABSENT_IN_FALLBACK> {}

/** The status as decisions use it: complete, so that nothing has to ask whether a list is absent or empty. */
export interface Status
  extends Omit<Defaulted<UpgradeStatus, 'phase' | keyof typeof ABSENT>, 'attempt' | 'fallback'> {
  readonly attempt?: Attempt | undefined;
  readonly fallback?: Fallback | undefined;
}

/** The status of an Upgrade that has had an attempt. */
export interface ActiveStatus extends Status {
  readonly attempt: Attempt;
}

/** The value of an absent list; it is not stored. */
const NONE: readonly never[] = Object.freeze([]);

/** `list` as it is stored in a status: absent when it is empty. */
export const unlessEmpty = <T>(list: readonly T[]): readonly T[] => (list.length > 0 ? list : NONE);

/** Before the pods of an attempt have been counted. */
export const NOT_COUNTED: Counts = Object.freeze({
  desired: 0,
  updated: 0,
  ready: 0,
  passed: 0,
  retrying: 0,
  failed: 0,
  inconclusive: 0,
  skipped: 0,
});

/** The values of absent members of a status. They are recognized by identity, so that an empty list that was stored stays one. */
const ABSENT = {
  from: { images: {} } as ImageSet,
  to: { images: {} } as NonNullable<UpgradeStatus['to']>,
  checks: NONE as readonly string[],
  conditions: NONE as readonly Condition[],
  stages: NONE as readonly StageStatus[],
  rolloutChecks: NONE as NonNullable<UpgradeStatus['rolloutChecks']>,
  left: NONE as readonly LeftEntry[],
  explained: NONE as readonly Explanation[],
  message: '',
  counts: NOT_COUNTED,
  exitCodes: NONE as NonNullable<UpgradeStatus['exitCodes']>,
  pods: NONE as readonly PodReport[],
  paused: {} as NonNullable<UpgradeStatus['paused']>,
  commands: {} as NonNullable<UpgradeStatus['commands']>,
  history: NONE as readonly HistoryEntry[],
} as const satisfies UpgradeStatus;

/** The same for its attempt and its fallback. */
const ABSENT_IN_ATTEMPT = {
  keeps: NONE as readonly string[],
  warnings: NONE as readonly string[],
  excludedNodes: NONE as readonly string[],
} as const satisfies Partial<StoredAttempt>;

const ABSENT_IN_FALLBACK = {
  evidence: NONE as readonly PodReport[],
  exitCodes: NONE as NonNullable<FallbackStatus['exitCodes']>,
} as const satisfies Partial<FallbackStatus>;

/** What a status has of one attempt alone, as it is when the next one starts. */
export const NO_PROGRESS = {
  fallback: undefined,
  turnedBack: undefined,
  stage: undefined,
  summary: undefined,
  stages: ABSENT.stages,
  rolloutChecks: ABSENT.rolloutChecks,
  left: ABSENT.left,
  explained: ABSENT.explained,
  counts: ABSENT.counts,
  exitCodes: ABSENT.exitCodes,
  pods: ABSENT.pods,
  paused: ABSENT.paused,
} as const;

/** Before anything has been stored. */
const NO_STATUS: Status = Object.freeze({ phase: 'Pending', ...ABSENT });

/** Makes what is stored complete, once for each decision. */
export const completeStatus = (stored: UpgradeStatus = {}): Status =>
  Object.keys(stored).length === 0
    ? NO_STATUS
    : {
        ...NO_STATUS,
        ...defined(stored),
        attempt: stored.attempt && { ...ABSENT_IN_ATTEMPT, ...defined(stored.attempt) },
        fallback: stored.fallback && { ...ABSENT_IN_FALLBACK, ...defined(stored.fallback) },
      };

const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;

/** The inverse of `completeStatus`. */
export const storedStatus = (status: Status): UpgradeStatus =>
  status === NO_STATUS
    ? {}
    : {
        ...withoutAbsent(status, ABSENT),
        ...(status.attempt && { attempt: withoutAbsent(status.attempt, ABSENT_IN_ATTEMPT) }),
        ...(status.fallback && { fallback: withoutAbsent(status.fallback, ABSENT_IN_FALLBACK) }),
      };

const withoutAbsent = <T extends object>(value: T, absent: Readonly<Record<string, unknown>>): T =>
  Object.fromEntries(
    Object.entries(defined(value)).filter(([name, member]) => member !== own(absent, name)),
  ) as T;

/** The number of the attempt that comes next. */
export const nextNumber = ({ attempt }: Status): number => (attempt ? attempt.number + 1 : 1);

/** The status of an Upgrade that has had an attempt; `undefined` before. */
export const activeStatus = (status: Status): ActiveStatus | undefined =>
  status.attempt && { ...status, attempt: status.attempt };

/** Digest of the wanted containers, in any order. */
export function containersDigest(containers: UpgradeSpec['containers']): string {
  const sorted = containers
    .map(({ name, image }) => [name, image])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 10);
}

export const attemptId = (number: number, spec: UpgradeSpec): string =>
  `${number}-${containersDigest(spec.containers)}`;

/** Whether the attempt is for the containers in the present spec. */
export const isForSpec = (attempt: Pick<StoredAttempt, 'id'>, spec: UpgradeSpec): boolean =>
  attempt.id.endsWith(`-${containersDigest(spec.containers)}`);

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

/** Digest of what a pod must pass: the checks, and the readiness requirements. Periods and deadlines are not part of it. */
export function postCheckDigest(spec: UpgradeSpec): string {
  const digest = digests.get(spec) ?? digestOf(spec);
  digests.set(spec, digest);
  return digest;
}

function digestOf(spec: UpgradeSpec): string {
  const { readiness, successThreshold } = spec.postCheck;
  const requirements = { checks: effectiveChecks(spec), readiness, successThreshold };
  const sorted = JSON.stringify(requirements, (_key, value) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  return createHash('sha256').update(sorted).digest('hex').slice(0, 10);
}

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
