/**
 * The status as decisions use it, and its stored form. What the API stores lacks every empty list; here it is made complete, once for each decision,
 * and stripped when it is reported.
 */
import { own } from '../api/own.ts';
import type {
  Condition,
  Counts,
  Explanation,
  FallbackStatus,
  HistoryEntry,
  ImageSet,
  LeftEntry,
  PodReport,
  StageStatus,
  Attempt as StoredAttempt,
  UpgradeStatus,
} from '../api/types.ts';
import type { Defaulted } from './defaults.ts';

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

/** What was stored is so already. */
const defined = <T extends object>(value: T): T =>
  Object.values(value).includes(undefined)
    ? (Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T)
    : value;

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

/** The status of an Upgrade that has had an attempt; `undefined` before. */
export const activeStatus = (status: Status): ActiveStatus | undefined =>
  status.attempt && { ...status, attempt: status.attempt };
