/** What a stored change of the status reports: events and log lines for changes, completions once. Derived from the two statuses, so nothing has to be remembered. */

import type { ConditionType, FallbackState, Outcome, WaitReason } from '../../api/enums.ts';
import { isAbandoned } from '../../api/gate.ts';
import { type AnyReason, type EventReason, isReason, notOfTheVersion } from '../../api/reasons.ts';
import type { FallbackStatus, Upgrade, UpgradeStatus } from '../../api/types.ts';
import { hadNoEffect, VERBS } from '../../api/verbs.ts';
import { type Attempt, completeStatus, type Status } from '../complete-status.ts';
import { isRolledBack } from '../rollout/left.ts';
import { fromIso } from '../time.ts';
import { commandText } from './command-text.ts';
import { stageEvents } from './stage-text.ts';

export interface UpgradeEvent {
  /** The object that it is about; the other one of the two is its related object. Default: the Upgrade. */
  readonly regarding?: 'Upgrade' | 'Workload';
  readonly type: 'Normal' | 'Warning';
  readonly reason: EventReason;
  readonly note: string;
  readonly action: string;
}

export interface Completion {
  readonly outcome: Outcome;
  readonly seconds: number;
}

export interface Transition {
  readonly events: readonly UpgradeEvent[];
  /** Attempts that ended with this change. */
  readonly completions: readonly Completion[];
  readonly fallbackEnded?: FallbackState;
  /** A wait that is over, and when it began. */
  readonly waitEnded?: { readonly reason: WaitReason; readonly since: number };
}

type Ended = Pick<FallbackStatus, 'reason' | 'cause' | 'why'>;

const conditionOf = (status: Status, type: ConditionType) =>
  status.conditions.find((condition) => condition.type === type);

const gateMissed = (status: Status): boolean => conditionOf(status, 'Gated')?.reason === 'GateMissed';

const newCommand = (before: Status, after: Status): UpgradeEvent[] =>
  VERBS.flatMap((verb): UpgradeEvent[] => {
    const command = after.commands[verb];
    if (!command || command.token === before.commands[verb]?.token || command.result === 'SeenAtStart') {
      return [];
    }
    const { token, result } = command;
    const reason = hadNoEffect(result) ? 'CommandIgnored' : 'CommandAccepted';
    return [{ type: 'Normal', reason, action: 'Command', note: commandText(verb, token, result) }];
  });

/** A warning if checks are defined but none ran: the user may believe that more was verified. */
function succeeded({ checks, attempt }: Status, note: string): UpgradeEvent {
  return isReason(attempt?.end?.reason, 'ReadinessOnly') && checks.length > 0
    ? { type: 'Warning', reason: 'NoCheckRan', action: 'Checking', note }
    : { type: 'Normal', reason: 'PostCheckPassed', action: 'Checking', note };
}

/** Why an attempt or its version did not last: the pods of the version, or what somebody else did. */
function failed(of: Partial<Ended> | undefined, note: string): UpgradeEvent {
  const reason = notOfTheVersion(of?.reason, of?.why?.reason) ?? 'PostCheckFailed';
  return { type: 'Warning', reason, action: 'Checking', note: of?.cause ?? note };
}

function phaseNotices(before: Status, after: Status): UpgradeEvent[] {
  const note = after.message;
  const end = after.attempt?.end;
  const isNew = before.phase !== after.phase;
  switch (isNew ? after.phase : undefined) {
    case 'Succeeded':
      return [succeeded(after, note)];
    case 'Inconclusive':
      return [{ type: 'Warning', reason: 'Inconclusive', action: 'Checking', note }];
    case 'FallingBack':
    case 'FallbackChecking':
      if (before.fallback?.startedAt === after.fallback?.startedAt) {
        return [];
      }
      return [
        ...(isReason(after.fallback?.reason, 'Aborted') ? [] : [failed(after.fallback, note)]),
        { type: 'Warning', reason: 'FallbackStarted', action: 'FallingBack', note },
        { regarding: 'Workload', type: 'Warning', reason: 'FallbackStarted', action: 'FallingBack', note },
      ];
    case 'FellBack':
      return after.fallback?.verified === 'No'
        ? [{ type: 'Warning', reason: 'FellBack', action: 'FallingBack', note }]
        : [{ type: 'Normal', reason: 'FallbackVerified', action: 'FallingBack', note }];
    case 'Aborted':
      return [
        {
          type: isReason(end?.reason, 'Aborted') ? 'Normal' : 'Warning',
          reason: notOfTheVersion(end?.reason) ?? 'Aborted',
          action: 'Rolling',
          note,
        },
      ];
    case 'Partial':
      return [{ type: 'Warning', reason: 'Partial', action: 'Checking', note }];
    case 'FallbackFailed':
      return [{ type: 'Warning', reason: 'FallbackFailed', action: 'FallingBack', note }];
    case 'Failed':
      return [failed(end, note)];
    default:
      return [];
  }
}

function startNotices(before: Status, after: Status): UpgradeEvent[] {
  if (!after.attempt || after.attempt.id === before.attempt?.id) {
    return [];
  }
  const warnings = after.attempt.warnings.map(
    (note): UpgradeEvent => ({ type: 'Warning', reason: 'StartupProbe', action: 'Checking', note }),
  );
  const started: UpgradeEvent = {
    type: 'Normal',
    reason: 'UpgradeStarted',
    action: 'Rolling',
    note: after.message,
  };
  // So that `kubectl describe` of the workload shows why its images change.
  const onWorkload: UpgradeEvent[] = after.attempt.adopted ? [] : [{ ...started, regarding: 'Workload' }];
  return [started, ...onWorkload, ...warnings];
}

/** An obstacle or a drift, neither of which changes the phase. Ends that stall have events of their own. */
function standstillNotices(before: Status, after: Status): UpgradeEvent[] {
  const note = after.message;
  const [stalledBefore, stalled] = [conditionOf(before, 'Stalled'), conditionOf(after, 'Stalled')];
  const isBlocked = stalled?.status === 'True' && stalled.reason !== after.attempt?.end?.reason;
  if (isBlocked && (stalledBefore?.status !== 'True' || stalledBefore.reason !== stalled.reason)) {
    return [{ type: 'Warning', reason: 'Stalled', action: 'Rolling', note }];
  }
  const drifted = (status: Status): boolean =>
    isReason(conditionOf(status, 'Ready')?.reason as AnyReason | undefined, 'Drifted');
  return drifted(after) && !drifted(before)
    ? [{ type: 'Warning', reason: 'Drifted', action: 'Checking', note }]
    : [];
}

/** An attempt that starts once it is resumed has an event of its own. */
function pauseNotices(before: Status, after: Status): UpgradeEvent[] {
  const [was, is] = [before, after].map((status) => isReason(conditionOf(status, 'Ready')?.reason, 'Paused'));
  if (is === was || (was && (after.attempt?.id !== before.attempt?.id || after.attempt?.end))) {
    return [];
  }
  return [{ type: 'Normal', reason: is ? 'Paused' : 'Resumed', action: 'Rolling', note: after.message }];
}

function gateNotices(before: Status, after: Status): UpgradeEvent[] {
  const gated = conditionOf(after, 'Gated');
  return gated && gateMissed(after) && !gateMissed(before)
    ? [{ type: 'Warning', reason: 'GateMissed', action: 'Gating', note: gated.message }]
    : [];
}

/** A wait for approval is reported by its stage; a soak, and the wait for a turn, only in the status. */
function waitNotices(before: Status, { waiting, message }: Status): UpgradeEvent[] {
  const isNew = waiting !== undefined && waiting.reason !== before.waiting?.reason;
  return isNew &&
    waiting.reason !== 'Soaking' &&
    waiting.reason !== 'AwaitingApproval' &&
    waiting.reason !== 'Queued'
    ? [{ type: 'Normal', reason: waiting.reason, action: 'Rolling', note: message }]
    : [];
}

/** An attempt that was superseded without an end of its own. */
function superseded(before: Status, after: Status): Completion[] {
  const attempt = before.attempt;
  if (!attempt || attempt.end || attempt.id === after.attempt?.id) {
    return [];
  }
  const outcome = before.targetUID === after.targetUID ? 'Superseded' : 'Aborted';
  return [
    {
      outcome,
      seconds: (fromIso(after.attempt?.startedAt ?? attempt.startedAt) - fromIso(attempt.startedAt)) / 1000,
    },
  ];
}

/** The attempt that ended when `after` was stored in place of `before`. */
export function endedAttempt(
  before: Status,
  { attempt }: Status,
): (Attempt & { readonly end: NonNullable<Attempt['end']> }) | undefined {
  const end = attempt?.end;
  const isOld = before.attempt?.id === attempt?.id && before.attempt?.end?.at === end?.at;
  return attempt && end && !isOld ? { ...attempt, end } : undefined;
}

/** The fallback that ended when `after` was stored in place of `before`. */
export function endedFallback(
  before: Status,
  { fallback }: Status,
): (FallbackStatus & { readonly finishedAt: string }) | undefined {
  const finishedAt = fallback?.finishedAt;
  return fallback && finishedAt && !before.fallback?.finishedAt ? { ...fallback, finishedAt } : undefined;
}

function newEnd(before: Status, after: Status): Completion[] {
  const ended = endedAttempt(before, after);
  return ended
    ? [
        {
          outcome: ended.end.outcome,
          seconds: (fromIso(ended.end.at) - fromIso(ended.startedAt)) / 1000,
        },
      ]
    : [];
}

/** One event for each failed pod that runs the previous version again. */
function rolledBackNotices(before: Status, after: Status): UpgradeEvent[] {
  const isBack = (status: Status, place: string) =>
    status.left.some(({ name, state }) => name === place && isRolledBack({ state }));
  return after.left
    .filter((entry) => isRolledBack(entry) && !isBack(before, entry.name))
    .map(({ name, state, message, reason }) => ({
      type: 'Warning',
      reason: 'PodFellBack',
      action: 'FallingBack',
      note: `${name} runs the previous version again, ${state === 'Back' ? 'verified' : 'not verified'}: ${message ?? reason}`,
    }));
}

/** What to report after `next` was stored in place of `stored`. */
export function transitionEvents(
  upgrade: Upgrade,
  stored: UpgradeStatus | undefined,
  next: UpgradeStatus,
): Transition {
  const [before, after] = [completeStatus(stored), completeStatus(next)];
  const events = [
    ...newCommand(before, after),
    ...startNotices(before, after),
    ...gateNotices(before, after),
    ...stageEvents(before, after).map(
      (event): UpgradeEvent => ({ type: 'Normal', action: 'Rolling', ...event }),
    ),
    ...rolledBackNotices(before, after),
    ...phaseNotices(before, after),
    ...waitNotices(before, after),
    ...pauseNotices(before, after),
    ...standstillNotices(before, after),
  ];
  const completions = [...superseded(before, after), ...newEnd(before, after)];
  const waited = before.waiting?.reason === after.waiting?.reason ? undefined : before.waiting;
  const fallback = endedFallback(before, after);
  return {
    events: isAbandoned(upgrade) ? [] : events,
    completions,
    waitEnded: waited && { reason: waited.reason, since: fromIso(waited.since) },
    fallbackEnded: fallback?.state,
  };
}
