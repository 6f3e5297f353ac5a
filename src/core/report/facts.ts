/** What the metrics say about one Upgrade, from its status alone. */
import type { ConditionType, Phase, WaitReason } from '../../api/enums.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadKind } from '../../api/views.ts';
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
  /** Where the new version does not run verified, although its pods had their turn. */
  readonly left: number;
  /** When an attempt that runs last came further, ms since the epoch; undefined when none runs, when it is paused, and while it waits. */
  readonly progressAt: number | undefined;
  /** What it waits for without being stuck, and since when, ms since the epoch. */
  readonly waiting: { readonly reason: WaitReason; readonly since: number } | undefined;
}

/** `undefined` before anything is known of it. */
export function upgradeFacts({ spec }: Upgrade, status: UpgradeStatus | undefined): UpgradeFacts | undefined {
  if (!status?.phase) {
    return undefined;
  }
  const { kind, name: target } = spec.targetRef;
  const of = (type: ConditionType) => status.conditions?.find((condition) => condition.type === type);
  const ready = of('Ready');
  return {
    kind,
    target,
    phase: status.phase,
    ready: ready?.status ?? 'Unknown',
    stalled: of('Stalled')?.status ?? 'Unknown',
    reason: ready?.reason ?? '',
    gate: of('Gated')?.reason ?? '',
    left: leftOf(status),
    progressAt: spec.paused || status.waiting ? undefined : progressAt(status),
    waiting: status.waiting && { reason: status.waiting.reason, since: fromIso(status.waiting.since) },
  };
}

/** After the end also those that the list has no room for. */
function leftOf({ phase, left = [], counts }: UpgradeStatus): number {
  const verified = (counts?.passed ?? 0) + (counts?.skipped ?? 0);
  return phase === 'Partial' ? Math.max(left.length, (counts?.desired ?? 0) - verified) : left.length;
}

function progressAt({ attempt, fallback }: UpgradeStatus): number | undefined {
  if (!attempt || attempt.end) {
    return undefined;
  }
  const times = [attempt.progressAt, attempt.startedAt, fallback?.startedAt, fallback?.rolledAt];
  return Math.max(...times.map((time) => (time === undefined ? 0 : fromIso(time))));
}
