/** The verbs `postcheck.dev/abort` and `postcheck.dev/retry`: each token acts once and is recorded in the status. */
import { cut } from '../../api/cut.ts';
import { ABORT_ANNOTATION, RETRY_ANNOTATION } from '../../api/names.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import { toIso } from '../time.ts';

export type Verb = 'abort' | 'retry';

const ANNOTATIONS: Readonly<Record<Verb, string>> = { abort: ABORT_ANNOTATION, retry: RETRY_ANNOTATION };

const tokenOf = (upgrade: Upgrade, verb: Verb): string | undefined =>
  cut(upgrade.metadata.annotations?.[ANNOTATIONS[verb]] ?? '', 256) || undefined;

/** The verb that waits to be acted on; of two new ones, abort comes first. */
export function newCommand(upgrade: Upgrade): Verb | undefined {
  if (!upgrade.status?.attempt) {
    return undefined;
  }
  return (['abort', 'retry'] as const).find((verb) => {
    const token = tokenOf(upgrade, verb);
    return token !== undefined && token !== upgrade.status?.commands?.[verb]?.token;
  });
}

/** `status` with the verb's present token recorded. */
export function recordCommand(
  upgrade: Upgrade,
  status: UpgradeStatus,
  verb: Verb,
  result: string,
  now: number,
): UpgradeStatus {
  const token = tokenOf(upgrade, verb);
  if (token === undefined) {
    return status;
  }
  return { ...status, commands: { ...status.commands, [verb]: { token, at: toIso(now), result } } };
}

/** Tokens that were there before the first attempt count as seen: an Upgrade restored from a backup must not act on an old word. */
export const recordSeenCommands = (upgrade: Upgrade, status: UpgradeStatus, now: number): UpgradeStatus =>
  upgrade.status?.attempt
    ? status
    : recordCommand(
        upgrade,
        recordCommand(upgrade, status, 'abort', 'SeenAtStart', now),
        'retry',
        'SeenAtStart',
        now,
      );
