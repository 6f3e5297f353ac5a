/** The state of one probe worker: thresholds, periods and restarts. */
import type { ProbeType, ProbeVerdict } from './prober.ts';

/**
 * Kubelet's probe worker as pure functions: what to do at a tick, and what a result changes. No clock, no promise.
 * A worker belongs to one probe of one container of one pod.
 */

export interface WorkerSpec {
  readonly type: ProbeType;
  readonly initialDelaySeconds: number;
  /** 1 for liveness and startup. */
  readonly successThreshold: number;
  readonly failureThreshold: number;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
}

/** What the worker reads from the pod's status. */
export interface ProbedPod {
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  readonly deleting: boolean;
  /** Absent if the container has no status or no ID yet. */
  readonly container?: ProbedContainer;
}

export interface ProbedContainer {
  readonly id: string;
  /** Whether its startup probe, if any, has succeeded. */
  readonly started: boolean;
  readonly state:
    | { readonly kind: 'waiting' }
    | { readonly kind: 'running'; readonly startedAtMs: number }
    | { readonly kind: 'terminated'; readonly exitCode: number };
}

/** What the worker publishes about a container, as opposed to the result of the last try. */
export type PublishedResult = 'success' | 'failure' | 'unknown';

export interface WorkerState {
  /** Empty before the first container was seen. */
  readonly containerId: string;
  /** `undefined` until there is a result for this container. */
  readonly published: PublishedResult | undefined;
  readonly lastResult: 'success' | 'failure' | undefined;
  /** How many times in a row `lastResult` was returned. */
  readonly resultRun: number;
  /** No further tries until there is a new container. */
  readonly onHold: boolean;
}

export type Tick = { readonly state: WorkerState; readonly next: 'probe' | 'wait' | 'stop' };

export const newWorkerState: WorkerState = {
  containerId: '',
  published: undefined,
  lastResult: undefined,
  resultRun: 0,
  onHold: false,
};

/** The result before the first try of a container. */
const initialValue = { liveness: 'success', readiness: 'failure', startup: 'unknown' } as const;

/** Containers that ran longer than this before the prober started keep their state, so that a restart of the prober makes no pod unready. */
const RESTART_GRACE_MS = 10_000;

/** Times of one tick, in milliseconds since the epoch. */
export interface TickTime {
  readonly nowMs: number;
  /** When the prober itself started. */
  readonly proberStartedAtMs: number;
}

/** Decides one tick of the worker, up to the try itself. `pod` is undefined while the pod has no status. */
export function beginTick(
  spec: WorkerSpec,
  before: WorkerState,
  pod: ProbedPod | undefined,
  time: TickTime,
): Tick {
  if (pod === undefined) {
    return { state: before, next: 'wait' };
  }
  if (pod.phase === 'Failed' || pod.phase === 'Succeeded') {
    return { state: before, next: 'stop' };
  }
  const { container } = pod;
  if (container === undefined || container.id === '') {
    return { state: before, next: 'wait' };
  }
  const state = before.containerId === container.id ? before : adopt(spec, before, container, time);
  if (state.onHold) {
    return { state, next: 'wait' };
  }
  if (container.state.kind !== 'running') {
    return {
      state: { ...state, published: 'failure' },
      next: willRunAgain(spec, container) ? 'wait' : 'stop',
    };
  }
  if (pod.deleting && spec.type !== 'readiness') {
    // A container that is being stopped must not be restarted because of it.
    return { state: { ...state, published: 'success' }, next: 'stop' };
  }
  return { state, next: isDue(spec, container, container.state.startedAtMs, time.nowMs) ? 'probe' : 'wait' };
}

/** For a new container, the state of the old one is dropped and tries continue. */
function adopt(
  spec: WorkerSpec,
  before: WorkerState,
  container: ProbedContainer,
  time: TickTime,
): WorkerState {
  const ranBefore =
    container.state.kind === 'running' &&
    container.state.startedAtMs < time.proberStartedAtMs - RESTART_GRACE_MS;
  return {
    ...before,
    containerId: container.id,
    published: ranBefore ? undefined : initialValue[spec.type],
    onHold: false,
  };
}

function willRunAgain(spec: WorkerSpec, container: ProbedContainer): boolean {
  if (container.state.kind !== 'terminated' || spec.restartPolicy === 'Always') {
    return true;
  }
  return spec.restartPolicy === 'OnFailure' && container.state.exitCode !== 0;
}

/** Startup probes run until the container has started, the other two afterwards; none before the initial delay, in whole seconds. */
function isDue(spec: WorkerSpec, container: ProbedContainer, startedAtMs: number, nowMs: number): boolean {
  const hasWaited = Math.trunc((nowMs - startedAtMs) / 1000) >= spec.initialDelaySeconds;
  return hasWaited && container.started === (spec.type !== 'startup');
}

/** Applies the result of a try. A try that ended with an error changes nothing. */
export function endTick(spec: WorkerSpec, before: WorkerState, verdict: ProbeVerdict): WorkerState {
  if (verdict.error !== undefined) {
    return before;
  }
  const { result } = verdict;
  const resultRun = before.lastResult === result ? before.resultRun + 1 : 1;
  const state = { ...before, lastResult: result, resultRun };
  if (resultRun < (result === 'failure' ? spec.failureThreshold : spec.successThreshold)) {
    return state;
  }
  const settles = spec.type === 'startup' || (spec.type === 'liveness' && result === 'failure');
  return settles
    ? { ...state, published: result, onHold: true, resultRun: 0 }
    : { ...state, published: result };
}
