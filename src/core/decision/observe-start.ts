/** Whether an attempt has to start, and in which state: with an obstacle, a wait, without a known gate, or ready to be recorded. */
import { isReason } from '../../api/reasons.ts';
import type { WorkloadView } from '../../api/views.ts';
import { type ActiveStatus, activeStatus, type Status } from '../complete-status.ts';
import type { EffectiveSpec } from '../effective-spec.ts';
import { runsImages } from '../images.ts';
import type { Obstacle } from '../obstacle.ts';
import { isLeftUnreached } from '../rollout/left.ts';
import { policyFor } from '../rollout/policy.ts';
import type { Snapshot } from '../snapshot.ts';
import { isForSpec, isUnderWay } from '../status.ts';
import { queuedWait } from '../wait.ts';
import { driverOf } from '../workload/drivers.ts';
import { attemptObstacle, imagesTooLong } from '../workload/obstacles.ts';
import { newCommand } from './commands.ts';
import { dependencyObstacle } from './dependencies.ts';
import { restatesRejected, setsOf, startWait } from './start.ts';
import type { Start, State } from './state.ts';

/** Why the first attempt starts. */
export const CREATED = { trigger: 'Created', inherit: false } as const;

/** Why an attempt has to start now; `undefined` if none has to. */
export function startOf(
  { upgrade: { spec } }: Snapshot,
  status: ActiveStatus | undefined,
  workload: WorkloadView,
): Pick<Start, 'trigger' | 'inherit'> | undefined {
  if (!status) {
    return CREATED;
  }
  if (status.targetUID !== workload.uid) {
    return { trigger: 'TargetReplaced', inherit: keepsTarget(status, workload) };
  }
  if (!policyFor(status).isInterruptible || isForSpec(status.attempt, spec)) {
    return undefined;
  }
  return { trigger: 'ContainersChanged', inherit: runsUnverified(status) };
}

/** The spec has other images than the attempt, or a retry was requested. */
export const hasPendingStart = ({ upgrade }: Snapshot): boolean =>
  !upgrade.status.attempt ||
  !isForSpec(upgrade.status.attempt, upgrade.spec) ||
  newCommand(upgrade) === 'retry';

/**
 * A workload that was created anew with the unverified version of the status, as by the restore of a backup, has the same fallback target as the
 * one before it. A deletion in the middle of the attempt has ended that attempt.
 */
const keepsTarget = (status: ActiveStatus, workload: WorkloadView): boolean =>
  (runsUnverified(status) || isReason(status.attempt.end?.reason, 'TargetNotFound')) &&
  runsImages(workload, status.to.images) &&
  !runsImages(workload, status.from.images);

/** What runs now was never verified, so a new attempt must not take it for its fallback target. */
const runsUnverified = (status: Status): boolean =>
  isUnderWay(status) ||
  (status.phase === 'Partial' && !isLeftUnreached(status)) ||
  ((status.phase === 'Failed' || status.phase === 'FallbackFailed') &&
    !isReason(status.attempt?.end?.reason, 'ImageConflict', 'BaselineFailed'));

/** The state of an attempt that is to start. */
export function observeStart(
  snapshot: Snapshot,
  workload: WorkloadView,
  start: Pick<Start, 'trigger' | 'inherit'>,
): State {
  const { spec } = snapshot.upgrade;
  const obstacle =
    attemptObstacle(spec, workload) ??
    roomObstacle(snapshot, workload, start.inherit) ??
    dependencyObstacle(snapshot) ??
    prometheusMissing(snapshot);
  if (obstacle) {
    return { name: 'Blocked', obstacle };
  }
  const status = activeStatus(snapshot.upgrade.status);
  if (
    status &&
    start.trigger === 'ContainersChanged' &&
    restatesRejected(snapshot, workload, start.inherit)
  ) {
    return { name: 'Restated', workload, status };
  }
  if (spec.paused) {
    return { name: 'SuspendedBeforeStart' };
  }
  const wait = startWait(snapshot, workload, start.inherit) ?? queuedWait(snapshot);
  if (wait) {
    return { name: 'WaitingToStart', wait };
  }
  return observeGate(snapshot, workload) ?? { name: 'Starting', workload, ...start, rerecord: false };
}

/** There are rollout checks, but no Prometheus. */
const prometheusMissing = ({ upgrade, hasPrometheus }: Snapshot): Obstacle | undefined =>
  hasPrometheus === false && upgrade.spec.postCheck.rolloutChecks.length > 0
    ? { reason: 'PrometheusMissing' }
    : undefined;

/** An attempt starts only if the images that it records fit into the status. */
export function roomObstacle(
  snapshot: Snapshot,
  workload: WorkloadView,
  inherit: boolean,
): Obstacle | undefined {
  const { from, to } = setsOf(snapshot, workload, inherit);
  return imagesTooLong(workload, [from.images, to.images]);
}

/** Only the gate can stop such a rollout at a stage. */
const isHeldByGate = (spec: EffectiveSpec, workload: WorkloadView): boolean =>
  spec.stages.length > 1 && driverOf(workload).lever(workload) === 'gate';

/** What an attempt still needs before it starts: managedFields without our entry, and a known gate. */
export function observeGate({ upgrade, gateCarrier }: Snapshot, workload: WorkloadView): State | undefined {
  if (workload.holdsOurFields) {
    return { name: 'ReleasingFields', workload };
  }
  const { gate } = upgrade.spec;
  if (gate !== 'Disabled' && gateCarrier === 'Unknown') {
    return { name: 'GateUnknown' };
  }
  const isNeeded = gate === 'Required' || isHeldByGate(upgrade.spec, workload);
  return isNeeded && gateCarrier === 'None'
    ? { name: 'Blocked', obstacle: { reason: 'GateUnavailable' } }
    : undefined;
}

/** The next attempt may have to wait for long; until it can start, the running one continues. */
export const isHeldUp = (state: State): boolean =>
  state.name === 'WaitingToStart' ||
  (state.name === 'Blocked' && state.obstacle.reason !== 'GateUnavailable');
