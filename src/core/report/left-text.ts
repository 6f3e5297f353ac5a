/** The words for places where the new version is not verified, and for what the nodes of failed pods have in common. */
import type { LeftState } from '../../api/enums.ts';
import type { Status } from '../complete-status.ts';

/** `node-7 (and 2 more): readiness-probe in container bgp exited 17 (ProbeFailed)` */
export function leftText({ left }: Pick<Status, 'left'>): string {
  const [first] = left;
  if (!first) {
    return '';
  }
  const others = left.length > 1 ? ` (and ${left.length - 1} more)` : '';
  const where = first.node === undefined ? first.name : `${first.name} on ${first.node}`;
  return `${where}${others}: ${first.message ?? first.reason}`;
}

/** What runs in these places: `3 run bgp:1.9 again`, `1 failed`. */
export function leftCounts(
  { left, turnedBack }: Pick<Status, 'left' | 'turnedBack'>,
  before: string,
): string {
  const count = (...states: LeftState[]) => left.filter(({ state }) => states.includes(state)).length;
  const [failed, unverified, unreachable] = [count('Failed'), count('Unverified'), count('Unreachable')];
  const back = count('Back', 'Unverified');
  const parts = [
    back > 0
      ? `${back} ${back === 1 ? 'runs' : 'run'} ${before} again${unverified > 0 ? `, ${unverified} of them unverified` : ''}`
      : '',
    failed > 0 && turnedBack ? `${failed} ${failed === 1 ? 'is' : 'are'} being rolled back to ${before}` : '',
    failed > 0 && !turnedBack ? `${failed} failed` : '',
    unreachable > 0 ? `${unreachable} unreachable` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

/** `all 3 failed pods are on nodes with asic=td3, but none of the 38 verified pods`, or nothing. */
export function explainedText({ explained }: Pick<Status, 'explained'>): string {
  const [first] = explained;
  if (!first) {
    return '';
  }
  const who =
    first.failed === 1 ? 'the failed pod is on a node' : `all ${first.failed} failed pods are on nodes`;
  const labels = explained.map(({ label, value }) => `${label}=${value}`).join(', ');
  return `${who} with ${labels}, but none of the ${first.verified} verified pods`;
}

/** The same as a clause of the message. */
export function explainedClause(status: Pick<Status, 'explained'>): string {
  const text = explainedText(status);
  return text && `; ${text}`;
}
