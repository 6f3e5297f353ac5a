/** The verbs, such as `postcheck.dev/abort`: each token acts once and is recorded in the status. */
import { cut } from '../../api/cut.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import { ANNOTATIONS, type CommandResult, VERBS, type Verb } from '../../api/verbs.ts';
import { toIso } from '../time.ts';

/** The token of a verb's annotation, if there is one. */
export const tokenOf = (upgrade: Upgrade, verb: Verb): string | undefined =>
  cut(upgrade.metadata.annotations?.[ANNOTATIONS[verb]] ?? '', 256) || undefined;

/** The verb that waits to be acted on. */
export function newCommand(upgrade: Upgrade): Verb | undefined {
  if (!upgrade.status?.attempt) {
    return undefined;
  }
  return VERBS.find((verb) => {
    const token = tokenOf(upgrade, verb);
    return token !== undefined && token !== upgrade.status?.commands?.[verb]?.token;
  });
}

/** `status` with the verb's present token recorded. */
export function recordCommand(
  upgrade: Upgrade,
  status: UpgradeStatus,
  verb: Verb,
  result: CommandResult,
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
    : VERBS.reduce((next, verb) => recordCommand(upgrade, next, verb, 'SeenAtStart', now), status);
