/** Evaluates one pod: pure, from the pod as it is, what was asked of it so far, and the clock. */

import { effectiveChecks } from '../../api/checks.ts';
import { cut } from '../../api/cut.ts';
import type { Class, PodState } from '../../api/enums.ts';
import { own } from '../../api/own.ts';
import { type AnyReason, isReason, kubernetesReason, TERMINAL_REASONS } from '../../api/reasons.ts';
import type { UpgradeSpec } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import { earliest, latest, spanText } from '../time.ts';
import { type PodRecord, possibleTries, readinessOf, type TryRecord, validRecord } from './probe-cycle.ts';
import { type RecordedResult, recordedResult } from './recorded.ts';

export interface PodResult {
  readonly pod: PodView;
  readonly state: PodState;
  /** CamelCase. */
  readonly reason: AnyReason;
  /** A clause that can follow "pod NAME: ". */
  readonly message: string;
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

/** What the pods of one verification (an attempt or its fallback) are judged by. */
export interface VerificationContext {
  readonly id: string;
  readonly spec: UpgradeSpec;
  readonly inFallback: boolean;
  readonly startedAt: number;
  readonly resumedAt?: number;
  readonly deadlineSeconds: number;
  readonly nodeReady: (node: string) => boolean;
  /** Pods that have passed are probed further, and may fail late. */
  readonly isSoaking?: boolean;
  /** The clocks of pods on a node that was lost begin anew when it is back: they could not be asked meanwhile. */
  readonly nodeBackAt?: ReadonlyMap<string, number>;
  /** Waiting reasons by `pod uid/container`, and since when we have seen them: the API does not say. */
  readonly waitingSince: ReadonlyMap<string, { readonly reason: string; readonly since: number }>;
}

/** Reasons of one family alternate while the kubelet backs off; their clock must not start again each time. */
export const waitingFamily = (reason: string): string =>
  reason === 'ImagePullBackOff' ? 'ErrImagePull' : reason;

/** How long a reason that does not heal by itself is given, never beyond the pod's deadline; `undefined` for any other word. */
const terminalAfterSeconds = (reason: string): number | undefined =>
  own<{ afterSeconds: number }>(TERMINAL_REASONS, reason)?.afterSeconds;

export const isTerminalReason = (reason: string): boolean => terminalAfterSeconds(reason) !== undefined;

const clockStart = (pod: PodView, verification: VerificationContext): number =>
  latest(
    pod.createdAt,
    verification.startedAt,
    verification.resumedAt,
    verification.nodeBackAt?.get(pod.node),
  );

export function podDeadline(pod: PodView, verification: VerificationContext): number {
  return (
    clockStart(pod, verification) +
    (verification.spec.postCheck.initialDelaySeconds + verification.deadlineSeconds) * 1000
  );
}

interface Finding {
  readonly state: PodState;
  readonly reason: AnyReason;
  readonly message: string;
  readonly lookAt?: number;
}

function terminal(pod: PodView, verification: VerificationContext, now: number): Finding | undefined {
  const stuck = pod.containers.filter(({ state, reason }) => state === 'waiting' && isTerminalReason(reason));
  const looks: number[] = [];
  for (const container of stuck) {
    const family = waitingFamily(container.reason);
    const since = verification.waitingSince.get(`${pod.uid}/${container.name}`)?.since ?? now;
    const at = Math.min(
      since + (terminalAfterSeconds(family) ?? 0) * 1000,
      Math.max(since, podDeadline(pod, verification)),
    );
    const detail = container.message ? `: ${cut(container.message, 300)}` : '';
    if (now >= at) {
      return {
        state: 'Failed',
        reason: kubernetesReason(container.reason),
        message: `container ${container.name} cannot start, ${container.reason}${detail}`,
      };
    }
    looks.push(at);
  }
  const lookAt = earliest(looks);
  return lookAt === undefined
    ? undefined
    : {
        state: 'Waiting',
        reason: kubernetesReason(stuck[0]?.reason ?? ''),
        message: `container ${stuck[0]?.name} cannot start yet, ${stuck[0]?.reason}`,
        lookAt,
      };
}

/** Restarts count only in pods that this attempt (or fallback) made; creation times are whole seconds. */
function restarts(pod: PodView, verification: VerificationContext): Finding | undefined {
  if (pod.createdAt < Math.floor(verification.startedAt / 1000) * 1000) {
    return undefined;
  }
  const { maxRestarts } = verification.spec.postCheck.readiness;
  const total = pod.containers.reduce((sum, container) => sum + container.restarts, 0);
  if (total <= maxRestarts) {
    return undefined;
  }
  const worst = pod.containers.reduce(
    (a: ContainerView | undefined, b) => (a && a.restarts >= b.restarts ? a : b),
    undefined,
  );
  const code = worst?.exitCode === undefined ? '' : `, last with exit code ${worst.exitCode}`;
  return {
    state: 'Failed',
    reason: 'TooManyRestarts',
    message: `container ${worst?.name} restarted ${worst?.restarts} times${code} (maxRestarts ${maxRestarts})`,
  };
}

const CLASSES_WORST_FIRST: readonly Class[] = ['Fail', 'Retry', 'Error', 'Skip', 'Pass'];

export const worstTriesFirst = (tries: readonly TryRecord[]): TryRecord[] =>
  [...tries].sort(
    (a, b) => CLASSES_WORST_FIRST.indexOf(a.verdict.class) - CLASSES_WORST_FIRST.indexOf(b.verdict.class),
  );

/** The worst thing the last cycle heard, as a clause: `readiness-probe in container web exited 17 (ProbeFailed)`. */
export function worstTry(record: PodRecord): { reason: AnyReason; message: string } | undefined {
  const [worst] = worstTriesFirst(record.tries);
  if (!worst) {
    return undefined;
  }
  const { verdict } = worst;
  const what = verdict.exitCode === undefined ? '' : ` exited ${verdict.exitCode}`;
  const meaning = verdict.message ? `: ${verdict.message}` : '';
  return {
    reason: verdict.reason,
    message: `${worst.check} in container ${worst.container}${what} (${verdict.reason}${meaning})`,
  };
}

/** Why the record does not pass: a check's own words, or readiness. */
function failureReason(
  pod: PodView,
  record: PodRecord | undefined,
  verification: VerificationContext,
  now: number,
): { reason: AnyReason; message: string } {
  const worst = record && worstTry(record);
  const bad = record?.tries.some(
    ({ verdict }) => verdict.class === 'Retry' || verdict.class === 'Fail' || verdict.class === 'Error',
  );
  const readiness = readinessOf(pod, verification.spec.postCheck.readiness.minReadySeconds, now);
  if (worst && bad) {
    return readiness.ready || !verification.spec.postCheck.readiness.required
      ? worst
      : { ...worst, message: `${worst.message}; not ready: ${readiness.message}` };
  }
  if (!readiness.ready && verification.spec.postCheck.readiness.required) {
    return { reason: readiness.reason, message: `not ready: ${readiness.message || readiness.reason}` };
  }
  return worst ?? { reason: 'NotAskedYet', message: 'not asked yet' };
}

function byRecord(
  pod: PodView,
  record: PodRecord | undefined,
  verification: VerificationContext,
  now: number,
): Finding {
  const { successThreshold, failureThreshold, onInconclusive } = verification.spec.postCheck;
  const deadline = podDeadline(pod, verification);
  const why = failureReason(pod, record, verification, now);
  if (!record) {
    return { state: 'Waiting', ...why, lookAt: deadline };
  }
  if (record.class === 'Fail') {
    return { state: 'Failed', ...why };
  }
  if (record.passes >= successThreshold) {
    return record.class === 'Skip'
      ? { state: 'Skipped', reason: 'AllSkipped', message: 'every check said there is nothing to check' }
      : { state: 'Passed', reason: 'PostCheckPassed', message: passText(record) };
  }
  if (failureThreshold > 0 && record.failures >= failureThreshold) {
    return {
      state: 'Failed',
      reason: why.reason,
      message: `${why.message}, ${record.failures} times in a row (failureThreshold ${failureThreshold})`,
    };
  }
  const lastChance = record.startedAt >= deadline;
  if (lastChance && record.class === 'Error') {
    // A pod that was never there to be asked (unschedulable, say) tells nothing of the version.
    if (onInconclusive === 'Fallback' && record.tries.length > 0) {
      return {
        state: 'Failed',
        reason: 'InconclusiveAtDeadline',
        message: `no evidence until the deadline: ${why.message}`,
      };
    }
    return { state: 'Inconclusive', ...why };
  }
  if (lastChance && record.class === 'Retry') {
    const waited = spanText(deadline - clockStart(pod, verification));
    return { state: 'Failed', reason: why.reason, message: `${why.message} until the deadline of ${waited}` };
  }
  return { state: record.class === 'Retry' ? 'Retrying' : 'Waiting', ...why, lookAt: deadline };
}

const passText = (record: PodRecord): string =>
  record.tries.length === 0
    ? 'ready'
    : cut(
        record.tries
          .map(
            ({ check, container, verdict }) =>
              `${check} in container ${container} ${verdict.exitCode === undefined ? (verdict.class === 'Skip' ? 'was skipped' : 'passed') : `exited ${verdict.exitCode}`}`,
          )
          .join(', '),
        400,
      );

/** When the next cycle of this pod is due. The jitter comes from the pod's UID, so that the pods of a workload are not asked in step. */
export function nextCycleAt(
  pod: PodView,
  record: PodRecord | undefined,
  verification: VerificationContext,
  now: number,
): number | undefined {
  const { initialDelaySeconds, periodSeconds, readiness } = verification.spec.postCheck;
  const deadline = podDeadline(pod, verification);
  const tries = possibleTries(verification.spec, pod);
  const started = pod.containers
    .filter(({ name }) => tries.some(({ container }) => container === name))
    .map(({ startedAt }) => startedAt ?? 0);
  const askable =
    tries.length > 0 || (effectiveChecks(verification.spec).length === 0 && !readinessPending(pod));
  if (!record) {
    return askable
      ? latest(verification.startedAt, ...started, verification.resumedAt) + initialDelaySeconds * 1000
      : deadline;
  }
  const regular =
    record.startedAt + periodSeconds * 1000 * (0.8 + 0.4 * fraction(`${pod.uid}${record.cycles}`));
  const readyNow = readinessOf(pod, readiness.minReadySeconds, now);
  // A pod that has become ready since the last cycle is asked at once: waiting out the period would only slow good upgrades.
  const edge = record.wasReady ? undefined : readyNow.ready ? now : readyNow.dueAt;
  const last = record.startedAt < deadline ? deadline : undefined;
  return earliest([askable ? regular : undefined, askable ? edge : undefined, last]) ?? regular;
}

const readinessPending = (pod: PodView): boolean => pod.conditions['ContainersReady']?.status !== 'True';

/** A stable number in [0, 1) from text (FNV-1a). */
function fraction(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  }
  return (hash >>> 0) / 4294967296;
}

/** A pod whose result is recorded on it. While it soaks it is probed further, and may fail yet. */
function recordedPod(
  pod: PodView,
  record: PodRecord | undefined,
  { status, reason, message }: RecordedResult,
  verification: VerificationContext,
): PodResult {
  const good = isReason(reason, 'AllSkipped') ? 'Skipped' : 'Passed';
  const late = status === 'True' && verification.isSoaking ? soak(pod, record, verification) : undefined;
  return late?.state
    ? { pod, record, ...late.state, recorded: false }
    : {
        ...late?.next,
        pod,
        record,
        state: status === 'True' ? good : 'Failed',
        reason,
        message,
        recorded: true,
      };
}

/** Evaluates one pod of the wanted revision. */
export function evaluatePod(
  pod: PodView,
  known: PodRecord | undefined,
  verification: VerificationContext,
  now: number,
): PodResult {
  const record = validRecord(known, verification.id, pod);
  const withRecord = record ? { pod, record } : { pod };
  const stored = recordedResult(pod, verification.id);
  if (stored) {
    return recordedPod(pod, record, stored, verification);
  }
  const hard = terminal(pod, verification, now);
  const finding =
    hard?.state === 'Failed'
      ? hard
      : (restarts(pod, verification) ??
        lostNode(pod, verification) ??
        byRecord(pod, record, verification, now));
  // On a lost node nothing can be asked, and what was asked before must not fail the pod when the node comes back.
  const settled = finding.state === 'Failed' || finding.state === 'Passed' || finding.state === 'Skipped';
  const cycleAt =
    settled || isReason(finding.reason, 'NodeUnreachable')
      ? undefined
      : nextCycleAt(pod, record, verification, now);
  const lookAt = earliest([finding.lookAt, hard?.lookAt]);
  return {
    ...withRecord,
    state: finding.state,
    reason: finding.reason,
    message: finding.message,
    recorded: false,
    ...(cycleAt === undefined ? {} : { cycleAt }),
    ...(lookAt === undefined ? {} : { lookAt }),
    // While standing still every deadline is a whole one away: told, it would be a write a second.
    ...(settled || verification.resumedAt === now ? {} : { deadlineAt: podDeadline(pod, verification) }),
  };
}

/** Evidence so often in a row fails a pod that had passed. */
const SOAK_FAILURES = 3;
/** And it is probed no more often than this. */
const SOAK_PERIOD_SECONDS = 30;

/** A pod that has passed, probed further: whether it fails now, and if not when it is probed next. */
function soak(
  pod: PodView,
  record: PodRecord | undefined,
  verification: VerificationContext,
): { readonly state?: Finding; readonly next?: { readonly cycleAt: number } } {
  const { periodSeconds, failureThreshold } = verification.spec.postCheck;
  const threshold = Math.max(SOAK_FAILURES, failureThreshold);
  const worst = record && worstTry(record);
  if (record && worst && record.failures >= threshold) {
    const message = `${worst.message}, ${record.failures} times in a row after it had passed`;
    return { state: { state: 'Failed', reason: worst.reason, message } };
  }
  if (!pod.node || !verification.nodeReady(pod.node)) {
    return {};
  }
  const period = Math.max(periodSeconds, SOAK_PERIOD_SECONDS) * 1000;
  return { next: { cycleAt: record ? record.startedAt + period : verification.startedAt } };
}

function lostNode(pod: PodView, verification: VerificationContext): Finding | undefined {
  if (!pod.node || verification.nodeReady(pod.node)) {
    return undefined;
  }
  return { state: 'Inconclusive', reason: 'NodeUnreachable', message: `node ${pod.node} is not Ready` };
}
