/** What an attempt, or its next stage, waits for without being stuck. No deadline runs, and it continues by itself or after an approval. */
import type { Phase, WaitReason } from '../api/enums.ts';
import type { UpgradeStatus } from '../api/types.ts';
import type { Status } from './complete-status.ts';
import { waitDetail } from './report/wait-detail.ts';
import type { Snapshot } from './snapshot.ts';
import { isUnderWay, saysQueued } from './status.ts';
import { toIso } from './time.ts';
import { openingOf } from './windows.ts';

export type Wait = { readonly reason: WaitReason } & (
  | { readonly reason: 'WindowClosed'; readonly until: number; readonly timeZone: string }
  | {
      readonly reason: 'DependencyNotReady';
      readonly until?: undefined;
      /** The first dependency that it waits for. */
      readonly upgrade: string;
      /** The phase of that dependency; `Outdated` if it succeeded for an earlier spec of its own. */
      readonly phase: Phase | 'Outdated';
      readonly others: number;
    }
  | { readonly reason: 'Queued'; readonly until?: undefined }
  | { readonly reason: 'Soaking'; readonly until: number }
  | { readonly reason: 'AwaitingApproval'; readonly until?: undefined }
  /** The user's partition. */
  | { readonly reason: 'PartitionSet'; readonly until?: undefined; readonly partition: number }
);

/** The wait as it is stored, with its start. */
export function storedWait(
  stored: Status['waiting'],
  wait: Wait | undefined,
  now: number,
): Status['waiting'] {
  if (!wait) {
    return undefined;
  }
  const since = stored?.reason === wait.reason ? stored.since : toIso(now);
  const { reason, until } = wait;
  return { reason, since, until: until === undefined ? undefined : toIso(until), detail: waitDetail(wait) };
}

/** The wait for the next of `spec.windows`, if none is open. */
export function closedWindow({ upgrade, now }: Snapshot): Wait | undefined {
  const opening = openingOf(upgrade.spec.windows, now);
  return opening.isOpen
    ? undefined
    : { reason: 'WindowClosed', until: opening.opensAt, timeZone: opening.timeZone };
}

/** An attempt that is to start may have to say first that it waits for its turn; with the next visit its turn has come. */
export const queuedWait = ({ upgrade: { status }, queued = 0 }: Snapshot): Wait | undefined =>
  !isUnderWay(status) && saysQueued(status, queued) ? { reason: 'Queued' } : undefined;

/** No attempt is under way, and the next one waits. */
export const waitsToStart = (status: UpgradeStatus | undefined): boolean =>
  status?.waiting !== undefined && (status.attempt?.end !== undefined || !isUnderWay(status));
