/**
 * From a situation to a plan: the next status, at most one kind of outward change, cycles to start, and when to look again.
 * Intent before act: a plan that changes what the operator means to do (`intent`) carries no action; the act follows once that status is stored.
 */
import { own } from '../api/own.ts';
import type { UpgradeStatus } from '../api/types.ts';
import type { WorkloadView } from '../api/views.ts';
import { recorded } from './commands.ts';
import { failed } from './fallback.ts';
import { observe, type State } from './observe.ts';
import { type Action, type Decision, type In, NO_ACTION, type Plan } from './plan.ts';
import {
  asked,
  conditionOf,
  fallbackProving,
  proving,
  releaseOurFields,
  shown,
  verificationContext,
} from './prove.ts';
import { withConditions } from './report/conditions.ts';
import { answered, answeredInFallback, isSameVersion, withAnswer } from './rewritten.ts';
import type { Snapshot } from './snapshot.ts';
import { retried, started } from './start.ts';
import { ended, isFallingBack, isRetryable } from './status.ts';
import { imagesOf, imagesToWrite, runsImages } from './target.ts';
import { fromIso, toIso } from './time.ts';
import { summarizePods, unrecorded } from './verification/summary.ts';

/** The gate policy sees a new attempt a few milliseconds after us: 3 of 200 pods slipped past it without this pause, none with it. */
const GATE_SETTLES_MS = 100;

export function decide(snapshot: Snapshot): Plan {
  const state = observe(snapshot);
  if (state.name === 'Behind') {
    return {
      state: state.name,
      status: snapshot.upgrade.status ?? {},
      intent: false,
      action: NO_ACTION,
      cycles: [],
    };
  }
  const decision = forState(snapshot, state);
  const { obstacle = snapshot.refusal, summary, haltedByUser = false } = decision;
  const status = withConditions(snapshot, decision.status, { obstacle, summary, haltedByUser });
  return {
    state: state.name,
    status,
    intent: decision.intent ?? false,
    action: decision.action ?? NO_ACTION,
    cycles: decision.cycles ?? [],
    ...(decision.wakeAt === undefined ? {} : { wakeAt: decision.wakeAt }),
  };
}

function forState(snapshot: Snapshot, state: Exclude<State, In<'Behind'>>): Decision {
  const { upgrade, now } = snapshot;
  switch (state.name) {
    case 'Deleting':
      return { status: upgrade.status ?? {} };
    case 'Blocked':
      return {
        status: { phase: 'Pending', ...upgrade.status },
        obstacle: state.obstacle,
        // Nothing tells that the policy was installed.
        ...(state.obstacle.reason === 'GateUnavailable' ? { wakeAt: now + 30_000 } : {}),
      };
    case 'TargetLost':
      return targetLost(snapshot);
    case 'PausedBeforeStart':
      return {
        status: { phase: 'Pending', ...upgrade.status },
        obstacle: { reason: 'Paused', message: 'paused by spec.paused' },
        haltedByUser: true,
      };
    case 'Halted':
      return halted(snapshot, state);
    case 'Resuming':
      return { status: resumed(state.status, now), intent: true };
    case 'ReleasingFields':
      return { status: { phase: 'Pending', ...upgrade.status }, action: releaseOurFields(state.workload) };
    case 'GateUnknown':
      return { status: { phase: 'Pending', ...upgrade.status }, wakeAt: now + 2000 };
    case 'Starting':
      return { status: started(snapshot, state), intent: true };
    case 'Commanded':
      return { status: commanded(snapshot, state), intent: true };
    case 'Unwritten':
      return unwritten(snapshot, state);
    case 'Written':
      return { status: written(snapshot, state), intent: true };
    case 'Conflicted':
      return { status: conflicted(snapshot, state), intent: true };
    case 'Proving':
      return proving(snapshot, state);
    case 'FallbackUnwritten':
      return {
        status: state.status,
        action: {
          kind: 'patchImages',
          workload: state.workload,
          images: imagesToWrite(state.workload, state.fallback.images),
        },
      };
    case 'FallbackWritten':
      return {
        status: {
          ...rolled(state),
          fallback: {
            ...withAnswer(state.fallback, answeredInFallback(state.workload, state.status)),
            rolledAt: toIso(now),
          },
        },
        intent: true,
      };
    case 'FallbackProving':
      return fallbackProving(snapshot, state);
    case 'Settled':
      return settled(snapshot, state);
  }
}

/** The images stand in the template as of this generation. */
const rolled = ({ status, workload }: In<'Written' | 'FallbackWritten'>): UpgradeStatus => ({
  ...status,
  targetGeneration: workload.generation,
});

/** The attempt goes on with what stands, unless admission set what ran before again. */
function written(snapshot: Snapshot, state: In<'Written'>): UpgradeStatus {
  const { workload, status, attempt } = state;
  const stands = answered(workload, status.to?.images ?? {});
  const back = Object.keys(stands).find((name) => isSetBack(state, name));
  const next: UpgradeStatus = {
    ...rolled(state),
    ...(status.to ? { to: withAnswer(status.to, stands) } : {}),
    phase: 'Upgrading',
    attempt: { ...attempt, rolledAt: toIso(snapshot.now) },
  };
  if (back === undefined) {
    return next;
  }
  const [asked, stood] = [own(status.to?.images, back) ?? '', own(stands, back) ?? ''];
  if (isSameVersion(asked, stood) && runsImages(workload, status.from?.images ?? {})) {
    return { ...next, attempt: { ...attempt, rolledAt: toIso(snapshot.now), adopted: true, gating: false } };
  }
  const cause = `the API server answered image ${asked} for container ${back} with ${stood}, which ran before: look for an admission policy that sets it`;
  return setBack(snapshot, state, cause);
}

/** The write had no effect: the image is the one of before, or nothing at all has changed. */
const isSetBack = ({ workload, status, attempt }: In<'Written'>, name: string): boolean =>
  workload.generation === attempt.targetGeneration ||
  own(imagesOf(workload), name) === own(status.from?.images, name);

function setBack(snapshot: Snapshot, { workload, status }: In<'Written'>, cause: string): UpgradeStatus {
  const reason = 'ImageRewritten';
  return runsImages(workload, status.from?.images ?? {})
    ? ended(
        snapshot.upgrade,
        status,
        { phase: 'Failed', outcome: 'Failed', reason, cause, gating: false },
        snapshot.now,
      )
    : failed(snapshot, workload, status, { reason, cause, pods: [] });
}

function targetLost(snapshot: Snapshot): Decision {
  const { upgrade, now } = snapshot;
  const { kind, name } = upgrade.spec.targetRef;
  const cause = `${kind} ${name} was deleted while the attempt ran`;
  return {
    status: ended(
      upgrade,
      upgrade.status ?? {},
      { phase: 'Aborted', outcome: 'Aborted', reason: 'TargetNotFound', cause, gating: false },
      now,
    ),
    intent: true,
  };
}

/** Standing still: nothing is written to the workload and no gate is opened, but checks go on and are shown. */
function halted(snapshot: Snapshot, { status, workload, obstacle, byUser }: In<'Halted'>): Decision {
  const common = { obstacle, haltedByUser: byUser };
  if (!status.paused?.since) {
    return {
      ...common,
      status: { ...status, paused: { ...status.paused, since: toIso(snapshot.now) } },
      intent: true,
    };
  }
  if (!status.attempt?.rolledAt) {
    return { ...common, status };
  }
  const verification = verificationContext(snapshot, status);
  const summary = summarizePods(snapshot, workload, verification);
  return { ...common, ...shown(status, summary), ...asked(snapshot, summary, verification) };
}

function resumed(status: UpgradeStatus, now: number): UpgradeStatus {
  const since = status.paused?.since ? fromIso(status.paused.since) : now;
  const seconds = (status.paused?.seconds ?? 0) + Math.round((now - since) / 1000);
  return { ...status, paused: { resumedAt: toIso(now), seconds } };
}

function commanded(snapshot: Snapshot, { verb, workload, status }: In<'Commanded'>): UpgradeStatus {
  const { upgrade, now } = snapshot;
  if (verb === 'retry') {
    return isRetryable(status)
      ? retried(snapshot, workload)
      : recorded(upgrade, status, 'retry', 'NothingToRetry', now);
  }
  const aborted = abort(snapshot, workload, status);
  return aborted
    ? recorded(upgrade, aborted, 'abort', aborted.phase ?? '', now)
    : recorded(upgrade, status, 'abort', 'NothingToAbort', now);
}

function abort(snapshot: Snapshot, workload: WorkloadView, status: UpgradeStatus): UpgradeStatus | undefined {
  const { upgrade, now } = snapshot;
  const abortable =
    status.phase === 'Failed'
      ? !status.attempt?.adopted && status.attempt?.end?.reason !== 'ImageConflict'
      : status.attempt?.end === undefined && !isFallingBack(status);
  if (!abortable) {
    return undefined;
  }
  const cause = 'aborted by postcheck.dev/abort';
  if (runsImages(workload, status.from?.images ?? {})) {
    return ended(
      upgrade,
      status,
      { phase: 'Aborted', outcome: 'Aborted', reason: 'Aborted', cause, gating: false },
      now,
    );
  }
  const next = failed(snapshot, workload, status, { reason: 'Aborted', cause, pods: [] });
  // What has failed already, with nothing to restore, does not fail again.
  return status.phase === 'Failed' && next.phase === 'Failed' ? undefined : next;
}

function unwritten(snapshot: Snapshot, { status, attempt, workload }: In<'Unwritten'>): Decision {
  const writeAt = fromIso(attempt.startedAt) + (attempt.gating ? GATE_SETTLES_MS : 0);
  if (snapshot.now < writeAt) {
    return { status, wakeAt: writeAt };
  }
  return {
    status,
    action: { kind: 'patchImages', workload, images: imagesToWrite(workload, status.to?.images ?? {}) },
  };
}

function conflicted(
  snapshot: Snapshot,
  { status, container, image, manager }: In<'Conflicted'>,
): UpgradeStatus {
  const cause = `${manager} changed the image of container ${container} to ${image} while the attempt ran; nothing is written back`;
  return ended(
    snapshot.upgrade,
    status,
    { phase: 'Failed', outcome: 'Failed', reason: 'ImageConflict', cause, gating: false },
    snapshot.now,
  );
}

/**
 * At rest. A closed gate of an ended attempt that still gates (FallbackPaused, FallbackFailed) stays closed, until somebody rescues
 * the workload with an image of their own: nobody judges those pods, so nobody must gate them.
 */
function settled(snapshot: Snapshot, { status, attempt, workload }: In<'Settled'>): Decision {
  const sets = [
    status.to?.images,
    status.from?.images,
    { ...status.from?.images, ...status.fallback?.images },
  ];
  const ours = sets.some((images) => runsImages(workload, images ?? {}));
  if (attempt.gating && !ours) {
    return { status: { ...status, attempt: { ...attempt, gating: false } }, intent: true };
  }
  const release = releaseOurFields(workload);
  return { status, action: release.kind === 'none' ? whyHeld(snapshot, status, workload) : release };
}

/** Pods that failed and stay behind their gates say why, for `kubectl describe pod`. A fallback replaces such pods at once, so there nobody would read it. */
function whyHeld(snapshot: Snapshot, status: UpgradeStatus, workload: WorkloadView): Action {
  if (status.phase !== 'Failed' || !status.attempt?.gating) {
    return NO_ACTION;
  }
  const verification = verificationContext(snapshot, status);
  const failed = unrecorded(summarizePods(snapshot, workload, verification)).filter(
    ({ state }) => state === 'Failed',
  );
  return failed.length > 0
    ? { kind: 'recordResults', conditions: failed.map((result) => conditionOf(result, verification)) }
    : NO_ACTION;
}
