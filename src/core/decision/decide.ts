/**
 * Makes a plan for a state: the next status, at most one kind of write, probe cycles to start, and when to decide again.
 * Intent before act: a plan that changes what the operator intends to do (`intent`) has no action; the action follows once that status is stored.
 */
import { isReason } from '../../api/reasons.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { Verb } from '../../api/verbs.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { type ActiveStatus, type Status, storedStatus } from '../complete-status.ts';
import { followFinalizer, removeFinalizer } from '../finalizer.ts';
import { runsImages } from '../images.ts';
import { PAUSED } from '../obstacle.ts';
import { type Action, type Decision, firstAction, NO_ACTION, type PlannedCycle } from '../plan.ts';
import { withConditions } from '../report/conditions.ts';
import { releaseFields, resultsAction } from '../rollout/actions.ts';
import { rejectVersion } from '../rollout/attempt.ts';
import { takeBaseline } from '../rollout/baseline.ts';
import { verificationContext } from '../rollout/context.ts';
import { userPartition } from '../rollout/partition.ts';
import { recordPins } from '../rollout/pins.ts';
import { policyFor } from '../rollout/policy.ts';
import type { PlannedQuery } from '../rollout/rollout-checks.ts';
import { withAttemptRevision } from '../rollout/template-revert.ts';
import { verify, withPodStatus } from '../rollout/verify.ts';
import { recordWritten, writeImages } from '../rollout/write.ts';
import type { Snapshot } from '../snapshot.ts';
import { endAttempt, isRetryable } from '../status.ts';
import { earliest, fromIso, toIso } from '../time.ts';
import { scheduleProbes } from '../verification/due.ts';
import { summarizePods, unrecorded, withoutRemovedPods } from '../verification/summary.ts';
import { closedWindow, storedWait } from '../wait.ts';
import { driverOf } from '../workload/drivers.ts';
import { approve, type CommandOutcome, promote } from './approval.ts';
import { recordCommand, recordSeenCommands } from './commands.ts';
import { afterForeignChange } from './foreign-change.ts';
import { observe } from './observe.ts';
import { hasPendingStart } from './observe-start.ts';
import { restate, retryAttempt, startAttempt } from './start.ts';
import type { State, StateOf } from './state.ts';

export interface Plan {
  readonly state: State['name'];
  readonly status: UpgradeStatus;
  /** The status must be stored before anything else is done. */
  readonly intent: boolean;
  readonly action: Action;
  readonly cycles: readonly PlannedCycle[];
  readonly queries: readonly PlannedQuery[];
  readonly wakeAt?: number;
}

/** The installation of the gate policy causes no watch event. */
const GATE_POLL_MS = 30_000;

export function decide(snapshot: Snapshot): Plan {
  const state = observe(snapshot);
  if (state.name === 'StaleCache' || state.name === 'Deleting' || state.name === 'RemovingFinalizer') {
    const { upgrade } = snapshot;
    const action = state.name === 'RemovingFinalizer' ? removeFinalizer(upgrade) : NO_ACTION;
    return {
      state: state.name,
      status: storedStatus(upgrade.status),
      intent: false,
      action,
      cycles: [],
      queries: [],
    };
  }
  const decision = decideIn(snapshot, state);
  const { obstacle = snapshot.refusal, summary, suspendedByUser = false } = decision;
  const { intent = false, action = NO_ACTION, cycles = [], queries = [] } = decision;
  const status = { ...decision.status, waiting: waitingOf(snapshot, state, decision) };
  return {
    state: state.name,
    status: withConditions(snapshot, status, { obstacle, summary, suspendedByUser }),
    intent,
    action: intent ? NO_ACTION : firstAction(action, followFinalizer(snapshot.upgrade, status)),
    cycles,
    queries,
    wakeAt: earliest([decision.wakeAt, windowAt(snapshot)]),
  };
}

/** When the next window opens, if an attempt is pending: it must not be missed while another one is under way. */
const windowAt = (snapshot: Snapshot): number | undefined =>
  hasPendingStart(snapshot) ? closedWindow(snapshot)?.until : undefined;

/** States that interrupt a wait without ending it. */
const INTERRUPTING: readonly State['name'][] = ['CommandPending', 'Suspended', 'Resuming'];

function waitingOf(
  { upgrade, now }: Snapshot,
  { name }: State,
  { status, wait, keepsWait = false }: Decision,
): Status['waiting'] {
  const { waiting, phase } = upgrade.status;
  const isUnchanged = keepsWait || (INTERRUPTING.includes(name) && phase === status.phase);
  return isUnchanged ? waiting : storedWait(waiting, wait, now);
}

function decideIn(
  snapshot: Snapshot,
  state: Exclude<State, StateOf<'StaleCache' | 'Deleting' | 'RemovingFinalizer'>>,
): Decision {
  const { upgrade, now } = snapshot;
  const current = upgrade.status;
  switch (state.name) {
    case 'Blocked': {
      const polls = state.obstacle.reason === 'GateUnavailable';
      return { status: current, obstacle: state.obstacle, wakeAt: polls ? now + GATE_POLL_MS : undefined };
    }
    case 'TargetLost':
      return { status: targetLost(snapshot, state.status), intent: true };
    case 'SuspendedBeforeStart':
      return { status: current, obstacle: PAUSED, suspendedByUser: true };
    case 'Suspended':
      return suspend(snapshot, state);
    case 'Resuming':
      return { status: resume(state.status, now), intent: true };
    case 'ReleasingFields':
      return { status: current, action: releaseFields(state.workload) };
    case 'GateUnknown':
      return { status: current, action: { kind: 'findGateCarrier' }, wakeAt: now + 2000 };
    case 'WaitingToStart': {
      const seen = current.waiting ? current : recordSeenCommands(upgrade, current, now);
      return { status: seen, wait: state.wait, wakeAt: state.wait.until };
    }
    case 'Restated':
      return { status: restate(snapshot, state.status), intent: true };
    case 'Starting':
      return { status: startAttempt(snapshot, state), intent: true };
    case 'CommandPending':
      return { status: executeCommand(snapshot, state), intent: true };
    case 'AbortedByDeletion':
      return { status: abortDeleted(snapshot, state), intent: true };
    case 'BaselinePending':
      return takeBaseline(snapshot, state.status);
    case 'ImagesPending':
      return writeImages(snapshot, state);
    case 'ImagesPatched':
      return { status: recordWritten(snapshot, state), intent: true };
    case 'ImagesPinned':
      return { status: recordPins(state), intent: true };
    case 'Conflicted':
      return { status: afterForeignChange(snapshot, state), intent: true };
    case 'Verifying':
      return endedHeld(state) ?? verify(snapshot, state);
    case 'Idle':
      return idle(snapshot, state);
  }
}

function targetLost({ upgrade, now }: Snapshot, status: ActiveStatus): Status {
  const { kind, name } = upgrade.spec.targetRef;
  const cause = { reason: 'TargetNotFound', workload: `${kind} ${name}` } as const;
  const end = { phase: 'Aborted', outcome: 'Aborted', cause, gating: false } as const;
  return endAttempt(upgrade, status, end, now);
}

/** Nothing is written to the workload and no gate is opened, but probes continue and are reported. */
function suspend(snapshot: Snapshot, state: StateOf<'Suspended'>): Decision {
  const { status, workload, obstacle, byUser } = state;
  const common = { obstacle, suspendedByUser: byUser };
  if (!status.paused.since) {
    const paused = { ...status.paused, since: toIso(snapshot.now) };
    const attempt = { ...status.attempt, deadlineAt: undefined };
    return { ...common, status: { ...status, attempt, paused }, intent: true };
  }
  if (!status.attempt.rolledAt || workload.isTooLong) {
    return { ...common, status };
  }
  const seen = withAttemptRevision(snapshot, status);
  const context = verificationContext(seen, status);
  const summary = summarizePods(seen, workload, context);
  return {
    ...common,
    ...scheduleProbes(snapshot, summary.results, context),
    status: withPodStatus(status, summary),
    summary,
  };
}

function resume(status: ActiveStatus, now: number): Status {
  const { since, seconds = 0 } = status.paused;
  const suspendedSeconds = Math.max(0, Math.round((now - (since ? fromIso(since) : now)) / 1000));
  return { ...status, paused: { resumedAt: toIso(now), seconds: seconds + suspendedSeconds } };
}

function executeCommand(snapshot: Snapshot, { verb, workload, status }: StateOf<'CommandPending'>): Status {
  if (verb === 'retry' && isRetryable(status)) {
    return retryAttempt(snapshot, workload);
  }
  const { status: next = status, result } = COMMANDS[verb](snapshot, status, workload);
  return recordCommand(snapshot.upgrade, next, verb, result, snapshot.now);
}

const COMMANDS: Readonly<
  Record<Verb, (snapshot: Snapshot, status: ActiveStatus, workload: WorkloadView) => CommandOutcome>
> = {
  retry: () => ({ result: 'NothingToRetry' }),
  abort: (snapshot, status, workload) => {
    const aborted = abort(snapshot, workload, status, { reason: 'Aborted' });
    return { status: aborted, result: aborted?.phase ?? 'NothingToAbort' };
  },
  approve,
  promote,
};

/** Deleting an Upgrade during its attempt is an abort. */
function abortDeleted(snapshot: Snapshot, { workload, status }: StateOf<'AbortedByDeletion'>): Status {
  const cause = { reason: 'Aborted', deleted: true } as const;
  if (snapshot.upgrade.spec.fallback.action === 'None') {
    const end = { phase: 'Aborted', outcome: 'Aborted', cause, gating: false } as const;
    return endAttempt(snapshot.upgrade, status, end, snapshot.now);
  }
  // Nothing has to be restored.
  return (
    abort(snapshot, workload, status, cause) ?? { ...status, attempt: { ...status.attempt, gating: false } }
  );
}

function abort(
  snapshot: Snapshot,
  workload: WorkloadView,
  status: ActiveStatus,
  cause: Cause,
): ActiveStatus | undefined {
  const { upgrade, now } = snapshot;
  if (!isAbortable(status)) {
    return undefined;
  }
  if (!status.turnedBack && runsImages(workload, status.from.images)) {
    const end = { phase: 'Aborted', outcome: 'Aborted', cause, gating: false } as const;
    return endAttempt(upgrade, status, end, now);
  }
  const next = rejectVersion(snapshot, workload, status, { cause, pods: [] });
  // An attempt that has already failed, with nothing to restore, does not fail again.
  return status.phase === 'Failed' && next.phase === 'Failed' ? undefined : next;
}

const isAbortable = (status: ActiveStatus): boolean =>
  status.phase === 'Partial' ||
  (status.phase === 'Failed'
    ? !status.attempt.adopted && !isReason(status.attempt.end?.reason, 'ImageConflict', 'BaselineFailed')
    : status.attempt.end === undefined && policyFor(status).isInterruptible);

/**
 * After FallbackPaused and FallbackFailed the gates stay closed, until somebody sets another image in the workload: postcheck does not verify
 * those pods, so it must not gate them.
 */
function idle(snapshot: Snapshot, { status: ended, workload }: StateOf<'Idle'>): Decision {
  const status = withoutRemovedPods(ended, workload);
  const { attempt, from, to, fallback } = status;
  const sets = [to.images, from.images, { ...from.images, ...fallback?.images }];
  const isOurs = sets.some((images) => runsImages(workload, images));
  if (attempt.gating && !isOurs) {
    return { status: { ...status, attempt: { ...attempt, gating: false } }, intent: true };
  }
  const restore = restoreHeld(status, workload);
  if (restore) {
    return restore;
  }
  const release = releaseFields(workload);
  return { status, action: release.kind === 'none' ? explainHeldPods(snapshot, status, workload) : release };
}

/** After Partial pods are still verified, but what the attempt moved is restored first. */
const endedHeld = ({ status, workload }: StateOf<'Verifying'>): Decision | undefined =>
  status.attempt.end ? restoreHeld(status, workload) : undefined;

/** Restores the partition that the attempt moved, and then removes the record of it. */
function restoreHeld(status: ActiveStatus, workload: WorkloadView): Decision | undefined {
  if (!status.attempt.held) {
    return undefined;
  }
  const partition = userPartition(workload, status.attempt);
  return partition !== undefined && driverOf(workload).partition(workload) !== partition
    ? { status, action: { kind: 'patchPartition', workload, partition } }
    : { status: { ...status, attempt: { ...status.attempt, held: undefined } }, intent: true };
}

/** Failed pods that stay behind their gates get a condition that says why, for `kubectl describe pod`. A fallback replaces such pods at once, so there nobody would read it. */
function explainHeldPods(snapshot: Snapshot, status: ActiveStatus, workload: WorkloadView): Action {
  if (status.phase !== 'Failed' || !status.attempt.gating) {
    return NO_ACTION;
  }
  const context = verificationContext(snapshot, status);
  const failed = unrecorded(summarizePods(snapshot, workload, context)).filter(
    ({ state }) => state === 'Failed',
  );
  return resultsAction(failed, context);
}
