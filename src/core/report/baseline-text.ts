/** The result of a check in the previous version, which distinguishes a version that broke from one that was broken already. */
import { isReason } from '../../api/reasons.ts';
import type { UpgradeStatus } from '../../api/types.ts';

/** A clause for the cause of a failure, if it is an exit code and the same check ran in the previous version. */
export function beforeClause({ attempt, fallback, from }: UpgradeStatus): string {
  // A previous version that had to pass is itself the subject.
  const why = isReason(attempt?.end?.reason, 'BaselineFailed') ? undefined : attempt?.end?.why;
  const { check, container, exitCode } = fallback?.why ?? why ?? {};
  const entry = from?.baseline?.find((known) => known.check === check && known.container === container);
  if (exitCode === undefined || entry?.exitCode === undefined || !entry.total) {
    return '';
  }
  const where = `on ${entry.pods} of ${entry.total} ${entry.total === 1 ? 'pod' : 'pods'}`;
  return entry.exitCode === exitCode
    ? `; it exited ${exitCode} before the upgrade too, ${where}`
    : `; before the upgrade it exited ${entry.exitCode} ${where}`;
}
