/** What runs after an attempt or its fallback has ended, and why. */
import { effectiveChecks } from '../../api/checks.ts';
import { own } from '../../api/own.ts';
import { isReason } from '../../api/reasons.ts';
import type { Status } from '../complete-status.ts';
import { hasNoPods } from '../status.ts';
import { fromIso, spanText } from '../time.ts';
import { beforeClause } from './baseline-text.ts';
import { missingAdvice } from './cause-text.ts';
import { explainedClause, leftCounts, leftText } from './left-text.ts';
import { countText, type Facts, pods, target, versions } from './sentence-parts.ts';

const took = ({ attempt }: Status): string =>
  attempt?.end ? ` in ${spanText(fromIso(attempt.end.at) - fromIso(attempt.startedAt))}` : '';

/** What was verified, how, and how to verify more. */
export function succeeded(facts: Facts): string {
  const { status } = facts;
  const { counts, attempt } = status;
  const { to } = versions(facts);
  const runs = `${target(facts)} runs ${to}`;
  const reason = attempt?.end?.reason;
  if (isReason(reason, 'AllSkipped')) {
    return `${runs}, but nothing was verified: every check was skipped`;
  }
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
  const onlyReady = isReason(reason, 'ReadinessOnly');
  const by = onlyReady ? ' by readiness only' : '';
  if (hasNoPods(status)) {
    return `${target(facts)} is set to ${to}, verified${by} on ${beforeScaledDown(status)}`;
  }
  const span = attempt?.adopted ? '' : took(status);
  const advice = onlyReady ? missingCheck(facts) : '';
  return `${runs}, verified${by} on ${countText(counts.passed, counts)}${skipped}${span}${advice}`;
}

/** All pods that were verified are gone. */
export const beforeScaledDown = ({ lastVerified }: Pick<Status, 'lastVerified'>): string =>
  `${lastVerified ? pods(lastVerified.pods) : 'all pods'} before it had 0 replicas`;

/** How to verify more than readiness, if the command of a check is in no image. */
function missingCheck({ upgrade, status }: Facts): string {
  const [check] = status.checks.length > 0 ? effectiveChecks(upgrade.spec).filter(({ exec }) => exec) : [];
  const command = check?.exec?.command[0];
  return command === undefined
    ? ''
    : `; it has no ${command}: ${missingAdvice(command, 'add it to the image, or name another check in spec.postCheck.checks')}`;
}

/** Nodes on which a fallback changed nothing, because they are not Ready. */
const leftOut = ({ attempt }: Status): string =>
  attempt && attempt.excludedNodes.length > 0
    ? `; not reached, because not Ready: ${attempt.excludedNodes.slice(0, 5).join(', ')}`
    : '';

/** What runs where and why, and what the nodes of the failed pods have in common. */
export function partial(facts: Facts): string {
  const { status } = facts;
  const { from, to } = versions(facts);
  const { passed, skipped, desired } = status.counts;
  // The failed pods may be gone while their replacements are not verified yet.
  const left = status.left.length > 0 ? `; ${leftCounts(status, from)}: ${leftText(status)}` : '';
  return `${target(facts)} runs ${to}, verified on ${countText(passed + skipped, { desired })}${left}${explainedClause(status)}`;
}

const VERIFIED_BY: Readonly<Record<string, (count: string) => string>> = {
  PostCheck: (count) => `verified on ${count}`,
  ReadinessOnly: (count) => `verified by readiness only on ${count}`,
  No: (count) =>
    count === pods(0)
      ? 'not verified, because it has 0 replicas'
      : 'not verified, because spec.fallback.verify is false',
};

/** That the previous version runs again, and why the new one does not. */
export function fellBack(facts: Facts): string {
  const { fallback, counts } = facts.status;
  const { from, to } = versions(facts);
  const replicas = counts.desired;
  const { verified = 'No' } = fallback ?? {};
  const isGone = replicas === 0 && verified !== 'No';
  const how = own(VERIFIED_BY, verified)?.(isGone ? beforeScaledDown(facts.status) : pods(replicas)) ?? '';
  return `${from} ${replicas === 0 ? 'is set' : 'runs'} again, ${how}; ${why(to, fallback?.reason, fallback?.cause)}${explained(facts)}${leftOut(facts.status)}`;
}

/** What else explains that the version failed; nothing explains an abort. */
export const explained = ({ status }: Facts): string =>
  isReason(status.fallback?.reason, 'Aborted') ? '' : `${beforeClause(status)}${explainedClause(status)}`;

/** An abort is not a failure of the version. */
export const why = (version: string, reason: string | undefined, cause = ''): string =>
  isReason(reason, 'Aborted') ? `${version} was ${cause}` : `${version} failed: ${cause}`;

/** Why the attempt ended. */
export const endCause = ({ status: { attempt } }: Facts): string => (attempt?.end ? attempt.end.cause : '');

/** What runs after somebody set another image, perhaps that of an attempt that was superseded, as `kubectl rollout undo` does then; and what to do. */
function unverifiedText({ status: { attempt, history } }: Facts, to: string): string {
  const { container = '', image } = attempt?.end?.why ?? {};
  if (image === undefined) {
    return '';
  }
  const earlier = history.find(
    ({ outcome, images }) => outcome === 'Superseded' && own(images, container) === image,
  );
  const which = earlier ? `, which attempt ${earlier.attempt} set before it was superseded,` : '';
  return `; the image${which} is not verified: set it in spec.containers to verify it, or postcheck.dev/retry to roll to ${to}`;
}

/** Why the attempt ended without a fallback. */
export function failed(facts: Facts): string {
  const { from, to } = versions(facts);
  const end = facts.status.attempt?.end;
  const cause = endCause(facts);
  switch (end?.reason) {
    case 'FallbackPaused':
      return `${to} failed and stays behind closed gates, because spec.fallback.action is Pause: ${cause}`;
    case 'FallbackDisabled':
      return `${to} failed and was not rolled back, because spec.fallback.action is None: ${cause}`;
    case 'NoFallbackTarget':
      return `${to} did not pass, and there is no previous version to fall back to: ${cause}`;
    case 'ImageConflict':
      return `C${cause.slice(1)}, and ended the attempt to roll to ${to}${unverifiedText(facts, to)}`;
    case 'BaselineFailed':
      return `Nothing was upgraded to ${to}, because spec.preCheck.baseline is RequirePass and ${from ?? 'the previous version'} fails: ${cause}; fix it, or set postcheck.dev/retry to upgrade all the same`;
    case 'ImageRewritten':
      return `Nothing was upgraded to ${to}: ${cause}`;
    default:
      return `${to} failed: ${cause}`;
  }
}
