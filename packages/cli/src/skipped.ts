/** A workload that the operator skips because it is too long, so that the status says that it does not exist. */
import { isReason } from '../../../src/api/reasons.ts';
import type { Upgrade, UpgradeSpec } from '../../../src/api/types.ts';
import { MOST_CHARACTERS } from '../../../src/kube/objects/kept-length.ts';
import { plain } from './text.ts';
import { conditionOf } from './upgrade-state.ts';

export const skippedText = ({ kind, name }: UpgradeSpec['targetRef']): string =>
  `${kind} ${name} exists, but the operator skips it, because its container names, images, mounts and named ports have more than ${MOST_CHARACTERS.toLocaleString('en-US')} characters together: shorten them`;

/** Whether this line of an explanation repeats that the workload does not exist, or was deleted. */
export const saysItIsGone =
  (upgrade: Upgrade) =>
  (line: string): boolean => {
    const { message, attempt } = upgrade.status ?? {};
    const stalled = conditionOf(upgrade, 'Stalled');
    return (
      (isReason(stalled?.reason, 'TargetNotFound') &&
        [message, stalled?.message].some((text) => plain(text ?? '') === line)) ||
      (isReason(attempt?.end?.reason, 'TargetNotFound') && plain(attempt?.end?.cause ?? '') === line)
    );
  };
