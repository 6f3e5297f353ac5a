/** Pods behind a closed gate that do not pass yet: what their checks say is written to them too, where `kubectl describe pod` looks for it. */
import { VERIFIED } from '../../api/names.ts';
import type { PodCondition } from '../plan.ts';
import { whatText } from '../report/cause-text.ts';
import type { PodResult } from './pod-result.ts';

/** Pods that are told of at once, so that a large rollout does not spend its requests on them. */
const MOST_PODS = 10;

/** A code that changes is told after 1, 2, 4, 8, … cycles, so that one which changes with every try costs next to nothing. */
const isTurn = (cycles: number): boolean => (cycles & (cycles - 1)) === 0;

/** The conditions to write: `False` with the code, at the first try that failed and when the reason or the code has changed since. Without pins, so it is no result. */
export function failingConditions(results: readonly PodResult[]): PodCondition[] {
  const found: PodCondition[] = [];
  for (const { pod, state, cause, record } of results) {
    if (state !== 'Retrying' || !cause.check || !record || !pod.gates.includes(VERIFIED)) {
      continue;
    }
    const known = pod.conditions[VERIFIED];
    const message = whatText(cause);
    const isNew = !known || known.status === 'Unknown';
    if (isNew || (isTurn(record.cycles) && known.message !== message)) {
      found.push({ pod, condition: { status: 'False', reason: cause.reason, message } });
    }
    if (found.length === MOST_PODS) {
      break;
    }
  }
  return found;
}
