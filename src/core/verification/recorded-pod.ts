/** Pods with a recorded result: from this verification, or from an attempt that this one continues. */
import { effectiveChecks } from '../../api/checks.ts';
import { isReason } from '../../api/reasons.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { latest } from '../time.ts';
import type { VerificationContext } from './context.ts';
import { tryCause, worstTriesFirst } from './failure-cause.ts';
import { countedOf, type Lapse, type PodResult, withPod } from './pod-result.ts';
import { type PodRecord, triesOf } from './probe-cycle.ts';
import { readinessOf, waitsForOthers } from './readiness.ts';
import { type RecordedResult, recordedResult } from './recorded.ts';
import { spacing, timeLimit } from './schedule.ts';

/** The result of a pod that has one recorded. During a soak the pod is still probed, and may still fail. */
export function recordedPod(
  pod: PodView,
  record: PodRecord | undefined,
  { status, reason, message }: RecordedResult,
  context: VerificationContext,
  now: number,
): PodResult {
  const soaked = status === 'True' && context.isSoaking ? soak(pod, record, context) : undefined;
  if (soaked?.cause) {
    const cause = withPod(soaked.cause, pod);
    return { pod, record, state: 'Failed', cause, recorded: false, ...countedOf(pod, record) };
  }
  const passed = isReason(reason, 'AllSkipped') ? 'Skipped' : 'Passed';
  const lapse = status === 'True' ? lapseOf(pod, context, now) : undefined;
  const { countsAt } = lapse ?? {};
  return {
    ...soaked?.next,
    ...(lapse ? { lapse } : {}),
    ...(countsAt !== undefined && countsAt > now ? { lookAt: countsAt } : {}),
    pod,
    record,
    state: status === 'True' ? passed : 'Failed',
    cause: withPod({ reason, text: message }, pod),
    recorded: true,
    ...countedOf(pod, record),
  };
}

/**
 * A pod that had passed and is not ready any more has the whole time of a pod to be ready again. On a lost node nobody knows what has become of it: that
 * is no evidence, but its controller may wait for it.
 */
function lapseOf(pod: PodView, context: VerificationContext, now: number): Lapse | undefined {
  if (!context.nodeReady(pod.node)) {
    return { cause: withPod({ reason: 'NodeUnreachable', late: true }, pod), countsAt: undefined };
  }
  const { cause, since } = readinessOf(pod, 0, now);
  if (!cause) {
    return undefined;
  }
  const isOwn = context.spec.postCheck.readiness.required && !waitsForOthers(pod, context.template);
  const from = latest(since, context.startedAt, context.resumedAt, context.nodeBackAt?.get(pod.node));
  const countsAt = isOwn ? from + timeLimit(context) : undefined;
  return { cause: withPod({ ...cause, late: true }, pod), countsAt };
}

/** Failures in a row that fail a pod that had passed. */
const SOAK_FAILURES = 3;
/** The shortest period of its probes. */
const SOAK_PERIOD_SECONDS = 30;

/** A pod that had passed: why it fails now, or when it is probed next. */
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

/** The pass of a pod in an attempt that this one continues. Pods that failed there are verified again. */
export const keptPass = (
  pod: PodView,
  { kept = [], spec }: VerificationContext,
): RecordedResult | undefined =>
  kept.map((id) => recordedResult(pod, { id, spec })).find((result) => result?.status === 'True');
