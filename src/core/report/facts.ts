/** The data for the metrics of one Upgrade, from its status alone. */
import type { ConditionType, Phase, WaitReason } from '../../api/enums.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadKind } from '../../api/views.ts';
import { completeStatus, type Status } from '../complete-status.ts';
import { fromIso } from '../time.ts';

export type ConditionValue = 'True' | 'False' | 'Unknown';

export interface UpgradeFacts {
  readonly kind: WorkloadKind;
  readonly target: string;
  readonly phase: Phase;
  readonly ready: ConditionValue;
  readonly stalled: ConditionValue;
  /** Reason of the condition Ready. */
  readonly reason: string;
  /** Reason of the condition Gated. */
  readonly gate: string;
  /** The number of places where pods of the new version failed. */
  readonly left: number;
  /** When the running attempt last made progress, ms since the epoch; undefined if none runs, and while it is paused or waits. */
  readonly progressAt: number | undefined;
  /** What it waits for without being stuck, and since when (ms since the epoch). */
  readonly waiting: { readonly reason: WaitReason; readonly since: number } | undefined;
}

interface ConditionFacts {
  readonly status: ConditionValue;
  readonly reason: string;
}

const NOT_REPORTED: ConditionFacts = { status: 'Unknown', reason: '' };

/** `undefined` before the Upgrade has a status. */
export function upgradeFacts({ spec }: Upgrade, stored: UpgradeStatus | undefined): UpgradeFacts | undefined {
  if (!stored?.phase) {
    return undefined;
  }
  const status = completeStatus(stored);
  const { kind, name: target } = spec.targetRef;
  const of = (type: ConditionType): ConditionFacts =>
    status.conditions.find((condition) => condition.type === type) ?? NOT_REPORTED;
  const ready = of('Ready');
  return {
    kind,
    target,
    phase: status.phase,
    ready: ready.status,
    stalled: of('Stalled').status,
    reason: ready.reason,
    gate: of('Gated').reason,
    left: leftOf(status),
    progressAt: spec.paused || status.waiting ? undefined : progressAt(status),
    waiting: status.waiting && { reason: status.waiting.reason, since: fromIso(status.waiting.since) },
  };
}

/** After the end, failed places that did not fit into the list count as well. */
function leftOf({ phase, left, counts }: Status): number {
  const unverified = counts.desired - counts.passed - counts.skipped;
  return phase === 'Partial' ? Math.max(left.length, unverified) : left.length;
}

function progressAt({ attempt, fallback }: Status): number | undefined {
  if (!attempt || attempt.end) {
    return undefined;
  }
  const times = [attempt.progressAt, attempt.startedAt, fallback?.startedAt, fallback?.rolledAt];
  return Math.max(...times.map((time) => (time === undefined ? 0 : fromIso(time))));
}
