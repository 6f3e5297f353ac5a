/** What an attempt, or its next stage, waits for without being stuck: no deadline runs, and it goes on by itself, or when a person says so. */
import type { WaitReason } from '../api/enums.ts';
import type { UpgradeStatus } from '../api/types.ts';
import type { Snapshot } from './snapshot.ts';
import { isAttempting } from './status.ts';
import { fromIso, toIso } from './time.ts';
import { momentText, openingOf } from './windows.ts';

export interface Wait {
  readonly reason: WaitReason;
  /** When it is over, where that is known. */
  readonly until?: number;
  /** For a sentence: what exactly it waits for. */
  readonly detail?: string;
}

/** The wait as it is stored, with when it began. */
export function storedWait(
  known: UpgradeStatus['waiting'],
  wait: Wait | undefined,
  now: number,
): UpgradeStatus['waiting'] {
  if (!wait) {
    return undefined;
  }
  const since = known?.reason === wait.reason ? known.since : toIso(now);
  const { reason, until, detail } = wait;
  return { reason, since, until: until === undefined ? undefined : toIso(until), detail };
}

/** The wait that is stored goes on. */
export const keptWait = (waiting: UpgradeStatus['waiting']): Wait | undefined =>
  waiting && {
    reason: waiting.reason,
    ...(waiting.until ? { until: fromIso(waiting.until) } : {}),
    ...(waiting.detail ? { detail: waiting.detail } : {}),
  };

/** Until the next of `spec.windows` opens, if none is open. */
export function closedWindow({ upgrade, now }: Snapshot): Wait | undefined {
  const opening = openingOf(upgrade.spec.windows, now);
  return opening.isOpen
    ? undefined
    : {
        reason: 'WindowClosed',
        until: opening.opensAt,
        detail: momentText(opening.opensAt, opening.timeZone),
      };
}

/** No attempt is under way, and the next one is held up. */
export const waitsToStart = (status: UpgradeStatus | undefined): boolean =>
  status?.waiting !== undefined && (status.attempt?.end !== undefined || !isAttempting(status));
