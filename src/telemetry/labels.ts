/** The closed sets of metric labels' values, so that the number of series does not depend on the cluster. */
import type { WorkloadKind } from '../api/views.ts';
import type { WatchedKind, WatchFailure } from '../engine/ports.ts';
import type { BrakeReason, ErrorCause, FallbackWrite, WebhookOutcome } from '../engine/telemetry-ports.ts';

/** Returns every member of a union; leaving one out does not compile. */
const every = <T extends string>(members: Readonly<Record<T, true>>): readonly T[] =>
  Object.keys(members) as T[];

export const KINDS = every<WorkloadKind>({ Deployment: true, StatefulSet: true, DaemonSet: true });
export const BRAKE_REASONS = every<BrakeReason>({ rate: true, no_effect: true, spinning: true });
export const FALLBACK_WRITES = every<FallbackWrite>({ status: true, images: true });
export const WEBHOOK_OUTCOMES = every<WebhookOutcome>({
  gated: true,
  ungated: true,
  not_ready: true,
  busy: true,
  invalid: true,
});
export const ERROR_CAUSES = every<ErrorCause>({
  conflict: true,
  notFound: true,
  forbidden: true,
  invalid: true,
  throttled: true,
  unavailable: true,
  bug: true,
});

export const WATCH_FAILURES = every<WatchFailure>({
  forbidden: true,
  unauthorized: true,
  notFound: true,
  invalid: true,
  throttled: true,
  unavailable: true,
  expired: true,
  broken: true,
  restored: true,
  lost: true,
  silent: true,
});

/** Resource names as in RBAC rules and API paths. */
export const RESOURCES: Readonly<Record<WatchedKind, string>> = {
  Upgrade: 'upgrades',
  Deployment: 'deployments',
  StatefulSet: 'statefulsets',
  DaemonSet: 'daemonsets',
  ReplicaSet: 'replicasets',
  ControllerRevision: 'controllerrevisions',
  Pod: 'pods',
  Node: 'nodes',
};

/** Exit codes with a meaning of their own in the contract of the readiness script, and the others in two groups. */
export const CODE_CLASSES = [
  '0',
  '1',
  '2',
  '3-119',
  '120',
  '121-123',
  '124',
  '125',
  '126',
  '127',
  '128+',
  'none',
] as const;
export type CodeClass = (typeof CODE_CLASSES)[number];

/** Returns the label of an exit code; `none` if the probe returned no code. */
export function codeClass(code: number | undefined): CodeClass {
  if (code === undefined) {
    return 'none';
  }
  if (code >= 128) {
    return '128+';
  }
  if (code >= 3 && code <= 119) {
    return '3-119';
  }
  if (code >= 121 && code <= 123) {
    return '121-123';
  }
  return String(code) as CodeClass;
}
