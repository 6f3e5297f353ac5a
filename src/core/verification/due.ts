/** Which pods are probed now, and when the next decision is due. */
import type { PlannedCycle } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import type { VerificationContext } from './context.ts';
import type { PodResult } from './pod-result.ts';
import { possibleTries } from './tries.ts';

export interface Due {
  readonly cycles: readonly PlannedCycle[];
  readonly wakeAt: number | undefined;
}

/** Probe cycles that are due now, and when the next one is due or a result may change. */
export function scheduleProbes(
  { now, isProbing }: Pick<Snapshot, 'now' | 'isProbing'>,
  results: readonly PodResult[],
  context: VerificationContext,
): Due {
  const { id, inFallback, template } = context;
  const cycles: PlannedCycle[] = [];
  let wakeAt: number | undefined;
  for (const { pod, record, cycleAt, lookAt, deadlineAt } of results) {
    if (cycleAt !== undefined && cycleAt <= now && !isProbing?.(pod.uid)) {
      const mayDecide = record !== undefined || (deadlineAt !== undefined && deadlineAt <= now);
      const tries = possibleTries(context, pod);
      cycles.push({ pod, verification: id, inFallback, template, tries, mayDecide });
    }
    for (const at of [cycleAt, lookAt]) {
      wakeAt = at !== undefined && at > now && at < (wakeAt ?? Number.POSITIVE_INFINITY) ? at : wakeAt;
    }
  }
  return { cycles, wakeAt };
}
