/**
 * The interfaces that the operator reports through: metrics, spans and log lines. No method throws or waits.
 * Like the other ports, they are implemented by shells, and in memory by the simulation.
 */
import type { CheckType, Class, FallbackResult, GateOpenReason, Outcome, WaitReason } from '../api/enums.ts';
import type { WorkloadKind } from '../api/views.ts';
import type { UpgradeFacts } from '../core/report/facts.ts';
import type { Span } from '../core/report/spans.ts';
import type { RequestFailure } from './ports.ts';

export type { Span, UpgradeFacts };

/** Why reconciles of an Upgrade were delayed. */
export type BrakeReason = 'rate' | 'no_effect' | 'spinning';
/** A request that failed, or a bug of the operator. A check without a response is counted as a probe of the class Error instead. */
export type ErrorCause = RequestFailure['kind'] | 'bug';

/** What a fallback begins with: first the status says that it does, then the workload has its previous images again. */
export type FallbackWrite = 'status' | 'images';

/** Counts for `/metrics`. The end of an attempt is counted only after its status is stored. Durations are in seconds. */
export interface Telemetry {
  /** The status of an Upgrade, at every reconcile and every change; `undefined` if the Upgrade no longer exists. */
  upgradeSeen(namespace: string, name: string, facts: UpgradeFacts | undefined): void;
  attemptEnded(kind: WorkloadKind, outcome: Outcome, seconds: number): void;
  /** One probe of one check. `exitCode` is undefined if there is none. */
  tried(type: CheckType, result: Class, exitCode: number | undefined, seconds: number): void;
  /** Time from the evidence until one of the two writes that a fallback begins with was made. */
  fallbackStarted(write: FallbackWrite, seconds: number): void;
  fallbackEnded(kind: WorkloadKind, result: FallbackResult): void;
  /** An attempt, or its next stage, had to wait although nothing was stuck. */
  waitEnded(reason: WaitReason, seconds: number): void;
  gateOpened(reason: GateOpenReason): void;
  failed(cause: ErrorCause): void;
  /** A key was delayed: too many writes, a write that changed nothing, or an endless sequence of plans. */
  braked(reason: BrakeReason): void;
  execsInFlight(count: number): void;
  /** How long a probe waited for a slot. */
  execWaited(seconds: number): void;
  leading(isLeader: boolean): void;
  readonly queue: QueueTelemetry;
}

/** What the gate's webhook decided about a new pod. */
export type WebhookOutcome = 'gated' | 'ungated' | 'not_ready' | 'busy' | 'invalid';

export interface WebhookTelemetry {
  answered(outcome: WebhookOutcome, seconds: number): void;
  /** The certificate, as PEM, that new connections get from now on. */
  serves(certificate: string): void;
}

/** Takes finished spans for an OpenTelemetry collector. Absent without `--otlp-endpoint`. */
export interface Tracer {
  ended(span: Span): void;
}

/** Metrics of the work queue, with client-go's names. */
export interface QueueTelemetry {
  depth(items: number): void;
  added(): void;
  retried(): void;
  /** Time from being added to being processed. */
  waited(seconds: number): void;
  worked(seconds: number): void;
}

/** Names in lowerCamelCase; short values, never a whole object, body or header. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The message is a sentence for people; what is searched for goes into the fields. An `error` may need somebody to act. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Returns a log that adds these fields to every line. */
  with(fields: LogFields): Log;
}
