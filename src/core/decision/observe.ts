/**
 * Names the one state that an Upgrade is in. decide.ts has an arm for each name and nothing else asks again.
 * Only stored facts count: what the status says, and what the cluster shows.
 */

import { isAbandoned } from '../../api/gate.ts';
import type { Verb } from '../../api/verbs.ts';
import { PAUSED } from '../obstacle.ts';
import { needsBaseline } from '../rollout/baseline.ts';
import { policyOf } from '../rollout/policy.ts';
import {
  foreignChange,
  hasUnrecordedWrite,
  isUnwritten,
  isWritten,
  type Rollout,
  rolloutOf,
} from '../rollout/rollout.ts';
import type { Snapshot } from '../snapshot.ts';
import { activeStatus, isPostCheckChanged, isRetryable, isUnderWay } from '../status.ts';
import { targetClaimed, targetNotFound } from '../workload/obstacles.ts';
import { newCommand } from './commands.ts';
import { dependencyObstacle } from './dependencies.ts';
import { isStale, observeDeletion } from './observe-deletion.ts';
import { CREATED, isHeldUp, observeGate, observeStart, roomObstacle, startOf } from './observe-start.ts';
import { retryInherits, startWait } from './start.ts';
import type { Active, Rolling, State } from './state.ts';

export function observe(snapshot: Snapshot): State {
  const { upgrade, workload, claimedBy } = snapshot;
  const status = activeStatus(upgrade.status);
  if (isAbandoned(upgrade)) {
    return { name: 'Deleting' };
  }
  if (upgrade.metadata.deletionTimestamp) {
    return observeDeletion(snapshot, status);
  }
  if (claimedBy) {
    return { name: 'Blocked', obstacle: targetClaimed(upgrade, claimedBy) };
  }
  if (!workload || workload.deleting) {
    return status && isUnderWay(status)
      ? { name: 'TargetLost', status }
      : { name: 'Blocked', obstacle: targetNotFound(upgrade, snapshot.namesakes) };
  }
  if (isStale(workload, status)) {
    return { name: 'StaleCache' };
  }
  const start = startOf(snapshot, status, workload);
  if (status && !start) {
    return observeActive(snapshot, { workload, status });
  }
  const state = observeStart(snapshot, workload, start ?? CREATED);
  const goesOn = start?.trigger === 'ContainersChanged' && isUnderWay(status) && isHeldUp(state);
  return status && goesOn ? observeActive(snapshot, { workload, status }) : state;
}

function observeActive(snapshot: Snapshot, active: Active): State {
  const rollout = rolloutOf(active.status, snapshot.upgrade.spec);
  // Before anything else is decided: what was answered is what pods run.
  if (rollout && hasUnrecordedWrite(active.workload, rollout)) {
    return { name: 'ImagesPatched', ...active, rollout };
  }
  const verb = newCommand(snapshot.upgrade);
  const commanded = verb && observeCommand(snapshot, active, verb);
  // What is under way goes on while a retry waits.
  if (commanded && !(commanded.name === 'WaitingToStart' && rollout)) {
    return commanded;
  }
  return rollout && !isAtRest(snapshot, { ...active, rollout })
    ? observeRollout(snapshot, { ...active, rollout })
    : { name: 'Idle', ...active };
}

/**
 * An attempt that ended as Partial goes on verifying the pods that are made anew, as they come behind gates. Not while the user pauses it, or
 * asks another question than the one that was answered; and what others did to its images ends that, as after every end.
 */
function isAtRest({ upgrade: { spec } }: Snapshot, { workload, status, rollout }: Rolling): boolean {
  return (
    status.phase === 'Partial' &&
    (foreignChange(workload, status, rollout) !== undefined ||
      (status.turnedBack === undefined && (spec.paused || isPostCheckChanged(status, spec))))
  );
}

/** A retry is a start: it must slip past none of what an attempt waits for. */
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
  // The spec moved on between the record and the write, of which there is no trace: what was recorded as running before may be stale, so it is recorded again.
  if (isRecordedAgain(rollout) && workload.generation !== attempt.targetGeneration) {
    const inherit = attempt.inherited === true;
    return { name: 'Starting', workload, trigger: attempt.trigger, inherit, rerecord: true };
  }
  return !rollout.templateRevert && needsBaseline(snapshot, status, rollout)
    ? { name: 'BaselinePending', ...rolling }
    : { name: 'ImagesPending', ...rolling };
}

/** Suspended by an obstacle or by the user; or free again, which has to be recorded first, as the clocks count from then. */
/** Until its images are written, an attempt may have to be recorded again. */
const isRecordedAgain = (rollout: Rollout): boolean =>
  policyOf(rollout.direction).isRecordedAgain && isUnwritten(rollout);

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
