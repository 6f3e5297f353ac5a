/** Telemetry and log that only remember. */
import type { Log, LogFields, QueueTelemetry, Telemetry } from '../../src/engine/telemetry-ports.ts';

export interface Remembered {
  readonly completions: string[];
  readonly fallbacks: string[];
  readonly waits: string[];
  readonly gates: string[];
  readonly tries: string[];
  readonly failures: string[];
  readonly braked: string[];
  readonly phases: string[];
  /** Pods of which a fresh look was taken. */
  readonly looks: string[];
  /** Log lines of level error, and bugs. */
  readonly errors: string[];
  /** Messages of the levels info and warn. */
  readonly lines: string[];
}

export const remembered = (): Remembered => ({
  completions: [],
  fallbacks: [],
  waits: [],
  gates: [],
  tries: [],
  failures: [],
  braked: [],
  phases: [],
  looks: [],
  errors: [],
  lines: [],
});

export function rememberingTelemetry(memory: Remembered, queue: Partial<QueueTelemetry> = {}): Telemetry {
  const nothing = () => {};
  return {
    upgradeSeen: (namespace, name, facts) => memory.phases.push(`${namespace}/${name} ${facts?.phase}`),
    attemptEnded: (kind, outcome) => memory.completions.push(`${kind} ${outcome}`),
    tried: (type, result, exitCode) => memory.tries.push(`${type} ${result} ${exitCode ?? '-'}`),
    fallbackStarted: (write) => memory.fallbacks.push(`begun: ${write}`),
    waitEnded: (reason, seconds) => memory.waits.push(`${reason} ${Math.round(seconds)}`),
    fallbackEnded: (kind, result) => memory.fallbacks.push(`${kind} ${result}`),
    gateOpened: (reason) => memory.gates.push(reason),
    braked: (reason) => memory.braked.push(reason),
    failed: (cause) => memory.failures.push(cause),
    execsInFlight: nothing,
    execWaited: nothing,
    leading: nothing,
    queue: { depth: nothing, added: nothing, retried: nothing, waited: nothing, worked: nothing, ...queue },
  };
}

export function rememberingLog(memory: Remembered): Log {
  const note = (message: string) => void memory.lines.push(message);
  const log: Log = {
    debug: () => {},
    info: note,
    warn: note,
    error: (message: string, fields?: LogFields) =>
      memory.errors.push(`${message} ${JSON.stringify(fields)}`),
    with: () => log,
  };
  return log;
}
