/** Evaluates one pod, from its present state, its probes so far, and the time. */

import { isReason } from '../../api/reasons.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { whatText } from '../report/cause-text.ts';
import { earliest } from '../time.ts';
import { restarts, terminal } from './container-findings.ts';
import type { VerificationContext } from './context.ts';
import { failureCause } from './failure-cause.ts';
import { countedOf, type Finding, type PodResult, withPod } from './pod-result.ts';
import { type PodRecord, ranNoCheck, validRecord } from './probe-cycle.ts';
import { readinessOf } from './readiness.ts';
import { recordedResult } from './recorded.ts';
import { keptPass, recordedPod } from './recorded-pod.ts';
import { clockStart, nextCycleAt, podDeadline } from './schedule.ts';
import { whyNoWitness } from './witness.ts';

function passed(record: PodRecord): Finding {
  if (record.class === 'Skip') {
    return { state: 'Skipped', cause: { reason: 'AllSkipped' } };
  }
  const nothing = ranNoCheck(record.tries.map(({ verdict }) => verdict));
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

/** The result of a pod that did not pass in a cycle after its deadline either. */
function atDeadline(record: PodRecord, cause: Cause, { spec, inFallback }: VerificationContext): Finding {
  if (record.class === 'Retry') {
    return { state: 'Failed', cause };
  }
  const wasProbed = record.tries.length > 0;
  // onInconclusive applies to every pod without a result. A fallback has no version to fall back to, so it waits for a pod that never started.
  if (spec.postCheck.onInconclusive !== 'Fallback' || (inFallback && !wasProbed)) {
    return { state: 'Inconclusive', cause };
  }
  const reason = 'InconclusiveAtDeadline';
  const { deadlineSeconds: _, ...untilThen } = cause;
  // For a pod that could not be probed, the reason why it did not start is all that can be said.
  return { state: 'Failed', cause: { ...cause, reason, text: wasProbed ? undefined : whatText(untilThen) } };
}

function lostNode({ node }: PodView, context: VerificationContext): Finding | undefined {
  return node && !context.nodeReady(node)
    ? { state: 'Inconclusive', cause: { reason: 'NodeUnreachable' } }
    : undefined;
}

const isSettled = ({ state }: Finding): boolean =>
  state === 'Failed' || state === 'Passed' || state === 'Skipped';

/** The result of a pod that is no witness: nothing about it counts, so it is not probed. */
function noWitness(pod: PodView, cause: Cause, context: VerificationContext, now: number): PodResult {
  const deadlineAt = podDeadline(pod, context);
  const isLate = now >= deadlineAt;
  return {
    pod,
    state: isLate ? 'Inconclusive' : 'Waiting',
    cause: withPod(cause, pod),
    recorded: false,
    ...countedOf(pod, undefined),
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
  const why = whyNoWitness(pod, context);
  if (why) {
    return noWitness(pod, why, context, now);
  }
  const record = validRecord(cycles, context.id, pod);
  const recorded = recordedResult(pod, context) ?? keptPass(pod, context);
  if (recorded) {
    return recordedPod(pod, record, recorded, context, now);
  }
  const stuck = terminal(pod, context, now);
  const finding =
    stuck?.state === 'Failed'
      ? stuck
      : (restarts(pod, context) ?? lostNode(pod, context) ?? byRecord(pod, record, context, now));
  const settled = isSettled(finding);
  // A pod on a lost node cannot be probed, and earlier probes must not fail it when the node is Ready again.
  const cycleAt =
    settled || isReason(finding.cause.reason, 'NodeUnreachable')
      ? undefined
      : nextCycleAt(pod, record, context, now);
  const { dueAt } = settled ? {} : readinessOf(pod, context.spec.postCheck.readiness.minReadySeconds, now);
  const lookAt = earliest(
    [finding.lookAt, stuck?.lookAt, dueAt].filter((at) => at !== undefined && at > now),
  );
  return {
    pod,
    record,
    state: finding.state,
    cause: withPod(finding.cause, pod),
    recorded: false,
    ...countedOf(pod, record),
    cycleAt,
    lookAt,
    // While suspended the full time is always left. Reporting that would change the status every second.
    deadlineAt: settled || context.isPaused ? undefined : podDeadline(pod, context),
  };
}
