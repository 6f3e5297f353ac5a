/**
 * Finds the state that an Upgrade is in. decide.ts plans for each state without examining the conditions again.
 * Only the stored status and the observed cluster count, nothing that a process remembers.
 */

import { isAbandoned } from '../../api/gate.ts';
import type { Verb } from '../../api/verbs.ts';
import type { WorkloadView } from '../../api/views.ts';
import { type ActiveStatus, activeStatus } from '../complete-status.ts';
import { type Obstacle, PAUSED } from '../obstacle.ts';
import { needsBaseline } from '../rollout/baseline.ts';
import { policyOf } from '../rollout/policy.ts';
import { foreignChange, isUnwritten, isWritten, type Rollout, rolloutOf } from '../rollout/rollout.ts';
import type { Snapshot } from '../snapshot.ts';
import { isPostCheckChanged, isRetryable, isUnderWay } from '../status.ts';
import { fromIso } from '../time.ts';
import { targetClaimed, targetNotFound, workloadTooLong } from '../workload/obstacles.ts';
import { newCommand } from './commands.ts';
import { dependencyObstacle } from './dependencies.ts';
import { isStale, observeDeletion } from './observe-deletion.ts';
import { CREATED, isHeldUp, observeGate, observeStart, roomObstacle, startOf } from './observe-start.ts';
import { observeUnrecorded } from './observe-unrecorded.ts';
import { isRecordStale, retryInherits, startWait } from './start.ts';
import type { Active, Rolling, State, Trigger } from './state.ts';

export function observe(snapshot: Snapshot): State {
  const { upgrade, workload, claimedBy } = snapshot;
  const status = activeStatus(upgrade.status);
  if (isAbandoned(upgrade)) {
    return { name: 'Deleting' };
  }
  const { deletionTimestamp } = upgrade.metadata;
  if (deletionTimestamp) {
    return observeDeletion(snapshot, status, fromIso(deletionTimestamp));
  }
  if (claimedBy) {
    return { name: 'Blocked', obstacle: targetClaimed(upgrade, claimedBy) };
  }
  if (!workload || workload.deleting) {
    return status && isUnderWay(status)
      ? { name: 'TargetLost', status }
      : { name: 'Blocked', obstacle: targetNotFound(upgrade, snapshot.namesakes) };
  }
  return isStale(workload, status) ? { name: 'StaleCache' } : observeTarget(snapshot, workload, status);
}

function observeTarget(snapshot: Snapshot, workload: WorkloadView, status: ActiveStatus | undefined): State {
  const tooLong = workloadTooLong(workload);
  if (tooLong) {
    return heldUp(snapshot, workload, status, tooLong);
  }
  const start = startOf(snapshot, status, workload);
  // The next attempt could not tell it from what others set.
  const unrecorded =
    status && start?.trigger === 'ContainersChanged'
      ? unrecordedOf(snapshot, { workload, status })
      : undefined;
  if (unrecorded) {
    return unrecorded;
  }
  if (status && (!start || isAbortedFirst(snapshot, status, start.trigger))) {
    return observeActive(snapshot, { workload, status });
  }
  const state = observeStart(snapshot, workload, start ?? CREATED);
  const isDeferred = start?.trigger === 'ContainersChanged' && isUnderWay(status) && isHeldUp(state);
  return status && isDeferred ? observeActive(snapshot, { workload, status }) : state;
}

/**
 * An abort that comes with other images, as in one `kubectl apply`, is of the attempt that was running when it was set, and the next one starts
 * from what that leaves. With nothing under way it can only be of the next one, which an abort must stop rather than miss.
 */
const isAbortedFirst = ({ upgrade }: Snapshot, status: ActiveStatus, trigger: Trigger): boolean =>
  trigger === 'ContainersChanged' && isUnderWay(status) && newCommand(upgrade) === 'abort';

/** The containers of the workload are not known, so nothing else can be decided: an attempt that is under way is suspended. */
function heldUp(
  { upgrade: { spec } }: Snapshot,
  workload: WorkloadView,
  status: ActiveStatus | undefined,
  obstacle: Obstacle,
): State {
  const rollout =
    status && isUnderWay(status) && status.targetUID === workload.uid ? rolloutOf(status, spec) : undefined;
  return status && rollout
    ? { name: 'Suspended', obstacle, byUser: false, workload, status, rollout }
    : { name: 'Blocked', obstacle };
}

/** What the template has of the attempt that is under way, and the status has not. */
function unrecordedOf({ upgrade }: Snapshot, active: Active): State | undefined {
  const rollout = rolloutOf(active.status, upgrade.spec);
  return rollout && observeUnrecorded({ ...active, rollout });
}

function observeActive(snapshot: Snapshot, active: Active): State {
  const rollout = rolloutOf(active.status, snapshot.upgrade.spec);
  const unrecorded = unrecordedOf(snapshot, active);
  if (unrecorded) {
    return unrecorded;
  }
  const verb = newCommand(snapshot.upgrade);
  const state = verb && observeCommand(snapshot, active, verb);
  // A running rollout continues while a retry waits.
  if (state && !(state.name === 'WaitingToStart' && rollout)) {
    return state;
  }
  return rollout && !isInactive(snapshot, { ...active, rollout })
    ? observeRollout(snapshot, { ...active, rollout })
    : { name: 'Idle', ...active };
}

/**
 * After Partial, replacement pods are still verified because they are gated. Not while the Upgrade is paused, after the post-check was changed,
 * or once others have changed the images.
 */
function isInactive({ upgrade: { spec } }: Snapshot, { workload, status, rollout }: Rolling): boolean {
  return (
    status.phase === 'Partial' &&
    (foreignChange(workload, status, rollout) !== undefined ||
      (status.turnedBack === undefined && (spec.paused || isPostCheckChanged(status, spec))))
  );
}

/** A retry starts an attempt, so it waits for everything that an attempt waits for. */
function observeCommand(snapshot: Snapshot, active: Active, verb: Verb): State {
  const pending: State = { name: 'CommandPending', verb, ...active };
  if (verb !== 'retry' || !isRetryable(active.status)) {
    return pending;
  }
  const inherit = retryInherits(snapshot);
  const obstacle = roomObstacle(snapshot, active.workload, inherit) ?? dependencyObstacle(snapshot);
  if (obstacle) {
    return { name: 'Blocked', obstacle };
  }
  const wait = startWait(snapshot, active.workload, inherit);
  return wait ? { name: 'WaitingToStart', wait } : (observeGate(snapshot, active.workload) ?? pending);
}

function observeRollout(snapshot: Snapshot, rolling: Rolling): State {
  const { workload, rollout, status } = rolling;
  const change = foreignChange(workload, status, rollout);
  if (change) {
    return { name: 'Conflicted', change, ...rolling };
  }
  const suspension = observeSuspension(snapshot, rolling);
  if (suspension) {
    return suspension;
  }
  if (rollout.rolledAt !== undefined) {
    return { name: 'Verifying', ...rolling };
  }
  if (isWritten(workload, status, rollout)) {
    return { name: 'ImagesPatched', ...rolling };
  }
  const { attempt } = status;
  if (isRecordedAgain(rollout) && isRecordStale(snapshot, workload, status)) {
    const inherit = attempt.inherited === true;
    return { name: 'Starting', workload, trigger: attempt.trigger, inherit, rerecord: true };
  }
  return !rollout.templateRevert && needsBaseline(snapshot, status, rollout)
    ? { name: 'BaselinePending', ...rolling }
    : { name: 'ImagesPending', ...rolling };
}

/** Before its images are written, an attempt may have to be recorded again. */
const isRecordedAgain = (rollout: Rollout): boolean =>
  policyOf(rollout.direction).isRecordedAgain && isUnwritten(rollout);

/** Suspended by an obstacle or by the user. That it no longer is has to be recorded first, because deadlines start again then. */
function observeSuspension(snapshot: Snapshot, rolling: Rolling): State | undefined {
  const { spec } = snapshot.upgrade;
  const { workload, status, rollout } = rolling;
  const { attempt } = status;
  // An attempt that ended as Partial needs nothing of its workload.
  if (status.phase === 'Partial' && !status.turnedBack) {
    return undefined;
  }
  const obstacle =
    policyOf(rollout.direction).obstacle(snapshot, workload, status) ??
    (isRecordedAgain(rollout) ? roomObstacle(snapshot, workload, attempt.inherited === true) : undefined);
  if (obstacle) {
    return { name: 'Suspended', obstacle, byUser: false, ...rolling };
  }
  if (spec.paused) {
    return { name: 'Suspended', obstacle: PAUSED, byUser: true, ...rolling };
  }
  return rolling.status.paused.since ? { name: 'Resuming', ...rolling } : undefined;
}
