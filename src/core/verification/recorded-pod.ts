/** Pods whose result stands already: recorded on the pod, or kept from an attempt that this one goes on with. */
import { effectiveChecks } from '../../api/checks.ts';
import { isReason } from '../../api/reasons.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { VerificationContext } from './context.ts';
import { tryCause, worstTriesFirst } from './failure-cause.ts';
import { type PodResult, shown, withPod } from './pod-result.ts';
import { type PodRecord, triesOf } from './probe-cycle.ts';
import { type RecordedResult, recordedResult } from './recorded.ts';
import { spacing } from './schedule.ts';

/** A pod whose result is recorded on it, by an earlier look or an earlier process. While it soaks it is probed further, and may fail yet. */
export function recordedPod(
  pod: PodView,
  record: PodRecord | undefined,
  { status, reason, message }: RecordedResult,
  context: VerificationContext,
): PodResult {
  const late = status === 'True' && context.isSoaking ? soak(pod, record, context) : undefined;
  if (late?.cause) {
    const cause = withPod(late.cause, pod);
    return { pod, record, state: 'Failed', cause, recorded: false, ...shown(pod, record) };
  }
  const good = isReason(reason, 'AllSkipped') ? 'Skipped' : 'Passed';
  return {
    ...late?.next,
    pod,
    record,
    state: status === 'True' ? good : 'Failed',
    cause: withPod({ reason, said: message }, pod),
    recorded: true,
    ...shown(pod, record),
  };
}

/** Evidence so often in a row fails a pod that had passed. */
const SOAK_FAILURES = 3;
/** And it is probed no more often than this. */
const SOAK_PERIOD_SECONDS = 30;

/** A pod that has passed, probed further: why it fails now, or when it is probed next. */
function soak(
  pod: PodView,
  record: PodRecord | undefined,
  context: VerificationContext,
): { readonly cause?: Cause; readonly next?: { readonly cycleAt: number } } {
  const { periodSeconds, failureThreshold } = context.spec.postCheck;
  const [worst] = worstTriesFirst(triesOf(record));
  if (record && worst && record.failures >= Math.max(SOAK_FAILURES, failureThreshold)) {
    const cause = tryCause(worst, pod, effectiveChecks(context.spec));
    return { cause: { ...cause, repeated: record.failures, late: true } };
  }
  if (!pod.node || !context.nodeReady(pod.node)) {
    return {};
  }
  const period = Math.max(periodSeconds, SOAK_PERIOD_SECONDS) * 1000;
  const cycleAt = record ? record.startedAt + period * spacing(record) : context.startedAt;
  return Number.isFinite(cycleAt) ? { next: { cycleAt } } : {};
}

/** A pod that passed in an attempt that this one goes on with. What failed there is tried again. */
export const keptPass = (pod: PodView, { kept = [] }: VerificationContext): RecordedResult | undefined =>
  kept.map((id) => recordedResult(pod, id)).find((result) => result?.status === 'True');
