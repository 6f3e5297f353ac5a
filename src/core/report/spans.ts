/**
 * The spans of a rollout: the attempt, its fallback, each pod, and each try of a check. Their IDs are derived from the Upgrade's UID, so that
 * after a change of the leader the spans of both operators belong to the same trace.
 */
import { createHash } from 'node:crypto';
import type { PodReport, Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { completeStatus, type Status } from '../complete-status.ts';
import { isBeforeRollout, isFallingBack } from '../status.ts';
import { fromIso } from '../time.ts';
import type { FinishedCycle, TryRecord } from '../verification/probe-cycle.ts';
import { endedAttempt, endedFallback } from './events.ts';
import { verdictText } from './verdict-text.ts';

/** A span that has ended. */
export interface Span {
  /** 32 hexadecimal digits: one trace for each attempt. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Absent on the attempt itself. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** Milliseconds since 1970, by the API server's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  /** Why it counts as failed; absent otherwise. Never the output of a check. */
  readonly failure?: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

const digits = (count: number, ...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, count);

/** The IDs and attributes that all spans of an attempt share. */
function within({ metadata, spec }: Upgrade, attempt: string) {
  const { uid, namespace, name } = metadata;
  return {
    traceId: digits(32, uid, attempt),
    attemptId: digits(16, uid, attempt, 'attempt'),
    fallbackId: digits(16, uid, attempt, 'fallback'),
    attributes: {
      'k8s.namespace.name': namespace,
      'postcheck.upgrade.name': name,
      'postcheck.target.kind': spec.targetRef.kind,
      'postcheck.target.name': spec.targetRef.name,
      'postcheck.attempt': attempt,
    },
  };
}

/** The attempt and the fallback that ended when `next` was stored in place of `stored`. */
export function spansOfChange(
  upgrade: Upgrade,
  stored: UpgradeStatus | undefined,
  next: UpgradeStatus,
): readonly Span[] {
  const [before, after] = [completeStatus(stored), completeStatus(next)];
  return [...attemptSpans(upgrade, before, after), ...fallbackSpans(upgrade, before, after)];
}

function attemptSpans(upgrade: Upgrade, before: Status, after: Status): Span[] {
  const attempt = endedAttempt(before, after);
  if (!attempt) {
    return [];
  }
  const { traceId, attemptId, attributes } = within(upgrade, attempt.id);
  const { outcome, reason, cause, at } = attempt.end;
  return [
    {
      traceId,
      spanId: attemptId,
      name: 'attempt',
      startedAt: fromIso(attempt.startedAt),
      endedAt: fromIso(at),
      failure: outcome === 'Succeeded' ? undefined : cause,
      attributes: {
        ...attributes,
        'postcheck.trigger': attempt.trigger,
        'postcheck.outcome': outcome,
        'postcheck.reason': reason,
      },
    },
  ];
}

function fallbackSpans(upgrade: Upgrade, before: Status, after: Status): Span[] {
  const { attempt } = after;
  const fallback = endedFallback(before, after);
  if (!attempt || !fallback) {
    return [];
  }
  const { traceId, attemptId, fallbackId, attributes } = within(upgrade, attempt.id);
  return [
    {
      traceId,
      spanId: fallbackId,
      parentSpanId: attemptId,
      name: 'fallback',
      startedAt: fromIso(fallback.startedAt),
      endedAt: fromIso(fallback.finishedAt),
      failure: fallback.state === 'Failed' ? after.message : undefined,
      attributes: { ...attributes, 'postcheck.reason': fallback.reason, 'postcheck.outcome': fallback.state },
    },
  ];
}

/** The final result of a pod. */
export interface PodEnd {
  readonly passed: boolean;
  /** CamelCase. */
  readonly reason: string;
  /** Why, in one sentence. */
  readonly message: string;
  readonly at: number;
}

/** The pods that failed the version when `next` was stored in place of `stored`: from the evidence of the fallback, or the last reported pods. */
export function failedPods(
  stored: UpgradeStatus | undefined,
  next: UpgradeStatus,
): readonly (PodEnd & { readonly name: string })[] {
  const [before, after] = [completeStatus(stored), completeStatus(next)];
  const { fallback, pods } = after;
  if (!fallback) {
    const ended = endedAttempt(before, after);
    return ended ? podEnds(pods, ended.end.at) : [];
  }
  const { evidence, startedAt } = fallback;
  return before.fallback?.startedAt === startedAt ? [] : podEnds(evidence, startedAt);
}

const podEnds = (reports: readonly PodReport[], at: string) =>
  reports
    .filter(({ state }) => state === 'Failed')
    .map(({ name, reason, message = reason }) => ({
      name,
      passed: false,
      reason,
      message,
      at: fromIso(at),
    }));

type PodIdentity = Pick<PodView, 'name' | 'uid' | 'node' | 'createdAt'>;

/** The span of a pod that passed or failed, from its creation on; `undefined` without an attempt. */
export function podSpan(upgrade: Upgrade, pod: PodIdentity, end: PodEnd): Span | undefined {
  const parent = podParent(upgrade, pod);
  return (
    parent && {
      traceId: parent.traceId,
      spanId: parent.podId,
      parentSpanId: parent.spanId,
      name: 'pod',
      startedAt: Math.min(pod.createdAt, end.at),
      endedAt: end.at,
      failure: end.passed ? undefined : end.message,
      attributes: { ...parent.attributes, 'postcheck.reason': end.reason },
    }
  );
}

const FAILING = ['Fail', 'Retry'];

/** The span of the last try of one check in a pod. It covers the whole cycle, including the wait for a free slot. */
export function trySpan(
  upgrade: Upgrade,
  pod: PodIdentity,
  { check, container, verdict }: TryRecord,
  { startedAt, finishedAt }: FinishedCycle,
): Span | undefined {
  const parent = podParent(upgrade, pod);
  return (
    parent && {
      traceId: parent.traceId,
      spanId: digits(16, parent.podId, check, container, String(startedAt)),
      // A pod of the previous version is not part of the attempt.
      parentSpanId: parent.isBaseline ? parent.spanId : parent.podId,
      name: `${parent.isBaseline ? 'baseline' : 'check'} ${check}`,
      startedAt,
      endedAt: finishedAt,
      ...(FAILING.includes(verdict.class) ? { failure: verdictText(verdict) || verdict.reason } : {}),
      attributes: {
        ...parent.attributes,
        'k8s.container.name': container,
        'postcheck.check': check,
        'postcheck.class': verdict.class,
        'postcheck.reason': verdict.reason,
        ...(verdict.exitCode === undefined ? {} : { 'process.exit.code': verdict.exitCode }),
      },
    }
  );
}

/** The parent of a pod's spans: the fallback while one runs, else the attempt. */
function podParent(upgrade: Upgrade, pod: PodIdentity) {
  const { status } = upgrade;
  if (!status?.attempt) {
    return undefined;
  }
  const { traceId, attemptId, fallbackId, attributes } = within(upgrade, status.attempt.id);
  const spanId = isFallingBack(status) ? fallbackId : attemptId;
  return {
    traceId,
    spanId,
    podId: digits(16, spanId, pod.uid),
    isBaseline: isBeforeRollout(status),
    attributes: {
      ...attributes,
      'k8s.pod.name': pod.name,
      'k8s.pod.uid': pod.uid,
      'k8s.node.name': pod.node,
    },
  };
}
