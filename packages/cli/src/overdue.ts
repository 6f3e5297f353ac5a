/** A deadline that has been over for so long that the operator may not run, and what to do then. Pure. */
import type { PodReport } from '../../../src/api/types.ts';
import { fromIso, spanText } from '../../../src/core/time.ts';
import { LATE_MS } from './looks.ts';

/** What to do if nothing was decided at a deadline; `undefined` while that may still come. */
export const overdue = (deadlineAt: number, now: number): string | undefined =>
  now - deadlineAt > LATE_MS
    ? `nothing has been decided for ${spanText(now - deadlineAt)}: kubectl postcheck check says whether the operator runs`
    : undefined;

/** The first deadline of a pod for which something has to be decided; a pod without evidence waits beyond its own. */
export function firstDeadline(pods: readonly PodReport[]): string | undefined {
  const open = pods.filter(({ state }) => state !== 'Inconclusive');
  return open
    .map(({ deadlineAt }) => deadlineAt)
    .filter((at) => at !== undefined)
    .toSorted()[0];
}

/** The same for the pods of a rollout. */
export function overduePods(pods: readonly PodReport[], now: number): string | undefined {
  const first = firstDeadline(pods);
  return first && overdue(fromIso(first), now);
}
