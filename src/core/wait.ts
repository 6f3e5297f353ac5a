/** What an attempt, or its next stage, waits for without being stuck: no deadline runs, and it goes on by itself, or when a person says so. */
import type { Phase, WaitReason } from '../api/enums.ts';
import type { UpgradeStatus } from '../api/types.ts';
import { waitDetail } from './report/wait-detail.ts';
import type { Snapshot } from './snapshot.ts';
import { isUnderWay, type Status } from './status.ts';
import { toIso } from './time.ts';
import { openingOf } from './windows.ts';

export type Wait = { readonly reason: WaitReason } & (
  | { readonly reason: 'WindowClosed'; readonly until: number; readonly timeZone: string }
  | {
      readonly reason: 'DependencyNotReady';
      readonly until?: undefined;
      /** The first of those that it waits for. */
      readonly upgrade: string;
      /** Where that one stands; `Outdated` when it succeeded for an earlier spec of its own. */
      readonly standing: Phase | 'Outdated';
      readonly others: number;
    }
  | { readonly reason: 'Soaking'; readonly until: number }
  | { readonly reason: 'AwaitingApproval'; readonly until?: undefined }
  /** The partition that the user set. */
  | { readonly reason: 'PartitionSet'; readonly until?: undefined; readonly partition: number }
);

/** The wait as it is stored, with when it began. */
export function storedWait(known: Status['waiting'], wait: Wait | undefined, now: number): Status['waiting'] {
  if (!wait) {
    return undefined;
  }
  const since = known?.reason === wait.reason ? known.since : toIso(now);
  const { reason, until } = wait;
  return { reason, since, until: until === undefined ? undefined : toIso(until), detail: waitDetail(wait) };
}

/** Until the next of `spec.windows` opens, if none is open. */
export function closedWindow({ upgrade, now }: Snapshot): Wait | undefined {
  const opening = openingOf(upgrade.spec.windows, now);
  return opening.isOpen
    ? undefined
    : { reason: 'WindowClosed', until: opening.opensAt, timeZone: opening.timeZone };
}

/** No attempt is under way, and the next one is held up. */
export const waitsToStart = (status: UpgradeStatus | undefined): boolean =>
  status?.waiting !== undefined && (status.attempt?.end !== undefined || !isUnderWay(status));
