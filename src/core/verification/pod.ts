/** Evaluates one pod: pure, from the pod as it is, what was asked of it so far, and the clock. */

import { isReason } from '../../api/reasons.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { whatText } from '../report/cause-text.ts';
import { earliest } from '../time.ts';
import { restarts, terminal } from './container-findings.ts';
import type { VerificationContext } from './context.ts';
import { failureCause } from './failure-cause.ts';
import { type Finding, type PodResult, shown, withPod } from './pod-result.ts';
import { askedNothing, type PodRecord, validRecord } from './probe-cycle.ts';
import { readinessOf } from './readiness.ts';
import { recordedResult } from './recorded.ts';
import { keptPass, recordedPod } from './recorded-pod.ts';
import { clockStart, nextCycleAt, podDeadline } from './schedule.ts';
import { imageChange } from './witness.ts';

function passed(record: PodRecord): Finding {
  if (record.class === 'Skip') {
    return { state: 'Skipped', cause: { reason: 'AllSkipped' } };
  }
  const nothing = askedNothing(record.tries.map(({ verdict }) => verdict));
  return { state: 'Passed', cause: { reason: nothing ? 'NoCheckRan' : 'PostCheckPassed' } };
}

function byRecord(
  pod: PodView,
  record: PodRecord | undefined,
  context: VerificationContext,
  now: number,
): Finding {
  const { successThreshold, failureThreshold } = context.spec.postCheck;
  if (record && record.class !== 'Fail' && record.passes >= successThreshold) {
    return passed(record);
  }
  const deadline = podDeadline(pod, context);
  const cause = failureCause(pod, record, context, now);
  if (!record) {
    return { state: 'Waiting', cause, lookAt: deadline };
  }
  if (record.class === 'Fail') {
    return { state: 'Failed', cause };
  }
  if (failureThreshold > 0 && record.failures >= failureThreshold) {
    return { state: 'Failed', cause: { ...cause, repeated: record.failures, limit: failureThreshold } };
  }
  if (record.startedAt >= deadline && (record.class === 'Error' || record.class === 'Retry')) {
    const deadlineSeconds = Math.round((deadline - clockStart(pod, context)) / 1000);
    return atDeadline(record, { ...cause, deadlineSeconds }, context);
  }
  return { state: record.class === 'Retry' ? 'Retrying' : 'Waiting', cause, lookAt: deadline };
}

/** A cycle after the deadline did not pass either. */
function atDeadline(record: PodRecord, cause: Cause, { spec, inFallback }: VerificationContext): Finding {
  if (record.class === 'Retry') {
    return { state: 'Failed', cause };
  }
  const isAsked = record.tries.length > 0;
  // The choice is for every pod without an answer. A fallback has nothing to fall back to: a pod of it that never starts is waited for.
  if (spec.postCheck.onInconclusive !== 'Fallback' || (inFallback && !isAsked)) {
    return { state: 'Inconclusive', cause };
  }
  const reason = 'InconclusiveAtDeadline';
  const { deadlineSeconds: _, ...sofar } = cause;
  // Of a pod that no check could ask, what kept it from starting is all that can be told.
  return { state: 'Failed', cause: { ...cause, reason, said: isAsked ? undefined : whatText(sofar) } };
}

function lostNode({ node }: PodView, context: VerificationContext): Finding | undefined {
  return node && !context.nodeReady(node)
    ? { state: 'Inconclusive', cause: { reason: 'NodeUnreachable' } }
    : undefined;
}

const isSettled = ({ state }: Finding): boolean =>
  state === 'Failed' || state === 'Passed' || state === 'Skipped';

/** Nothing that the pod says counts, nor what was recorded of it, so it is not asked. */
function noWitness(pod: PodView, cause: Cause, context: VerificationContext, now: number): PodResult {
  const deadlineAt = podDeadline(pod, context);
  const isLate = now >= deadlineAt;
  return {
    pod,
    state: isLate ? 'Inconclusive' : 'Waiting',
    cause: withPod(cause, pod),
    recorded: false,
    ...shown(pod, undefined),
    lookAt: isLate ? undefined : deadlineAt,
    deadlineAt: context.isPaused ? undefined : deadlineAt,
  };
}

/** Evaluates one pod of the wanted revision. */
export function evaluatePod(
  pod: PodView,
  cycles: PodRecord | undefined,
  context: VerificationContext,
  now: number,
): PodResult {
  const change = imageChange(pod, context);
  if (change) {
    return noWitness(pod, change, context, now);
  }
  const record = validRecord(cycles, context.id, pod);
  const known = recordedResult(pod, context.id) ?? keptPass(pod, context);
  if (known) {
    return recordedPod(pod, record, known, context);
  }
  const hard = terminal(pod, context, now);
  const finding =
    hard?.state === 'Failed'
      ? hard
      : (restarts(pod, context) ?? lostNode(pod, context) ?? byRecord(pod, record, context, now));
  const settled = isSettled(finding);
  // On a lost node nothing can be asked, and what was asked before must not fail the pod when the node comes back.
  const cycleAt =
    settled || isReason(finding.cause.reason, 'NodeUnreachable')
      ? undefined
      : nextCycleAt(pod, record, context, now);
  const { dueAt } = settled ? {} : readinessOf(pod, context.spec.postCheck.readiness.minReadySeconds, now);
  const lookAt = earliest([finding.lookAt, hard?.lookAt, dueAt].filter((at) => at !== undefined && at > now));
  return {
    pod,
    record,
    state: finding.state,
    cause: withPod(finding.cause, pod),
    recorded: false,
    ...shown(pod, record),
    cycleAt,
    lookAt,
    // While standing still every deadline is a whole one away: told, it would be a write a second.
    deadlineAt: settled || context.isPaused ? undefined : podDeadline(pod, context),
  };
}
