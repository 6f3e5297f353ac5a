/** Which pods are probed now, and when to look again. */
import type { PlannedCycle } from '../plan.ts';
import { earliest } from '../time.ts';
import type { VerificationContext } from './context.ts';
import type { PodResult } from './pod.ts';
import { possibleTries } from './probe-cycle.ts';

export interface Due {
  readonly cycles: readonly PlannedCycle[];
  readonly wakeAt: number | undefined;
}

/** Probe cycles that are due now, and when the next one is, or a result may change. */
export function scheduleProbes(
  now: number,
  results: readonly PodResult[],
  context: VerificationContext,
): Due {
  const { id, inFallback } = context;
  const isDue = ({ cycleAt }: PodResult) => cycleAt !== undefined && cycleAt <= now;
  const cycles = results
    .filter(isDue)
    .map(({ pod }) => ({ pod, verification: id, inFallback, tries: possibleTries(context, pod) }));
  const later = results
    .flatMap(({ cycleAt, lookAt }) => [cycleAt, lookAt])
    .filter((at) => at !== undefined && at > now);
  return { cycles, wakeAt: earliest(later) };
}
