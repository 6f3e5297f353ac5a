/** Runs one probe of any kind, with retries on errors. */
import { probeExec, type RunInContainer } from './exec.ts';
import { expandCommand } from './expand.ts';
import { probeGrpc } from './grpc.ts';
import { probeHttpGet } from './http-get.ts';
import { type ProbeLimits, type ProbeOutcome, unknown } from './result.ts';
import type { ProbeHandler, ProbeTarget } from './spec.ts';
import { probeTcpSocket } from './tcp-socket.ts';

/** Kubelet's maxProbeRetries: three tries in total. */
const MAX_TRIES = 3;

/**
 * Runs a probe's handler once: exec before httpGet before tcpSocket before grpc, like kubelet. A try that ends with an *error* is repeated at once, up
 * to three tries in total, each with its own time limit; a failure is a result and is never repeated. With `totalMs` there is no further try with less
 * than half of its time, because it would only time out. Never throws.
 */
export async function probe(
  handler: ProbeHandler,
  target: ProbeTarget,
  limits: ProbeLimits,
  run?: RunInContainer,
): Promise<ProbeOutcome> {
  const endsAtMs = performance.now() + (limits.totalMs ?? Number.POSITIVE_INFINITY);
  for (let tries = 1; ; tries++) {
    const timeoutMs = Math.min(limits.timeoutMs, endsAtMs - performance.now());
    const outcome = await dispatch(handler, target, { ...limits, timeoutMs }, run);
    const hasTime = endsAtMs - performance.now() >= limits.timeoutMs / 2;
    if (outcome.error === undefined || tries >= MAX_TRIES || limits.signal?.aborted || !hasTime) {
      return outcome;
    }
  }
}

async function dispatch(
  handler: ProbeHandler,
  target: ProbeTarget,
  limits: ProbeLimits,
  run?: RunInContainer,
): Promise<ProbeOutcome> {
  if (handler.exec !== undefined) {
    const command = expandCommand(handler.exec.command ?? [], target.env ?? []);
    return run === undefined
      ? unknown('no runner for commands in containers')
      : probeExec(command, run, limits);
  }
  if (handler.httpGet !== undefined) {
    return probeHttpGet(handler.httpGet, target, limits);
  }
  if (handler.tcpSocket !== undefined) {
    return probeTcpSocket(handler.tcpSocket, target, limits);
  }
  if (handler.grpc !== undefined) {
    return probeGrpc(handler.grpc, target, limits);
  }
  return unknown('the probe has no handler: one of exec, httpGet, tcpSocket, grpc');
}

export type ProbeType = 'liveness' | 'readiness' | 'startup';

/** An event on the container, with kubelet's reasons and wording. */
export interface ProbeEvent {
  readonly reason: 'Unhealthy' | 'ProbeWarning';
  readonly message: string;
}

/** What a worker counts. One with an `error` is not counted at all. */
export interface ProbeVerdict {
  readonly result: 'success' | 'failure';
  readonly error?: string;
  readonly event?: ProbeEvent;
}

/** Kubelet's view of one outcome: a warning passes, unknown does not. A probe that is absent (`undefined`) succeeds. */
export function verdictOf(type: ProbeType, outcome: ProbeOutcome | undefined): ProbeVerdict {
  const name = `${type[0]?.toUpperCase()}${type.slice(1)}`;
  if (outcome === undefined) {
    return { result: 'success' };
  }
  if (outcome.error !== undefined) {
    const message = `${name} probe errored and resulted in ${outcome.result} state: ${outcome.error}`;
    return { result: 'failure', error: outcome.error, event: { reason: 'Unhealthy', message } };
  }
  switch (outcome.result) {
    case 'success':
      return { result: 'success' };
    case 'warning':
      return {
        result: 'success',
        event: { reason: 'ProbeWarning', message: `${name} probe warning: ${outcome.output}` },
      };
    case 'failure':
      return {
        result: 'failure',
        event: { reason: 'Unhealthy', message: `${name} probe failed: ${outcome.output}` },
      };
    case 'unknown':
      return { result: 'failure' };
  }
}
