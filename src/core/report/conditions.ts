/** Adds what users and tools read to a status: all conditions and the message, from one set of facts. */

import { effectiveChecks } from '../../api/checks.ts';
import { CONDITION_TYPES, type ConditionType, type GateCarrier } from '../../api/enums.ts';
import { isReason, notOfTheVersion } from '../../api/reasons.ts';
import type { Condition, Counts, UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { activeStatus, type Status, storedStatus } from '../complete-status.ts';
import type { Obstacle } from '../obstacle.ts';
import { isOfPrevious, isRolledBack } from '../rollout/left.ts';
import { endedPod, overlookedPod, repelledPod, terminatingPod } from '../rollout/missing.ts';
import { policyFor } from '../rollout/policy.ts';
import { lastProgressAt } from '../rollout/progress.ts';
import type { Snapshot } from '../snapshot.ts';
import { isPostCheckChanged, isUnderWay, waitsForPods } from '../status.ts';
import { fromIso, latest, toIso } from '../time.ts';
import { readinessOf } from '../verification/readiness.ts';
import { ofDesired, type PodSummary, ungated } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { refusalOf } from '../workload/refusal.ts';
import { causeText } from './cause-text.ts';
import { driftOf } from './drift-text.ts';
import { fitStatus } from './fit.ts';
import { headline } from './headline.ts';
import { leftCounts, leftText } from './left-text.ts';
import { sentence } from './sentence.ts';
import type { Facts } from './sentence-parts.ts';

export interface ReportInput {
  readonly obstacle: Obstacle | undefined;
  readonly summary: PodSummary | undefined;
  readonly suspendedByUser: boolean;
}

type ConditionInput = readonly [status: Condition['status'], reason: Condition['reason'], message?: string];

/** The complete next status, as it is stored. */
export function withConditions(snapshot: Snapshot, status: Status, input: ReportInput): UpgradeStatus {
  const { upgrade, workload } = snapshot;
  const { summary, obstacle } = input;
  const facts: Facts = {
    upgrade,
    status,
    workload,
    summary,
    obstacle,
    waitsFor: waitsFor(snapshot, status),
    refusal: refusalOf(snapshot, rolledAt(status)),
    repelled: workload && summary && repelledPod(snapshot, workload, summary),
    overlooked: workload && overlookedPod(snapshot, workload),
    ended: endedPod(snapshot, lastProgress(status)),
    terminating: summary && terminatingPod(snapshot, summary),
  };
  const drift = driftOf(snapshot, status);
  const message = sentence(facts, drift);
  const short = headline(message);
  const isCheckChanged = status.phase !== 'Aborted' && isPostCheckChanged(status, upgrade.spec);
  const inputs: Record<ConditionType, ConditionInput> = {
    ...kstatusConditions(status, input, { drifted: drift !== undefined, isCheckChanged, message }),
    Verified: isCheckChanged ? ['Unknown', 'PostCheckChanged'] : verified(status),
    FallenBack: fallenBack(status),
    Gated: gated(status, input.summary, upgrade.spec.gate),
  };
  const conditions = CONDITION_TYPES.map((wanted) => condition(snapshot, wanted, inputs[wanted], short));
  return fitStatus({
    ...storedStatus(status),
    observedGeneration: upgrade.metadata.generation,
    checks: effectiveChecks(upgrade.spec).map(({ name }) => name),
    phase: status.phase,
    message,
    headline: short,
    conditions,
  });
}

/** When the images of the rollout that is under way were written. */
function rolledAt(status: Status): number | undefined {
  const active = isUnderWay(status) ? activeStatus(status) : undefined;
  const at = active && policyFor(active).recorded(active).rolledAt;
  return at ? fromIso(at) : undefined;
}

/** When that rollout last made progress, at the earliest when its images were written. */
function lastProgress(status: Status): number | undefined {
  const active = activeStatus(status);
  const at = rolledAt(status);
  return active && at !== undefined ? latest(lastProgressAt(active), at) : undefined;
}

/** A pod of the previous version that blocks the attempt, which must not delete it, and why it is not ready. */
function waitsFor(
  { workload, pods, updateRevision, now, nodeReady }: Snapshot,
  status: Status,
): Facts['waitsFor'] {
  const isSpared = isUnderWay(status) && policyFor(status).sparesPrevious;
  if (!workload || !isSpared || !status.attempt?.rolledAt || !driverOf(workload).waitsForUnready(workload)) {
    return undefined;
  }
  const isPrevious = (one: PodView) => isOfPrevious(one, status);
  const pod = driverOf(workload).blockingPod(workload, pods, updateRevision, isPrevious);
  const isLost = pod !== undefined && pod.node !== '' && !nodeReady(pod.node);
  const lost = isLost ? ({ reason: 'NodeUnreachable', node: pod.node } as const) : undefined;
  return pod && { pod, cause: lost ?? readinessOf(pod, 0, now).cause };
}

function condition(
  snapshot: Snapshot,
  type: ConditionType,
  [value, reason, text]: ConditionInput,
  message: string,
): Condition {
  const before = snapshot.upgrade.status.conditions.find((stored) => stored.type === type);
  const lastTransitionTime = before?.status === value ? before.lastTransitionTime : toIso(snapshot.now);
  return {
    type,
    status: value,
    reason,
    message: text ?? message,
    lastTransitionTime,
    observedGeneration: snapshot.upgrade.metadata.generation,
  };
}

interface Ending {
  readonly drifted: boolean;
  /** The result is from an earlier post-check. */
  readonly isCheckChanged: boolean;
  readonly message: string;
}

/** The wait that prevents an attempt, or its next stage, from starting. */
const heldBy = ({ waiting }: Status) =>
  [waiting?.reason].find(
    (reason) => reason !== undefined && reason !== 'Soaking' && reason !== 'AwaitingApproval',
  );

/** Ready, Reconciling and Stalled, as kstatus reads them. */
function kstatusConditions(
  status: Status,
  { obstacle, suspendedByUser }: ReportInput,
  { drifted, isCheckChanged, message }: Ending,
): Record<'Ready' | 'Reconciling' | 'Stalled', ConditionInput> {
  const { phase } = status;
  const reason = status.attempt?.end?.reason ?? phase;
  const at = (
    ready: Condition['status'],
    reconciling: boolean,
    stalled: boolean,
    why: Condition['reason'],
  ): Record<'Ready' | 'Reconciling' | 'Stalled', ConditionInput> => ({
    Ready: [ready, why, message],
    Reconciling: [reconciling ? 'True' : 'False', why],
    Stalled: [stalled ? 'True' : 'False', why],
  });
  if (obstacle && !suspendedByUser) {
    return at('False', false, true, obstacle.reason);
  }
  if (suspendedByUser) {
    return at(phase === 'Inconclusive' ? 'Unknown' : 'False', false, false, 'Paused');
  }
  const held = heldBy(status);
  if (held) {
    return at('False', true, false, held);
  }
  if (drifted) {
    return at('False', false, phase !== 'Succeeded', 'Drifted');
  }
  if (waitsForPods(status)) {
    // A workload that had 0 pods from the start may keep them for long, and tools that wait for Ready must not wait for it. One that had
    // pods was scaled down during the attempt.
    return status.attempt?.maxUpdated === 0
      ? at('True', false, false, 'NoPods')
      : at('Unknown', true, false, 'NoPods');
  }
  switch (phase) {
    case 'Succeeded':
      return at('True', false, false, isCheckChanged ? 'PostCheckChanged' : reason);
    case 'Inconclusive':
      return at('Unknown', true, false, 'Inconclusive');
    case 'Partial':
    case 'FellBack':
    case 'FallbackFailed':
    case 'Failed':
    case 'Aborted':
      return at('False', false, true, reason);
    default:
      return at('False', true, false, phase);
  }
}

function verified(status: Status): ConditionInput {
  const { attempt, phase, counts } = status;
  const reason = attempt?.end?.reason ?? 'InProgress';
  if (!attempt) {
    return ['Unknown', 'NotStarted', 'No attempt yet'];
  }
  if (waitsForPods(status)) {
    return ['Unknown', 'NoPods'];
  }
  switch (phase) {
    case 'Succeeded': {
      const passed = counts.desired > 0 ? verifiedOf({ ...counts, skipped: 0 }) : undefined;
      return [isReason(reason, 'AllSkipped') ? 'Unknown' : 'True', reason, passed];
    }
    case 'Partial':
      return ['False', reason, [verifiedOf(counts), leftText(status)].filter(Boolean).join('; ')];
    case 'FallingBack':
    case 'FallbackChecking':
    case 'FellBack':
    case 'FallbackFailed':
    case 'Failed':
      return notVerified(status);
    case 'Inconclusive':
      return ['Unknown', 'Inconclusive'];
    default:
      return ['Unknown', phase === 'Aborted' ? 'Aborted' : 'InProgress'];
  }
}

const verifiedOf = ({ passed, skipped, desired }: Counts): string =>
  `${ofDesired(passed + skipped, { desired })} of ${desired} pods passed`;

/** The condition Verified of a version that was not verified. It is unknown after an abort, a failed baseline, and changes of the images by others. */
function notVerified({ attempt, fallback }: Status): ConditionInput {
  const reason = fallback?.reason ?? attempt?.end?.reason ?? 'PostCheckFailed';
  const why = fallback?.why ?? attempt?.end?.why;
  return [notOfTheVersion(reason) ? 'Unknown' : 'False', reason, why && causeText(why)];
}

function fallenBack(status: Status): ConditionInput {
  if (status.phase === 'FellBack') {
    return ['True', status.fallback?.verified === 'No' ? 'Unverified' : 'Verified'];
  }
  if (status.left.some(isRolledBack)) {
    return ['False', 'Partial', leftCounts(status, 'the previous version')];
  }
  if (status.phase === 'FallbackFailed') {
    return ['False', 'FallbackFailed'];
  }
  if (status.phase === 'FallingBack' || status.phase === 'FallbackChecking') {
    return ['Unknown', 'InProgress'];
  }
  return ['False', 'NotNeeded', 'No fallback was needed'];
}

const GATED_BY: Readonly<Record<GateCarrier, ConditionInput>> = {
  Policy: [
    'True',
    'GatePolicyApplied',
    'New pods get no traffic before they are verified (admission policy in the API server)',
  ],
  Webhook: [
    'True',
    'GateWebhookApplied',
    "New pods get no traffic before they are verified (the operator's admission webhook)",
  ],
};

function gated(
  status: Status,
  summary: PodSummary | undefined,
  gate: 'Auto' | 'Required' | 'Disabled',
): ConditionInput {
  const { attempt } = status;
  if (gate === 'Disabled') {
    return ['False', 'GateDisabled', 'spec.gate is Disabled'];
  }
  if (!attempt) {
    return ['Unknown', 'NotStarted', 'No attempt yet'];
  }
  if (attempt.adopted) {
    return ['False', 'Adopted', 'The target already ran the wanted images; its pods are not gated'];
  }
  const missed = summary && !status.fallback ? ungated(summary, status) : [];
  if (missed.length > 0) {
    return [
      'False',
      'GateMissed',
      `Pod ${missed[0]?.pod.name} was created without the gate; it is still checked`,
    ];
  }
  if (attempt.gating) {
    return GATED_BY[attempt.gateCarrier ?? 'Policy'];
  }
  return attempt.end
    ? ['False', 'NotGating', 'No attempt is running, so no pod is gated']
    : [
        'False',
        'GateUnavailable',
        'Neither the gate policy nor the gate webhook acts here, so new pods serve as soon as they are Ready',
      ];
}
