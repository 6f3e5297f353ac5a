/** What the API server made of a rollout's images, as it is recorded. */
import { own } from '../../api/own.ts';
import type { Cause } from '../cause.ts';
import { bytesOf, imagesOf, runsImages, SET_MAX_BYTES } from '../images.ts';
import { type ActiveStatus, endAttempt } from '../status.ts';
import { toIso } from '../time.ts';
import { rejectVersion } from './attempt.ts';
import { answered, answeredInFallback, isSameVersion, withAnswer } from './rewritten.ts';
import type { Written } from './turn.ts';

/** Of a fallback. An answer without room in the status is not taken for ours: it ends as disturbed by somebody else. */
export function recordRestored({ snapshot, workload, status }: Written): ActiveStatus {
  const { fallback } = status;
  const answer = fallback && withAnswer(fallback, answeredInFallback(workload, status));
  const kept = answer && bytesOf(answer.images) > SET_MAX_BYTES ? fallback : answer;
  return { ...status, fallback: kept && { ...kept, rolledAt: toIso(snapshot.now) } };
}

/** The attempt goes on with what stands, unless admission set what ran before again. */
export function recordAnswer(written: Written): ActiveStatus {
  const { snapshot, workload, status } = written;
  const rolledAt = toIso(snapshot.now);
  const { attempt, to, from } = status;
  const stands = answered(workload, to.images);
  const answer = withAnswer(to, stands);
  const isTooLong = bytesOf(answer.images) > SET_MAX_BYTES;
  const back = Object.keys(stands).find((name) => isTooLong || isSetBack(written, name));
  const next: ActiveStatus = {
    ...status,
    to: answer,
    phase: 'Upgrading',
    attempt: { ...attempt, rolledAt },
  };
  if (back === undefined) {
    return next;
  }
  const [asked = '', stood = ''] = [own(to.images, back), own(stands, back)];
  if (!isTooLong && isSameVersion(asked, stood) && runsImages(workload, from.images)) {
    return { ...next, attempt: { ...attempt, rolledAt, adopted: true, gating: false } };
  }
  return endRewritten(written, {
    reason: 'ImageRewritten',
    container: back,
    wanted: asked,
    image: stood,
  });
}

/** The write had no effect: the image is the one of before, or nothing at all has changed. */
const isSetBack = ({ workload, status: { attempt, from } }: Written, name: string): boolean =>
  workload.generation === attempt.targetGeneration ||
  own(imagesOf(workload), name) === own(from.images, name);

function endRewritten({ snapshot, workload, status }: Written, cause: Cause): ActiveStatus {
  const end = { phase: 'Failed', outcome: 'Failed', cause, gating: false } as const;
  return runsImages(workload, status.from.images)
    ? endAttempt(snapshot.upgrade, status, end, snapshot.now)
    : rejectVersion(snapshot, workload, status, { cause, pods: [] });
}
