/** Writing a rollout's images, and recording what the API server made of them. */
import { holdsFinalizer } from '../../api/gate.ts';
import { own } from '../../api/own.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { addFinalizer, mustPutBack } from '../finalizer.ts';
import { bytesOf, imagesOf, imagesToWrite, runsImages, SET_MAX_BYTES } from '../images.ts';
import type { Action, Decision } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import { type ActiveStatus, endAttempt } from '../status.ts';
import { toIso } from '../time.ts';
import { rejectVersion } from './attempt.ts';
import { usersPartition } from './partition.ts';
import { answered, answeredInFallback, isSameVersion, withAnswer } from './rewritten.ts';
import type { Rollout } from './rollout.ts';

/** The gate policy sees a new attempt a few milliseconds after us: 3 of 200 pods slipped past it without this pause, none with it. */
const GATE_SETTLES_MS = 100;

interface Rolling {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly rollout: Rollout;
}

/** Writes the images, once the gate policy knows of the attempt. */
export function writeImages({ now, upgrade }: Snapshot, { status, rollout, workload }: Rolling): Decision {
  const { startedAt, images } = rollout;
  const direction = rollout.turn ?? rollout.direction;
  if (mustPutBack(upgrade, status) && !holdsFinalizer(upgrade) && !upgrade.metadata.deletionTimestamp) {
    return { status, action: addFinalizer(upgrade) };
  }
  const settles =
    rollout.turn === undefined && direction === 'Forward' && status.attempt.gating ? GATE_SETTLES_MS : 0;
  if (now < startedAt + settles) {
    return { status, wakeAt: startedAt + settles };
  }
  const toWrite = imagesToWrite(workload, images);
  const partition = partitionToWrite(status, workload, direction);
  const action: Action = {
    kind: 'patchImages',
    workload,
    images: toWrite,
    partition,
    direction,
    recordedAt: startedAt,
  };
  return { status, action };
}

/** Forward nothing rolls until the first stage begins; back, everything that the user lets. Nothing is held where somebody took the lever away meanwhile. */
function partitionToWrite(
  { attempt }: ActiveStatus,
  workload: WorkloadView,
  direction: Rollout['direction'],
): number | undefined {
  const partition = usersPartition(workload, attempt);
  if (!attempt.held || partition === undefined) {
    return undefined;
  }
  return direction === 'Forward' ? Math.max(partition, workload.desired) : partition;
}

/** Records that the images, or what admission made of them, stand in the template: from now on the rollout's pods are verified. */
export function recordWritten(snapshot: Snapshot, rolling: Rolling): ActiveStatus {
  const { status, workload, rollout } = rolling;
  const written = { ...status, targetGeneration: workload.generation };
  const rolledAt = toIso(snapshot.now);
  if (rollout.turn) {
    return recordTurn(written, rolledAt);
  }
  if (rollout.direction === 'Forward') {
    return recordAnswer(snapshot, { ...rolling, status: written }, rolledAt);
  }
  const { fallback } = status;
  const answer = fallback && withAnswer(fallback, answeredInFallback(workload, status));
  // An answer without room in the status is not taken for ours: the fallback ends as disturbed by somebody else.
  const kept = answer && bytesOf(answer.images) > SET_MAX_BYTES ? fallback : answer;
  return { ...written, fallback: kept && { ...kept, rolledAt } };
}

/** The template is turned back, or forward again. */
const recordTurn = ({ turnedBack, ...status }: ActiveStatus, at: string): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, progressAt: at },
  turnedBack: turnedBack && turnedBack.returnAt === undefined ? { ...turnedBack, rolledAt: at } : undefined,
});

/** The attempt goes on with what stands, unless admission set what ran before again. */
function recordAnswer(snapshot: Snapshot, rolling: Rolling, rolledAt: string): ActiveStatus {
  const { workload, status } = rolling;
  const { attempt, to, from } = status;
  const stands = answered(workload, to.images);
  const answer = withAnswer(to, stands);
  const isTooLong = bytesOf(answer.images) > SET_MAX_BYTES;
  const back = Object.keys(stands).find((name) => isTooLong || isSetBack(rolling, name));
  const next: ActiveStatus = {
    ...status,
    to: answer,
    phase: 'Upgrading',
    attempt: { ...attempt, rolledAt },
  };
  if (back === undefined) {
    return next;
  }
  const [asked, stood] = [own(to.images, back) ?? '', own(stands, back) ?? ''];
  if (!isTooLong && isSameVersion(asked, stood) && runsImages(workload, from.images)) {
    return { ...next, attempt: { ...attempt, rolledAt, adopted: true, gating: false } };
  }
  return endRewritten(snapshot, rolling, {
    reason: 'ImageRewritten',
    container: back,
    wanted: asked,
    image: stood,
  });
}

/** The write had no effect: the image is the one of before, or nothing at all has changed. */
const isSetBack = ({ workload, status: { attempt, from } }: Rolling, name: string): boolean =>
  workload.generation === attempt.targetGeneration ||
  own(imagesOf(workload), name) === own(from.images, name);

function endRewritten(snapshot: Snapshot, { workload, status }: Rolling, cause: Cause): ActiveStatus {
  const end = { phase: 'Failed', outcome: 'Failed', cause, gating: false } as const;
  return runsImages(workload, status.from.images)
    ? endAttempt(snapshot.upgrade, status, end, snapshot.now)
    : rejectVersion(snapshot, workload, status, { cause, pods: [] });
}
