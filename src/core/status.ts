/** Small steps on the status: each takes one and gives the next; nothing is changed in place. */

import { createHash } from 'node:crypto';
import type { Outcome } from '../api/enums.ts';
import { own } from '../api/own.ts';
import type { AnyReason } from '../api/reasons.ts';
import type {
  Attempt,
  HistoryEntry,
  Images,
  Phase,
  Upgrade,
  UpgradeSpec,
  UpgradeStatus,
} from '../api/types.ts';
import { fromIso, toIso } from './time.ts';

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

export const isFallingBack = (status: UpgradeStatus | undefined): boolean =>
  status?.fallback !== undefined && status.phase !== undefined && FALLING_BACK.includes(status.phase);

const RETRYABLE: readonly Phase[] = [
  'Inconclusive',
  'Succeeded',
  'Failed',
  'FellBack',
  'FallbackFailed',
  'Aborted',
];

/** The verb `retry` starts a new attempt from here. */
export const isRetryable = ({ phase }: UpgradeStatus): boolean =>
  phase !== undefined && RETRYABLE.includes(phase);

/** Identifies the verification that pods are judged for: the attempt, or its fallback. */
export const verificationId = (status: UpgradeStatus): string =>
  isFallingBack(status) ? `${status.attempt?.id}/fallback` : (status.attempt?.id ?? '');

/** The images of the containers that the user named, for sentences: `web=registry/web:2.0`. */
export const imagesText = (images: Images, spec: UpgradeSpec): string =>
  spec.containers
    .filter(({ name }) => own(images, name) !== undefined)
    .map(({ name }) => `${name}=${own(images, name)}`)
    .join(', ');

/** `status` without some of its fields: absent, not undefined. */
export function without<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}

export interface End {
  readonly phase: Phase;
  readonly outcome: Outcome;
  readonly reason: AnyReason;
  /** One sentence without its full stop. */
  readonly cause: string;
  /** Unproved pods may still be there: their gates stay closed. */
  readonly gating: boolean;
}

/** Ends the running attempt, with its entry in the history. */
export function ended(upgrade: Upgrade, status: UpgradeStatus, end: End, now: number): UpgradeStatus {
  const attempt = status.attempt;
  if (!attempt) {
    return { ...status, phase: end.phase };
  }
  const { outcome, reason } = end;
  const entry: HistoryEntry = {
    attempt: attempt.number,
    images: status.to?.images ?? {},
    outcome,
    cause: end.cause.slice(0, 1000),
    startedAt: attempt.startedAt,
    finishedAt: toIso(now),
  };
  const history = [entry, ...(status.history ?? [])].slice(0, upgrade.spec.historyLimit);
  const closed: Attempt = {
    ...attempt,
    gating: attempt.gating && end.gating,
    end: { outcome, reason, cause: end.cause.slice(0, 2000), at: toIso(now) },
  };
  return { ...status, phase: end.phase, attempt: closed, history };
}

/** When the clocks of the running verification were last resumed. */
export const resumedAt = (status: UpgradeStatus): number | undefined =>
  status.paused?.resumedAt ? fromIso(status.paused.resumedAt) : undefined;
