/** What a check said in the version before: it tells a version that broke from one that was broken already. */
import type { UpgradeStatus } from '../../api/types.ts';

/** A clause beside the cause of what a version came to, where that is an exit code and the version before was asked the same. */
export function beforeClause({ attempt, fallback, from }: UpgradeStatus): string {
  const { check, container, exitCode } = fallback?.why ?? attempt?.end?.why ?? {};
  const entry = from?.baseline?.find((known) => known.check === check && known.container === container);
  if (exitCode === undefined || entry?.exitCode === undefined || !entry.asked) {
    return '';
  }
  const where = `on ${entry.pods} of ${entry.asked} ${entry.asked === 1 ? 'pod' : 'pods'}`;
  return entry.exitCode === exitCode
    ? `; it exited ${exitCode} before the upgrade too, ${where}`
    : `; before the upgrade it exited ${entry.exitCode} ${where}`;
}
