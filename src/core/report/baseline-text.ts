/** What the previous version was like, which distinguishes a version that broke from one that was broken already. */
import { isReason } from '../../api/reasons.ts';
import type { Status } from '../complete-status.ts';
import { countText } from './sentence-parts.ts';

/** A clause for the cause of a failure: the exit code of the same check in the previous version, or that its pods were not Ready either. */
export const beforeClause = (status: Status): string => exitCodeBefore(status) || unreadyBefore(status);

/** The cause of the failure. A previous version that had to pass is itself the subject. */
const causeOf = ({ attempt, fallback }: Status) =>
  fallback?.why ?? (isReason(attempt?.end?.reason, 'BaselineFailed') ? undefined : attempt?.end?.why);

function unreadyBefore(status: Status): string {
  const { unready } = status.from;
  if (!unready || causeOf(status)?.pod === undefined || status.attempt?.adopted) {
    return '';
  }
  const { pods, total } = unready;
  return `; before the upgrade ${countText(pods, { desired: total })} ${pods === 1 ? 'was' : 'were'} not ready`;
}

function exitCodeBefore(status: Status): string {
  const why = causeOf(status);
  const entry = status.from.baseline?.find(
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
