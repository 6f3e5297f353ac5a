/** When a pod is probed, and its deadline. */
import { effectiveChecks } from '../../api/checks.ts';
import type { PodView } from '../../api/views.ts';
import { earliest, latest } from '../time.ts';
import type { VerificationContext } from './context.ts';
import type { PodRecord } from './probe-cycle.ts';
import { areContainersReady, readinessOf } from './readiness.ts';
import { possibleTries } from './tries.ts';

/**
 * When the time of the pod starts: a pod whose containers were started only in the second half of it, or later, because no node was free or its
 * image took long to pull, has its whole time from then on, because little could be said about it before.
 */
export function clockStart(pod: PodView, context: VerificationContext): number {
  const start = latest(
    pod.createdAt,
    context.startedAt,
    context.resumedAt,
    context.nodeBackAt?.get(pod.node),
  );
  const started = lastStart(pod, context);
  return started > start + timeLimit(context) / 2 ? started : start;
}

/** How long a pod may take, in milliseconds. */
export const timeLimit = ({
  spec,
  deadlineSeconds,
}: Pick<VerificationContext, 'spec' | 'deadlineSeconds'>): number =>
  (spec.postCheck.initialDelaySeconds + deadlineSeconds) * 1000;

/** When the last container of the template was started; restarts do not count, because each would start the time again. */
function lastStart({ containers }: PodView, { template }: VerificationContext): number {
  const own = containers.filter(({ name, role }) => role !== 'init' && template.includes(name));
  const isFirstRun = own.every(({ restarts }) => restarts === 0);
  return isFirstRun ? latest(...own.map(({ startedAt }) => startedAt)) : Number.NEGATIVE_INFINITY;
}

export const podDeadline = (pod: PodView, context: VerificationContext): number =>
  clockStart(pod, context) + timeLimit(context);

/** The number of timed-out processes in a container after which it is probed less often. */
const TIMEOUTS_AT_FULL_RATE = 3;
/** And after which it is probed only once more, at the deadline. */
const TIMEOUTS_MAX = 8;

/** By how much the period is stretched. A try that times out leaves its process in the container, within the resource limits of the application, so each further try waits twice as long. */
export function spacing({ tries }: PodRecord): number {
  const left = Math.max(0, ...tries.map(({ timeouts }) => timeouts));
  return left >= TIMEOUTS_MAX ? Number.POSITIVE_INFINITY : 2 ** Math.max(0, left + 1 - TIMEOUTS_AT_FULL_RATE);
}

/** When the next cycle of this pod is due. The jitter comes from the pod's UID, so that the pods of a workload are not probed all at once. */
export function nextCycleAt(
  pod: PodView,
  record: PodRecord | undefined,
  context: VerificationContext,
  now: number,
): number | undefined {
  const { initialDelaySeconds, periodSeconds, readiness } = context.spec.postCheck;
  const deadline = podDeadline(pod, context);
  const tries = possibleTries(context, pod);
  const canBeProbed =
    tries.length > 0 || (effectiveChecks(context.spec).length === 0 && areContainersReady(pod));
  if (!record) {
    const started = pod.containers
      .filter(({ name }) => tries.some(({ container }) => container === name))
      .map(({ startedAt }) => startedAt);
    return canBeProbed
      ? latest(context.startedAt, ...started, context.resumedAt) + initialDelaySeconds * 1000
      : deadline;
  }
  const jitter = 0.8 + 0.4 * fraction(`${pod.uid}${record.cycles}`);
  const times = spacing(record);
  const regular = record.startedAt + periodSeconds * 1000 * jitter * times;
  const readyNow = readinessOf(pod, readiness.minReadySeconds, now);
  // A pod that became ready after the last cycle is probed immediately: waiting for the period would only delay good upgrades.
  const becameReadyAt =
    record.wasReady || times > 1 ? undefined : readyNow.ready ? record.startedAt : readyNow.dueAt;
  const last = record.startedAt < deadline ? deadline : undefined;
  const next =
    earliest([canBeProbed ? regular : undefined, canBeProbed ? becameReadyAt : undefined, last]) ?? regular;
  return Number.isFinite(next) ? next : undefined;
}

/** A stable number in [0, 1) from text (FNV-1a). */
function fraction(text: string): number {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  }
  return (hash >>> 0) / 4294967296;
}
