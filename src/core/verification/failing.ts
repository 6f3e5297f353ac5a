/** Conditions for gated pods that do not pass yet: they show the result of the checks in `kubectl describe pod`. */
import { VERIFIED } from '../../api/names.ts';
import type { PodCondition } from '../plan.ts';
import { whatText } from '../report/cause-text.ts';
import type { PodResult } from './pod-result.ts';

/** The number of pods in one action, so that a large rollout does not spend its requests on them. */
const MAX_PODS = 10;

/** A changed code is written only after 1, 2, 4, 8, … cycles, so that one that changes with every try causes few writes. */
const isPowerOfTwo = (cycles: number): boolean => (cycles & (cycles - 1)) === 0;

/** Conditions with status `False` and the exit code, written at the first failed try and when the reason or the code has changed. Without pins they are no results. */
export function failingConditions(results: readonly PodResult[]): PodCondition[] {
  const found: PodCondition[] = [];
  for (const { pod, state, cause, record } of results) {
    if (state !== 'Retrying' || !cause.check || !record || !pod.gates.includes(VERIFIED)) {
      continue;
    }
    const condition = pod.conditions[VERIFIED];
    const message = whatText(cause);
    const isNew = !condition || condition.status === 'Unknown';
    if (isNew || (isPowerOfTwo(record.cycles) && condition.message !== message)) {
      found.push({ pod, condition: { status: 'False', reason: cause.reason, message } });
    }
    if (found.length === MAX_PODS) {
      break;
    }
  }
  return found;
}
