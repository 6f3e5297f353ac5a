/**
 * Names the one state that an Upgrade is in. Exhaustive: decide.ts has an arm for each name and nothing else asks again.
 * Only stored facts count: what the status says, and what the cluster shows.
 */

import { isAbandoned } from '../../api/gate.ts';
import type { Attempt, UpgradeSpec, UpgradeStatus } from '../../api/types.ts';
import type { Verb } from '../../api/verbs.ts';
import type { WorkloadView } from '../../api/views.ts';
import { isHeldBack, mustPutBack } from '../finalizer.ts';
import { type Obstacle, PAUSED } from '../obstacle.ts';
import { needsBaseline } from '../rollout/baseline.ts';
import { policyFor, policyOf } from '../rollout/policy.ts';
import {
  type ForeignChange,
  foreignChange,
  isAnswered,
  isUnwritten,
  isWritten,
  type Rollout,
  rolloutOf,
} from '../rollout/rollout.ts';
import { rolloutChecksOf } from '../rollout/rollout-checks.ts';
import { stagesOf } from '../rollout/stages.ts';
import type { Snapshot } from '../snapshot.ts';
import {
  type ActiveStatus,
  activeStatus,
  isForSpec,
  isPostCheckChanged,
  isRetryable,
  isUnderWay,
} from '../status.ts';
import { fromIso } from '../time.ts';
import type { Wait } from '../wait.ts';
import { driverOf } from '../workload/drivers.ts';
import { attemptObstacle, imagesTooLong, targetClaimed, targetNotFound } from '../workload/obstacles.ts';
import { newCommand } from './commands.ts';
import { dependencyObstacle } from './dependencies.ts';
import { retryInherits, setsOf, startWait } from './start.ts';

export type Trigger = Attempt['trigger'];

interface Active {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
}

interface Rolling extends Active {
  readonly rollout: Rollout;
}

export interface Start {
  readonly workload: WorkloadView;
  readonly trigger: Trigger;
  /** What runs now was never verified, so the recorded fallback target stays. */
  readonly inherit: boolean;
  /** The attempt was recorded and not written, and is recorded again under its own number. */
  readonly rerecord: boolean;
}

export type State =
  /** The Upgrade is being deleted: nothing is written for it any more. */
  | { readonly name: 'Deleting' }
  /** It is being deleted, and nothing has to be put back, or can be: our finalizer goes. */
  | { readonly name: 'LettingGo' }
  /** It was deleted in the middle of an attempt, or while it held a version that failed behind closed gates: an abort. */
  | ({ readonly name: 'Withdrawn' } & Active)
  /** What we know of the workload is older than what the status was written from: a decision on it would be about the past. */
  | { readonly name: 'StaleCache' }
  /** Cannot act, and nothing is under way. */
  | { readonly name: 'Blocked'; readonly obstacle: Obstacle }
  /** The workload went away in the middle of a rollout. */
  | { readonly name: 'TargetLost'; readonly status: ActiveStatus }
  /** A rollout is under way, but suspended: by the user, or by an obstacle. Clocks stop. */
  | ({ readonly name: 'Suspended'; readonly obstacle: Obstacle; readonly byUser: boolean } & Rolling)
  /** Suspended by the user before an attempt was recorded. */
  | { readonly name: 'SuspendedBeforeStart' }
  /** Suspended no longer, which is not recorded yet. */
  | ({ readonly name: 'Resuming' } & Rolling)
  /** An attempt is to start, but a write of ours still stands in managedFields: that entry goes first, so that the next one can be told. */
  | { readonly name: 'ReleasingFields'; readonly workload: WorkloadView }
  /** An attempt is to start, but the API server has not said whether it can be gated. */
  | { readonly name: 'GateUnknown' }
  /** An attempt is to start, and waits for a window or for other Upgrades. */
  | { readonly name: 'WaitingToStart'; readonly wait: Wait }
  /** A new attempt is to be recorded. */
  | ({ readonly name: 'Starting' } & Start)
  | ({ readonly name: 'CommandPending'; readonly verb: Verb } & Active)
  /** The attempt is recorded; the version before is to be asked, while all of it still runs. */
  | ({ readonly name: 'BaselinePending' } & Rolling)
  /** The rollout is recorded; its images are to be written. */
  | ({ readonly name: 'ImagesPending' } & Rolling)
  /** The images stand in the template, or what admission made of them, which is not recorded yet. */
  | ({ readonly name: 'ImagesPatched' } & Rolling)
  /** Somebody else changed an image that the rollout set. */
  | ({ readonly name: 'Conflicted'; readonly change: ForeignChange } & Rolling)
  /** The rollout's pods are to be verified. */
  | ({ readonly name: 'Verifying' } & Rolling)
  /** Nothing to do until the spec, a command or the target changes. */
  | ({ readonly name: 'Idle' } & Active);

/** One state, by name. */
export type StateOf<Name extends State['name']> = Extract<State, { name: Name }>;

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
  return start || !status
    ? observeStart(snapshot, workload, start ?? CREATED, status)
    : observeActive(snapshot, { workload, status });
}

const isStale = (workload: WorkloadView, status: ActiveStatus | undefined): boolean =>
  status?.targetUID === workload.uid && workload.generation < (status.targetGeneration ?? 0);

/** How long the API server may refuse what a deletion needs: then the Upgrade goes all the same. */
const REFUSED_FOR_MS = 10 * 60_000;

/** What has to be put back before the Upgrade may go, and can be. */
function observeDeletion(snapshot: Snapshot, status: ActiveStatus | undefined): State {
  const { upgrade, workload, claimedBy, refusal, now } = snapshot;
  const isRefused =
    refusal !== undefined && now >= fromIso(upgrade.metadata.deletionTimestamp ?? '') + REFUSED_FOR_MS;
  const isThere = workload && !workload.deleting && status?.targetUID === workload.uid;
  if (!isThere || claimedBy || isRefused || !mustPutBack(upgrade, status)) {
    return { name: 'LettingGo' };
  }
  if (isStale(workload, status)) {
    return { name: 'StaleCache' };
  }
  const active = { workload, status };
  const rollout = rolloutOf(status, upgrade.spec);
  if (rollout && isAnswered(workload, rollout)) {
    return { name: 'ImagesPatched', ...active, rollout };
  }
  if (rollout && (!policyOf(rollout.direction).isInterruptible || status.phase === 'Partial')) {
    return observeLastFallback(snapshot, { ...active, rollout });
  }
  return rollout || isHeldBack(upgrade, status)
    ? { name: 'Withdrawn', ...active }
    : { name: 'Idle', ...active };
}

/** The fallback of an Upgrade that is being deleted: no pause holds it up, and what keeps the controller from rolling lets the Upgrade go. */
function observeLastFallback(snapshot: Snapshot, rolling: Rolling): State {
  const { workload, status, rollout } = rolling;
  const change = foreignChange(workload, status, rollout);
  if (change) {
    return { name: 'Conflicted', change, ...rolling };
  }
  if (status.paused?.since) {
    return { name: 'Resuming', ...rolling };
  }
  if (rollout.rolledAt === undefined) {
    return { name: isWritten(workload, status, rollout) ? 'ImagesPatched' : 'ImagesPending', ...rolling };
  }
  const obstacle = policyOf('Back').obstacle(snapshot, workload, status);
  return obstacle ? { name: 'LettingGo' } : { name: 'Verifying', ...rolling };
}

const CREATED = { trigger: 'Created', inherit: false } as const;

/** Why an attempt has to start now, if it has. */
function startOf(
  { upgrade: { spec } }: Snapshot,
  status: ActiveStatus | undefined,
  workload: WorkloadView,
): Pick<Start, 'trigger' | 'inherit'> | undefined {
  if (!status) {
    return CREATED;
  }
  if (status.targetUID !== workload.uid) {
    return { trigger: 'TargetReplaced', inherit: false };
  }
  if (!policyFor(status).isInterruptible || isForSpec(status.attempt, spec)) {
    return undefined;
  }
  return { trigger: 'ContainersChanged', inherit: runsUnverified(status) };
}

/** Other images are wanted than those of the attempt, or a retry. */
export const hasPendingStart = ({ upgrade }: Snapshot): boolean =>
  !upgrade.status?.attempt ||
  !isForSpec(upgrade.status.attempt, upgrade.spec) ||
  newCommand(upgrade) === 'retry';

/** What runs now was never verified, so a new attempt must not take it for its fallback target. */
const runsUnverified = (status: UpgradeStatus): boolean =>
  isUnderWay(status) ||
  status.phase === 'Partial' ||
  ((status.phase === 'Failed' || status.phase === 'FallbackFailed') &&
    status.attempt?.end?.reason !== 'ImageConflict');

function observeStart(
  snapshot: Snapshot,
  workload: WorkloadView,
  start: Pick<Start, 'trigger' | 'inherit'>,
  status: ActiveStatus | undefined,
): State {
  const { spec } = snapshot.upgrade;
  const obstacle =
    attemptObstacle(spec, workload) ??
    roomObstacle(snapshot, workload, start.inherit) ??
    dependencyObstacle(snapshot) ??
    prometheusMissing(snapshot);
  // What is under way goes on until the next one may begin: as far as what is asked now lets it, and an abort always does.
  const orUnderWay = (state: State): State =>
    start.trigger === 'ContainersChanged' && isUnderWay(status) && status
      ? observeActive(snapshot, { workload, status })
      : state;
  if (obstacle) {
    return orUnderWay({ name: 'Blocked', obstacle });
  }
  if (spec.paused) {
    return { name: 'SuspendedBeforeStart' };
  }
  const wait = startWait(snapshot, workload, start.inherit);
  if (wait) {
    return orUnderWay({ name: 'WaitingToStart', wait });
  }
  return observeGate(snapshot, workload) ?? { name: 'Starting', workload, ...start, rerecord: false };
}

/** Checks of the rollout have nobody to ask. */
const prometheusMissing = ({ upgrade, hasPrometheus }: Snapshot): Obstacle | undefined =>
  hasPrometheus === false && rolloutChecksOf(upgrade.spec).length > 0
    ? { reason: 'PrometheusMissing' }
    : undefined;

/** An attempt starts only when what it has to record finds room in the status. */
function roomObstacle(snapshot: Snapshot, workload: WorkloadView, inherit: boolean): Obstacle | undefined {
  const { from, to } = setsOf(snapshot, workload, inherit);
  return imagesTooLong(workload, [from.images, to.images]);
}

/** Stages of such a workload are held by the gate alone. */
const isHeldByGate = (spec: UpgradeSpec, workload: WorkloadView): boolean =>
  stagesOf(spec).length > 1 && driverOf(workload).lever(workload) === 'gate';

/** What an attempt that is about to start has to wait for, if anything. */
function observeGate({ upgrade, gateCarrier }: Snapshot, workload: WorkloadView): State | undefined {
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

function observeActive(snapshot: Snapshot, active: Active): State {
  const rollout = rolloutOf(active.status, snapshot.upgrade.spec);
  // Before anything else is decided: what was answered is what pods run.
  if (rollout && isAnswered(active.workload, rollout)) {
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
    const inherit = attempt.inherited ?? false;
    return { name: 'Starting', workload, trigger: attempt.trigger, inherit, rerecord: true };
  }
  return !rollout.turn && needsBaseline(snapshot, status, rollout)
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
    (isRecordedAgain(rollout) ? roomObstacle(snapshot, workload, attempt.inherited ?? false) : undefined);
  if (obstacle) {
    return { name: 'Suspended', obstacle, byUser: false, ...rolling };
  }
  if (spec.paused) {
    return { name: 'Suspended', obstacle: PAUSED, byUser: true, ...rolling };
  }
  return rolling.status.paused?.since ? { name: 'Resuming', ...rolling } : undefined;
}
