/** Messages about the watches: a log line for each change, and why the operator is not ready. */
import type { WatchHealth } from '../engine/ports.ts';
import type { LogFields } from '../engine/telemetry-ports.ts';
import type { LogLevel } from './logger.ts';

export interface Notice {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** After a watch has failed for this long, the operator is not ready: its decisions may be based on an outdated cache. */
const NOT_READY_AFTER_MS = 120_000;

const where = (namespace: string | undefined): string =>
  namespace === undefined ? '' : ` in namespace ${namespace}`;
const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
const grant = (resource: string): string =>
  `grant the operator's service account list and watch on ${resource}`;

/** Returns the log line for a change of a watch's state; `undefined` if none is needed. */
export function noticeOf(now: WatchHealth, before: WatchHealth): Notice | undefined {
  const { resource, namespace, state, message, optional } = now;
  const about = `${resource}${where(namespace)}`;
  const fields = { resource, namespace, ...(message ? { error: message } : {}) };
  if (state === 'forbidden') {
    return optional
      ? { level: 'info', message: `cannot watch ${about}: continuing without it`, fields }
      : { level: 'error', message: `cannot watch ${about}: ${grant(resource)}`, fields };
  }
  if (state === 'retrying') {
    return { level: 'warn', message: `the watch of ${about} failed and is retried`, fields };
  }
  return before.failingMs > 0
    ? { level: 'info', message: `watching ${about} again after ${seconds(before.failingMs)}`, fields }
    : undefined;
}

/** Returns why the operator is not ready, one line for each kind; `undefined` if it is ready. */
export function notReady(health: readonly WatchHealth[]): string | undefined {
  const bad = health.filter(
    ({ synced, optional, failingMs }) => !synced || (!optional && failingMs > NOT_READY_AFTER_MS),
  );
  if (health.length === 0) {
    return 'nothing is watched yet';
  }
  const byKind = Map.groupBy(bad, ({ resource }) => resource);
  return bad.length === 0 ? undefined : [...byKind.values()].map(line).join('\n');
}

/** Describes all namespaces of one kind in one line, with the problem of the one that has failed for longest. */
function line(ofKind: readonly WatchHealth[]): string {
  const [worst] = ofKind.toSorted((a, b) => b.failingMs - a.failingMs);
  if (!worst) {
    return '';
  }
  const namespaces = ofKind.flatMap(({ namespace }) => namespace ?? []);
  const places =
    namespaces.length === 0
      ? ''
      : ` in ${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.slice(0, 5).join(', ')}${namespaces.length > 5 ? ` and ${namespaces.length - 5} more` : ''}`;
  if (worst.failingMs === 0) {
    return `${worst.resource}${places}: not listed yet`;
  }
  const why = worst.state === 'forbidden' ? grant(worst.resource) : worst.message;
  return `${worst.resource}${places}: not watched for ${seconds(worst.failingMs)}: ${why}`;
}
