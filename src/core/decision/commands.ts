/** The verbs, such as `postcheck.dev/abort`: each token takes effect once, and is recorded in the status. */
import { cut } from '../../api/cut.ts';
import { printableRow } from '../../api/printable.ts';
import type { Upgrade, UpgradeMeta } from '../../api/types.ts';
import { ANNOTATIONS, type CommandResult, VERBS, type Verb } from '../../api/verbs.ts';
import type { Status } from '../complete-status.ts';
import type { CompleteUpgrade } from '../snapshot.ts';
import { toIso } from '../time.ts';

interface Annotated {
  readonly metadata: Pick<UpgradeMeta, 'annotations'>;
}

/** The token of a verb's annotation, if there is one: as the status shows it, whatever characters somebody wrote. */
export function tokenOf({ metadata }: Annotated, verb: Verb): string | undefined {
  const token = metadata.annotations?.[ANNOTATIONS[verb]];
  return token ? printableRow(cut(token, 256)) : undefined;
}

/** The next verb with a token that has not taken effect yet. */
export function newCommand(upgrade: Annotated & Pick<Upgrade, 'status'>): Verb | undefined {
  const { status } = upgrade;
  if (!status?.attempt) {
    return undefined;
  }
  return VERBS.find((verb) => {
    const token = tokenOf(upgrade, verb);
    return token !== undefined && token !== status.commands?.[verb]?.token;
  });
}

/** Records the present token of the verb. */
export function recordCommand(
  upgrade: Annotated,
  status: Status,
  verb: Verb,
  result: CommandResult,
  now: number,
): Status {
  const token = tokenOf(upgrade, verb);
  if (token === undefined) {
    return status;
  }
  return { ...status, commands: { ...status.commands, [verb]: { token, at: toIso(now), result } } };
}

/** Tokens that were set before the first attempt have no effect: an Upgrade restored from a backup must not repeat an old command. */
export const recordSeenCommands = (upgrade: CompleteUpgrade, status: Status, now: number): Status =>
  upgrade.status.attempt
    ? status
    : VERBS.reduce((next, verb) => recordCommand(upgrade, next, verb, 'SeenAtStart', now), status);
