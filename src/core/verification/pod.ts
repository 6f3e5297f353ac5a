/** Evaluates one pod: pure, from the pod as it is, what was asked of it so far, and the clock. */

import { effectiveChecks } from '../../api/checks.ts';
import { cut } from '../../api/cut.ts';
import type { Class, PodState } from '../../api/enums.ts';
import { own } from '../../api/own.ts';
import { isReason, kubernetesReason, TERMINAL_REASONS } from '../../api/reasons.ts';
import type { Check } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { whatText } from '../report/cause-text.ts';
import { earliest } from '../time.ts';
import { isReady } from '../workload/pods.ts';
import type { VerificationContext } from './context.ts';
import { withWarning } from './held-up.ts';
import {
  askedNothing,
  expectedTries,
  type PodRecord,
  possibleTries,
  readinessOf,
  type TryRecord,
  validRecord,
  waitingCause,
} from './probe-cycle.ts';
import { type RecordedResult, recordedResult } from './recorded.ts';
import { clockStart, nextCycleAt, podDeadline, spacing } from './schedule.ts';

export interface PodResult {
  readonly pod: PodView;
  readonly state: PodState;
  /** Why it is in this state; names pod and node too. */
  readonly cause: Cause;
  /** The kubelet calls it Ready, all its gates included. */
  readonly isPodReady: boolean;
  /** The exit codes of its last tries, as text: the same for pods that say the same. */
  readonly codes: string;
  /** The result is on the pod already, as its condition. */
  readonly recorded: boolean;
  readonly record?: PodRecord;
  /** When the next cycle is due; `undefined` when nothing is to be asked. */
  readonly cycleAt?: number;
  /** When this result may change by the clock alone. */
  readonly lookAt?: number;
  /** When the pod has to have passed; `undefined` once it is settled, and while the clocks stand still. */
  readonly deadlineAt?: number;
}

/** What is counted over all pods, taken once. */
const shown = (pod: PodView, record: PodRecord | undefined): Pick<PodResult, 'codes' | 'isPodReady'> => ({
  isPodReady: isReady(pod),
  codes: (record?.tries ?? [])
    .filter(({ verdict }) => verdict.exitCode !== undefined)
    .map(({ check, container, verdict }) => `${check}/${container}/${verdict.exitCode}`)
    .join(' '),
});

/** Reasons of one family alternate while the kubelet backs off; their clock must not start again each time. */
export const waitingFamily = (reason: string): string =>
  reason === 'ImagePullBackOff' ? 'ErrImagePull' : reason;

/** How long a reason that does not heal by itself is given, never beyond the pod's deadline; `undefined` for any other word. */
const terminalAfterSeconds = (reason: string): number | undefined =>
  own<{ afterSeconds: number }>(TERMINAL_REASONS, reason)?.afterSeconds;

/** Waits for something that may never come by itself. */
export const isStuck = ({ state, reason }: ContainerView): boolean =>
  state === 'waiting' && terminalAfterSeconds(reason) !== undefined;

interface Finding {
  readonly state: PodState;
  readonly cause: Cause;
  readonly lookAt?: number;
}

const DETAIL_MAX = 512;

const isOfTemplate =
  ({ template }: VerificationContext) =>
  ({ name }: ContainerView): boolean =>
    template.includes(name);

/** A container that waits for something that does not come by itself. One that somebody injected says nothing of the version. */
function terminal(pod: PodView, context: VerificationContext, now: number): Finding | undefined {
  const stuck = pod.containers.filter(isStuck).filter(isOfTemplate(context));
  const looks: number[] = [];
  for (const container of stuck) {
    const since = context.waitingSince.get(`${pod.uid}/${container.name}`)?.since ?? now;
    const given = terminalAfterSeconds(waitingFamily(container.reason)) ?? 0;
    const at = Math.min(since + given * 1000, Math.max(since, podDeadline(pod, context)));
    if (now >= at) {
      return { state: 'Failed', cause: waitingCause(container) };
    }
    looks.push(at);
  }
  const [first] = stuck;
  const lookAt = earliest(looks);
  return first && lookAt !== undefined ? { state: 'Waiting', cause: waitingCause(first), lookAt } : undefined;
}

/**
 * Restarts that say something of the version: of containers that it changed, since this verification began. Not those that the kubelet makes for
 * a resize in place, nor one after the node had lost the container, nor one that a restart rule of the pod's author asks for.
 */
function restarts(pod: PodView, context: VerificationContext): Finding | undefined {
  const { maxRestarts } = context.spec.postCheck.readiness;
  const counted = pod.containers
    .filter(({ name }) => context.spec.containers.some((wanted) => wanted.name === name))
    .map((container) => ({ container, count: ownRestarts(pod, container, context) }))
    .filter(({ count }) => count > maxRestarts);
  const worst = counted.sort((a, b) => b.count - a.count)[0];
  if (!worst) {
    return undefined;
  }
  const { name, exitCode, ended } = worst.container;
  return {
    state: 'Failed',
    cause: {
      reason: 'TooManyRestarts',
      container: name,
      restarts: worst.count,
      limit: maxRestarts,
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(ended?.reason ? { ended: kubernetesReason(ended.reason) } : {}),
    },
  };
}

const LOST = ['Unknown', 'ContainerStatusUnknown'];

function ownRestarts(pod: PodView, container: ContainerView, context: VerificationContext): number {
  const { ended, restartsToResize, name } = container;
  if (ended && (ended.byRule || LOST.includes(ended.reason))) {
    return 0;
  }
  const resizes = restartsToResize ? (pod.specChanges ?? 0) : 0;
  return container.restarts - context.restartsBefore(pod, name) - resizes;
}

const CLASSES_WORST_FIRST: readonly Class[] = ['Fail', 'Retry', 'Error', 'Skip', 'Pass'];

export const worstTriesFirst = (tries: readonly TryRecord[]): TryRecord[] =>
  [...tries].sort(
    (a, b) => CLASSES_WORST_FIRST.indexOf(a.verdict.class) - CLASSES_WORST_FIRST.indexOf(b.verdict.class),
  );

const COMMAND_MAX = 256;

function tryCause({ check, container, verdict }: TryRecord, pod: PodView, checks: readonly Check[]): Cause {
  const { reason, said, exitCode, seconds, unrunnable } = verdict;
  const cause: Cause = {
    reason,
    check,
    container,
    exitCode,
    seconds,
    ...(said ? { detail: cut(said, DETAIL_MAX) } : {}),
  };
  if (!isReason(reason, 'CommandMissing', 'CommandNotRunnable')) {
    return cause;
  }
  const command = checks.find(({ name }) => name === check)?.exec?.command[0];
  const image = pod.containers.find(({ name }) => name === container)?.image;
  return {
    ...cause,
    ...(image === undefined ? {} : { image }),
    ...(command === undefined ? {} : { command: cut(command, COMMAND_MAX) }),
    ...(unrunnable ? { unrunnable } : {}),
  };
}

/** Why the record does not pass: what a check said against it, else readiness, else that nobody answered. */
function failureCause(
  pod: PodView,
  record: PodRecord | undefined,
  context: VerificationContext,
  now: number,
): Cause {
  const { readiness } = context.spec.postCheck;
  const checks = effectiveChecks(context.spec);
  const [worst] = worstTriesFirst(record?.tries ?? []);
  const said = worst && tryCause(worst, pod, checks);
  if (worst?.verdict.class === 'Fail' || worst?.verdict.class === 'Retry') {
    return tryCause(worst, pod, checks);
  }
  // What does not run cannot be asked, also where readiness is not required.
  const isUnasked = possibleTries(context, pod).length < expectedTries(context, pod).length;
  const unready = (readiness.required || isUnasked) && readinessOf(pod, readiness.minReadySeconds, now).cause;
  if (unready) {
    return withWarning(unready, pod, context);
  }
  // Its checks said nothing against it: what the last cycle found wanting was readiness.
  if (record?.class === 'Retry') {
    return { reason: 'NotReady' };
  }
  return said ? { ...said, ...passesSoFar(record, context) } : { reason: 'NotProbedYet' };
}

/** A pod that passes has to do so several times in a row. */
const passesSoFar = (
  record: PodRecord | undefined,
  { spec }: VerificationContext,
): Pick<Cause, 'repeated' | 'limit'> =>
  record && record.passes > 0 ? { repeated: record.passes, limit: spec.postCheck.successThreshold } : {};

function passed(record: PodRecord): Finding {
  if (record.class === 'Skip') {
    return { state: 'Skipped', cause: { reason: 'AllSkipped' } };
  }
  const nothing = askedNothing(record.tries.map(({ verdict }) => verdict));
  return { state: 'Passed', cause: { reason: nothing ? 'NothingAsked' : 'PostCheckPassed' } };
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
  return { state: 'Failed', cause: { ...cause, reason, ...(isAsked ? {} : { said: whatText(sofar) }) } };
}

function lostNode({ node }: PodView, context: VerificationContext): Finding | undefined {
  return node && !context.nodeReady(node)
    ? { state: 'Inconclusive', cause: { reason: 'NodeUnreachable' } }
    : undefined;
}

const isSettled = ({ state }: Finding): boolean =>
  state === 'Failed' || state === 'Passed' || state === 'Skipped';

const withPod = (cause: Cause, { name, node }: PodView): Cause => ({
  ...cause,
  pod: name,
  ...(node ? { node } : {}),
});

/** A pod whose result is recorded on it, by an earlier look or an earlier process. While it soaks it is probed further, and may fail yet. */
function recordedPod(
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
  const [worst] = worstTriesFirst(record?.tries ?? []);
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
const keptPass = (pod: PodView, { kept = [] }: VerificationContext): RecordedResult | undefined =>
  kept.map((id) => recordedResult(pod, id)).find((result) => result?.status === 'True');

/** Evaluates one pod of the wanted revision. */
export function evaluatePod(
  pod: PodView,
  cycles: PodRecord | undefined,
  context: VerificationContext,
  now: number,
): PodResult {
  const record = validRecord(cycles, context.id, pod);
  const withRecord = record ? { pod, record } : { pod };
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
    ...withRecord,
    state: finding.state,
    cause: withPod(finding.cause, pod),
    recorded: false,
    ...shown(pod, record),
    ...(cycleAt === undefined ? {} : { cycleAt }),
    ...(lookAt === undefined ? {} : { lookAt }),
    // While standing still every deadline is a whole one away: told, it would be a write a second.
    ...(settled || context.isPaused ? {} : { deadlineAt: podDeadline(pod, context) }),
  };
}
