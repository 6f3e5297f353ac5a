/**
 * Names the one situation that an Upgrade is in. Exhaustive: decide.ts has an arm for each name and nothing else asks again.
 * Only stored facts count: what the status says, and what the cluster shows.
 */
import { own } from '../api/own.ts';
import type { Attempt, FallbackStatus, UpgradeStatus } from '../api/types.ts';
import type { WorkloadView } from '../api/views.ts';
import { newCommand, type Verb } from './commands.ts';
import { attemptObstacle, type Obstacle, rolloutObstacle } from './obstacles.ts';
import { answeredInFallback, wroteImages } from './rewritten.ts';
import type { Snapshot } from './snapshot.ts';
import { isAttempting, isFallingBack, isForSpec, isRetryable } from './status.ts';
import { imageManager, runsImages, upgradedImages } from './target.ts';

export type Trigger = Attempt['trigger'];

interface Running {
  readonly workload: WorkloadView;
  readonly status: UpgradeStatus;
  readonly attempt: Attempt;
}

export type State =
  /** The Upgrade is being deleted: nothing is written for it any more. */
  | { readonly name: 'Deleting' }
  /** What we know of the workload is older than what the status was written from: a decision on it would be about the past. */
  | { readonly name: 'Behind' }
  /** Cannot act, and nothing is under way. */
  | { readonly name: 'Blocked'; readonly obstacle: Obstacle }
  /** The workload went away in the middle of an attempt or fallback. */
  | { readonly name: 'TargetLost' }
  /** Under way, but standing still: paused by the user, or by an obstacle. Clocks stop. */
  | ({ readonly name: 'Halted'; readonly obstacle: Obstacle; readonly byUser: boolean } & Running)
  /** Paused before an attempt was recorded. */
  | { readonly name: 'PausedBeforeStart' }
  /** Halted no longer, and the clocks have yet to be told. */
  | ({ readonly name: 'Resuming' } & Running)
  /** An attempt is to start, but a write of ours still stands in managedFields: that entry has to go first, so that the next one can be told. */
  | { readonly name: 'ReleasingFields'; readonly workload: WorkloadView }
  /** An attempt is to start, but the API server has not said whether it can be gated. */
  | { readonly name: 'GateUnknown' }
  /** A new attempt is to be recorded. `inherit`: what runs now was never proved, so the old fallback target stays. */
  | {
      readonly name: 'Starting';
      readonly workload: WorkloadView;
      readonly trigger: Trigger;
      readonly inherit: boolean;
    }
  | ({ readonly name: 'Commanded'; readonly verb: Verb } & Running)
  /** Recorded; the images are to be written. */
  | ({ readonly name: 'Unwritten' } & Running)
  /** The images stand in the template, or what admission made of them; that they do is not yet recorded. */
  | ({ readonly name: 'Written' } & Running)
  /** Somebody else changed an image that this attempt (or its fallback) set. */
  | ({
      readonly name: 'Conflicted';
      readonly container: string;
      readonly image: string;
      readonly manager: string;
    } & Running)
  /** Pods of the wanted revision are to be evaluated. */
  | ({ readonly name: 'Proving' } & Running)
  | ({ readonly name: 'FallbackUnwritten'; readonly fallback: FallbackStatus } & Running)
  | ({ readonly name: 'FallbackWritten'; readonly fallback: FallbackStatus } & Running)
  | ({ readonly name: 'FallbackProving'; readonly fallback: FallbackStatus } & Running)
  /** Nothing to do until the spec, a command or the target changes. */
  | ({ readonly name: 'Settled' } & Running);

/** What runs now was never proved, so a new attempt must not take it for its fallback target. */
const unproved = (status: UpgradeStatus | undefined): boolean =>
  isAttempting(status) ||
  ((status?.phase === 'Failed' || status?.phase === 'FallbackFailed') &&
    status.attempt?.end?.reason !== 'ImageConflict');

function startTrigger(
  snapshot: Snapshot,
  workload: WorkloadView,
): { trigger: Trigger; inherit: boolean } | undefined {
  const { spec, status } = snapshot.upgrade;
  if (!status?.attempt) {
    return { trigger: 'Created', inherit: false };
  }
  if (status.targetUID !== workload.uid) {
    return { trigger: 'TargetReplaced', inherit: false };
  }
  if (isFallingBack(status) || isForSpec(status.attempt, spec)) {
    return undefined;
  }
  return { trigger: 'ContainersChanged', inherit: unproved(status) };
}

export function observe(snapshot: Snapshot): State {
  const { upgrade, workload } = snapshot;
  const { spec, status } = upgrade;
  if (upgrade.metadata.deletionTimestamp) {
    return { name: 'Deleting' };
  }
  if (snapshot.claimedBy) {
    const message = `Upgrade ${snapshot.claimedBy} is older and acts on ${spec.targetRef.kind} ${spec.targetRef.name}: delete one of the two`;
    return { name: 'Blocked', obstacle: { reason: 'TargetClaimed', message } };
  }
  if (!workload || workload.deleting) {
    if (isAttempting(status) || isFallingBack(status)) {
      return { name: 'TargetLost' };
    }
    const message = `${spec.targetRef.kind} ${spec.targetRef.name} does not exist in namespace ${upgrade.metadata.namespace}: create it, or correct spec.targetRef.name`;
    return { name: 'Blocked', obstacle: { reason: 'TargetNotFound', message } };
  }
  if (status?.targetUID === workload.uid && workload.generation < (status.targetGeneration ?? 0)) {
    return { name: 'Behind' };
  }
  const start = startTrigger(snapshot, workload);
  if (start) {
    return observeStart(snapshot, workload, start);
  }
  return observeRunning(snapshot, {
    workload,
    status: status as UpgradeStatus,
    attempt: status?.attempt as Attempt,
  });
}

/** An attempt is recorded, and stands for the spec. */
function observeRunning(snapshot: Snapshot, running: Running): State {
  const { workload, status, attempt } = running;
  // Before anything else is decided: what was answered is what pods run.
  if (isAttempting(status) && !attempt.rolledAt && wroteImages(workload)) {
    return { name: 'Written', ...running };
  }
  const verb = newCommand(snapshot.upgrade);
  if (verb) {
    return observeCommand(snapshot, running, verb);
  }
  if (isFallingBack(status)) {
    return observeFallback(snapshot, running);
  }
  return isAttempting(status) ? observeAttempt(snapshot, running) : { name: 'Settled', ...running };
}

function observeStart(
  snapshot: Snapshot,
  workload: WorkloadView,
  start: { trigger: Trigger; inherit: boolean },
): State {
  const { spec } = snapshot.upgrade;
  const obstacle = attemptObstacle(spec, workload);
  if (obstacle) {
    return { name: 'Blocked', obstacle };
  }
  if (spec.paused) {
    return { name: 'PausedBeforeStart' };
  }
  return observeGate(snapshot, workload) ?? { name: 'Starting', workload, ...start };
}

/** A retry is a start: it must not slip past `gate: Required`. */
function observeCommand(snapshot: Snapshot, running: Running, verb: Verb): State {
  const gate =
    verb === 'retry' && isRetryable(running.status) ? observeGate(snapshot, running.workload) : undefined;
  return gate ?? { name: 'Commanded', verb, ...running };
}

/** What an attempt that is about to start has to wait for, if anything. */
function observeGate({ upgrade, gatePolicy }: Snapshot, workload: WorkloadView): State | undefined {
  if (workload.holdsOurFields) {
    return { name: 'ReleasingFields', workload };
  }
  const { gate } = upgrade.spec;
  if (gate !== 'Disabled' && gatePolicy === 'Unknown') {
    return { name: 'GateUnknown' };
  }
  if (gate !== 'Required' || gatePolicy !== 'Unavailable') {
    return undefined;
  }
  const message =
    "spec.gate is Required, but the gate policy is not installed (it needs Kubernetes 1.36 or newer and the chart's gatePolicy.create): install it, or set spec.gate to Auto";
  return { name: 'Blocked', obstacle: { reason: 'GateUnavailable', message } };
}

/** Paused by the user or kept by an obstacle; or free again, which the clocks have to be told first. */
function observeHalt(
  snapshot: Snapshot,
  running: Running,
  obstacle: Obstacle | undefined,
): State | undefined {
  if (obstacle) {
    return { name: 'Halted', obstacle, byUser: false, ...running };
  }
  if (snapshot.upgrade.spec.paused) {
    return {
      name: 'Halted',
      obstacle: { reason: 'Paused', message: 'paused by spec.paused' },
      byUser: true,
      ...running,
    };
  }
  return running.status.paused?.since ? { name: 'Resuming', ...running } : undefined;
}

function observeAttempt(snapshot: Snapshot, running: Running): State {
  const { workload, status, attempt } = running;
  const ours = upgradedImages(status, snapshot.upgrade.spec);
  if (attempt.rolledAt && !runsImages(workload, ours)) {
    return conflict(running, ours);
  }
  const halt = observeHalt(snapshot, running, attemptObstacle(snapshot.upgrade.spec, workload));
  if (halt) {
    return halt;
  }
  if (attempt.rolledAt) {
    return { name: 'Proving', ...running };
  }
  if (runsImages(workload, status.to?.images ?? {})) {
    return { name: 'Written', ...running };
  }
  // The spec moved on between the record and the write, of which there is no trace: what was recorded as running before may be stale, so it
  // is recorded again.
  if (workload.generation !== attempt.targetGeneration) {
    return { name: 'Starting', workload, trigger: attempt.trigger, inherit: attempt.inherited ?? false };
  }
  return { name: 'Unwritten', ...running };
}

function observeFallback(snapshot: Snapshot, running: Running): State {
  const { workload, status } = running;
  const fallback = status.fallback as FallbackStatus;
  const answer = fallback.rolledAt ? {} : answeredInFallback(workload, status);
  const there = runsImages(workload, { ...fallback.images, ...answer });
  if (fallback.rolledAt && !there) {
    return conflict(running, fallback.images);
  }
  const ours = upgradedImages(status, snapshot.upgrade.spec);
  if (!fallback.rolledAt && !there && running.attempt.rolledAt && !runsImages(workload, ours)) {
    return conflict(running, ours);
  }
  const halt = observeHalt(snapshot, running, rolloutObstacle(workload));
  if (halt) {
    return halt;
  }
  if (fallback.rolledAt) {
    return { name: 'FallbackProving', fallback, ...running };
  }
  return there
    ? { name: 'FallbackWritten', fallback, ...running }
    : { name: 'FallbackUnwritten', fallback, ...running };
}

function conflict(running: Running, wanted: Readonly<Record<string, string>>): State {
  const changed = running.workload.containers.find(
    ({ name, image }) => ![undefined, image].includes(own(wanted, name)),
  );
  const container = changed?.name ?? '';
  return {
    name: 'Conflicted',
    container,
    image: changed?.image ?? '',
    manager: imageManager(running.workload, container),
    ...running,
  };
}
