/** Records an attempt: everything that another process needs to continue is in the status before the first write to the workload. */
import { own } from '../../api/own.ts';
import { isReason } from '../../api/reasons.ts';
import type { ImageSet, Images } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import {
  type ActiveStatus,
  type Attempt,
  activeStatus,
  NO_PROGRESS,
  type Status,
  unlessEmpty,
} from '../complete-status.ts';
import { changedImages, imagesOf, isUpgraded, runsImages, sameImages, wantedImages } from '../images.ts';
import { imagesText } from '../report/image-text.ts';
import { startupProbeText } from '../report/warning-text.ts';
import { imagesToRestore, overtakenImages } from '../rollout/attempt.ts';
import { lostNodes } from '../rollout/lost-nodes.ts';
import { heldOf } from '../rollout/partition.ts';
import { NOTHING_REACHED } from '../rollout/progress.ts';
import { knownRewrite } from '../rollout/rewritten.ts';
import type { CompleteUpgrade, Snapshot } from '../snapshot.ts';
import {
  attemptId,
  containersDigest,
  type End,
  endAttempt,
  isUnderWay,
  isUnsuccessful,
  nextNumber,
  postCheckDigest,
} from '../status.ts';
import { toIso } from '../time.ts';
import { closedWindow, type Wait } from '../wait.ts';
import { recordCommand, recordSeenCommands, tokenOf } from './commands.ts';
import { dependencyWait } from './dependencies.ts';
import type { Start, Trigger } from './state.ts';

/** The wanted image of every container in the template: the one in the spec, or the previous one. */
function imagesToRoll({ upgrade }: Snapshot, workload: WorkloadView, from: Images): Images {
  const named = wantedImages(upgrade.spec);
  return Object.fromEntries(
    workload.containers
      .filter(({ name, image }) => own(imagesOf(workload), name) === image || own(named, name))
      .map(({ name, image }) => {
        const requested = own(named, name);
        const stored = requested && knownRewrite(upgrade.status, name, requested, image);
        return [name, stored ?? requested ?? own(from, name) ?? image];
      }),
  );
}

/** A startup probe restarts a container before its failure can be observed. */
const warningsOf = ({ upgrade }: Snapshot, workload: WorkloadView): string[] =>
  workload.containers
    .filter(({ name, startupProbe }) => startupProbe && isUpgraded(upgrade.spec, name))
    .map(({ name }) => startupProbeText(name))
    .slice(0, 8);

/** The previous images of the containers in which the template has an image of an unverified attempt. */
function restoredBy({ upgrade }: Snapshot, workload: WorkloadView, inherit: boolean): Images {
  const status = inherit ? activeStatus(upgrade.status) : undefined;
  return status ? imagesToRestore(status, workload) : {};
}

/** What runs now, with the previous images in place of those that an unverified attempt set. What others set meanwhile stays. */
function previousSet(snapshot: Snapshot, workload: WorkloadView, inherit: boolean): ImageSet {
  const images = imagesOf(workload);
  const restored = restoredBy(snapshot, workload, inherit);
  const { from } = snapshot.upgrade.status;
  return Object.keys(restored).length > 0
    ? { images: { ...images, ...restored }, revision: from.revision, unready: from.unready }
    : { images, revision: snapshot.updateRevision, unready: unreadyPods(workload) };
}

const unreadyPods = ({ ready, desired: total }: WorkloadView): ImageSet['unready'] =>
  ready < total ? { pods: total - ready, total } : undefined;

/** The previous and the wanted images of an attempt that starts now. */
export function setsOf(
  snapshot: Snapshot,
  workload: WorkloadView,
  inherit: boolean,
): { readonly from: ImageSet; readonly to: ImageSet } {
  const from = previousSet(snapshot, workload, inherit);
  return { from, to: { images: imagesToRoll(snapshot, workload, from.images) } };
}

/**
 * Whether the containers in the spec ask for no other images than those of the attempt that failed, as when a further container is named that runs
 * its image already. Of a container that the attempt left as it was, others may have set the image since.
 */
export function restatesRejected(snapshot: Snapshot, workload: WorkloadView, inherit: boolean): boolean {
  const { status } = snapshot.upgrade;
  const { from, to } = status;
  const wanted = setsOf(snapshot, workload, inherit).to.images;
  const runs = imagesOf(workload);
  const isSame = (name: string): boolean => {
    const image = own(wanted, name);
    const [before, rejected] = [own(from.images, name), own(to.images, name)];
    return (
      image !== undefined &&
      ([rejected, own(to.requested, name)].includes(image) ||
        (before === rejected && image === own(runs, name)))
    );
  };
  return (
    isUnsuccessful(status) && [...Object.keys(wanted), ...Object.keys(changedImages(status))].every(isSame)
  );
}

/** Records that the containers in the spec start no attempt. */
export const restate = ({ upgrade: { spec } }: Snapshot, status: ActiveStatus): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, restated: containersDigest(spec.containers) },
});

/**
 * The workload was changed between the record and the first write, and the recorded previous or wanted images are outdated. A new generation alone
 * does not show that, and neither does a controller that has not observed it yet: every annotation of a Deployment increments its generation, so
 * a client that sets them all the time would prevent the write forever.
 */
export function isRecordStale(snapshot: Snapshot, workload: WorkloadView, status: ActiveStatus): boolean {
  const { attempt, from, to } = status;
  if (workload.generation === attempt.targetGeneration) {
    return false;
  }
  const now = setsOf(snapshot, workload, attempt.inherited === true);
  return (
    ![undefined, from.revision].includes(now.from.revision) ||
    !sameImages(now.from.images, from.images) ||
    !sameImages(now.to.images, to.images)
  );
}

/** What an attempt waits for before it starts. One that changes nothing does not wait; after Partial, pods are still to be replaced. */
export function startWait(snapshot: Snapshot, workload: WorkloadView, inherit: boolean): Wait | undefined {
  const { to } = setsOf(snapshot, workload, inherit);
  const changesNothing = runsImages(workload, to.images) && snapshot.upgrade.status.phase !== 'Partial';
  return changesNothing ? undefined : (dependencyWait(snapshot) ?? windowWait(snapshot));
}

const windowWait = (snapshot: Snapshot): Wait | undefined =>
  isPromoted(snapshot, nextNumber(snapshot.upgrade.status)) ? undefined : closedWindow(snapshot);

/** Whether `postcheck.dev/promote` names the attempt that waits. A token that was set before the wait does not count. */
const isPromoted = ({ upgrade }: Snapshot, number: number): boolean =>
  upgrade.status.waiting !== undefined &&
  tokenOf(upgrade, 'promote') === String(number) &&
  upgrade.status.commands.promote?.token !== String(number);

/** Whether a retry keeps the fallback target. After a success the present images are verified, and become the target; if nothing was rolled out, they are the previous ones. */
export const retryInherits = ({ upgrade }: Snapshot): boolean =>
  upgrade.status.phase !== 'Succeeded' && !isReason(upgrade.status.attempt?.end?.reason, 'BaselineFailed');

/** The status with a new attempt. */
export function startAttempt(snapshot: Snapshot, start: Start): ActiveStatus {
  const { upgrade, now } = snapshot;
  const { workload, inherit, rerecord } = start;
  const stored = activeStatus(upgrade.status);
  const before = stored && !rerecord ? supersede(snapshot, stored, start.trigger) : upgrade.status;
  const { from, to } = setsOf(snapshot, workload, inherit);
  const attempt = newAttempt(snapshot, start, !inherit && runsImages(workload, to.images));
  const seen = recordSeenCommands(upgrade, before, now);
  const recorded = isPromoted(snapshot, attempt.number)
    ? recordCommand(upgrade, seen, 'promote', 'Promoted', now)
    : seen;
  return {
    ...recorded,
    ...NO_PROGRESS,
    targetUID: workload.uid,
    targetGeneration: workload.generation,
    phase: 'Pending',
    attempt,
    from,
    to,
  };
}

function newAttempt(snapshot: Snapshot, start: Start, adopted: boolean): Attempt {
  const { upgrade, now, gateCarrier } = snapshot;
  const { workload, trigger, inherit, rerecord } = start;
  const last = upgrade.status.attempt;
  const number = rerecord && last ? last.number : nextNumber(upgrade.status);
  // An attempt that is recorded again keeps the gate that was found first.
  const gate = rerecord ? last : gateBy(gateCarrier);
  const gating = !adopted && upgrade.spec.gate !== 'Disabled' && gate?.gating === true;
  const excluded = lostNodes(snapshot, { workload });
  return {
    id: attemptId(number, upgrade.spec),
    number,
    trigger,
    adopted,
    promotedAt: isPromoted(snapshot, number) ? toIso(now) : rerecord ? last?.promotedAt : undefined,
    held: adopted && !last?.held ? undefined : heldOf(upgrade.spec, workload, last?.held),
    inherited: inherit || undefined,
    overtaken: inherit ? overtakenImages(workload, restoredBy(snapshot, workload, inherit)) : undefined,
    gating,
    gateCarrier: gating ? gate?.gateCarrier : undefined,
    // An attempt that is recorded again keeps its start: otherwise a workload that is edited all the time would never be written.
    startedAt: (rerecord ? last?.startedAt : undefined) ?? toIso(now),
    targetGeneration: workload.generation,
    postCheckDigest: postCheckDigest(upgrade.spec),
    progressAt: toIso(now),
    ...NOTHING_REACHED,
    keeps: unlessEmpty([]),
    excludedNodes: unlessEmpty(excluded),
    warnings: unlessEmpty(warningsOf(snapshot, workload)),
  };
}

const gateBy = (carrier: Snapshot['gateCarrier']): Pick<Attempt, 'gating' | 'gateCarrier'> =>
  carrier === 'Policy' || carrier === 'Webhook' ? { gating: true, gateCarrier: carrier } : { gating: false };

/** Ends an attempt that the new one supersedes. */
function supersede({ upgrade, now }: Snapshot, status: ActiveStatus, trigger: Trigger): Status {
  if (!isUnderWay(status)) {
    return status;
  }
  const isReplaced = trigger === 'TargetReplaced';
  const reason = isReplaced ? trigger : 'Superseded';
  const { spec } = upgrade;
  const detail = imagesText(wantedImages(spec), spec);
  const cause: Cause = { reason, trigger, detail: trigger === 'ContainersChanged' ? detail : undefined };
  const outcome = isReplaced ? 'Aborted' : 'Superseded';
  const end: End = { phase: 'Pending', outcome, cause, gating: true };
  return endAttempt(upgrade, status, end, now);
}

/** The verb `retry`: a new attempt with the same fallback target; after a success it verifies the present images again. */
export function retryAttempt(snapshot: Snapshot, workload: WorkloadView): Status {
  const { upgrade, now } = snapshot;
  const inherit = retryInherits(snapshot);
  const next = startAttempt(snapshot, { workload, trigger: 'Retry', inherit, rerecord: false });
  const started = upgrade.status.phase === 'Partial' ? keepVerified(upgrade, next) : next;
  return recordCommand(upgrade, started, 'retry', `Attempt${next.attempt.number}`, now);
}

const MAX_KEPT = 10;

/** After Partial only the failed places are retried: verified pods stay verified, and only the last stage starts again. */
function keepVerified({ spec, status }: CompleteUpgrade, next: ActiveStatus): ActiveStatus {
  const { attempt, stages } = status;
  const last = spec.stages.at(-1)?.name;
  const ended = attempt ? [...attempt.keeps, attempt.id] : [];
  return {
    ...next,
    stages: unlessEmpty(stages.filter(({ name, state }) => state === 'Done' && name !== last)),
    attempt: { ...next.attempt, keeps: ended.slice(-MAX_KEPT) },
  };
}
