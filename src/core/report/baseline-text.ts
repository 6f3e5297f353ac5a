/** The result of a check in the previous version, which distinguishes a version that broke from one that was broken already. */
import { isReason } from '../../api/reasons.ts';
import type { Status } from '../complete-status.ts';

/** A clause for the cause of a failure, if it is an exit code and the same check ran in the previous version. */
export function beforeClause({ attempt, fallback, from }: Status): string {
  // A previous version that had to pass is itself the subject.
  const end = isReason(attempt?.end?.reason, 'BaselineFailed') ? undefined : attempt?.end?.why;
  const why = fallback?.why ?? end;
  const entry = from.baseline?.find(
    ({ check, container }) => check === why?.check && container === why?.container,
  );
  if (why?.exitCode === undefined || entry?.exitCode === undefined || !entry.total) {
    return '';
  }
  const where = `on ${entry.pods} of ${entry.total} ${entry.total === 1 ? 'pod' : 'pods'}`;
  return entry.exitCode === why.exitCode
    ? `; it exited ${why.exitCode} before the upgrade too, ${where}`
    : `; before the upgrade it exited ${entry.exitCode} ${where}`;
}
