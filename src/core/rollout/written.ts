/** Records that a rollout's images were written, and what the API server stored in place of them. */
import { own } from '../../api/own.ts';
import type { Cause } from '../cause.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { exceededBy, imagesOf, runsImages } from '../images.ts';
import { endAttempt } from '../status.ts';
import { toIso } from '../time.ts';
import { rejectVersion } from './attempt.ts';
import type { Written } from './evaluation.ts';
import { isSameVersion, rewrittenImages, rewrittenInFallback, withRewritten } from './rewritten.ts';

/** For a fallback. A stored image that is too long for the status is not accepted; the fallback then ends as a conflict with somebody else. */
export function recordRestored({ snapshot, workload, status }: Written): ActiveStatus {
  const { fallback } = status;
  const rewritten = fallback && withRewritten(fallback, rewrittenInFallback(workload, status));
  const recorded = rewritten && exceededBy(rewritten.images) ? fallback : rewritten;
  return { ...status, fallback: recorded && { ...recorded, rolledAt: toIso(snapshot.now) } };
}

/** For an attempt. It continues with the images that the API server stored, unless those are the previous ones. */
export function recordRolled(written: Written): ActiveStatus {
  const { snapshot, workload, status } = written;
  const rolledAt = toIso(snapshot.now);
  const { attempt, to, from } = status;
  const rewritten = rewrittenImages(workload, to.images);
  const stored = withRewritten(to, rewritten);
  const tooLong = exceededBy(stored.images);
  const names = Object.keys(rewritten);
  const reverted = tooLong
    ? (tooLong.container ?? names[0])
    : names.find((name) => isReverted(written, name));
  const next: ActiveStatus = {
    ...status,
    to: stored,
    phase: 'Upgrading',
    attempt: { ...attempt, rolledAt, overtaken: undefined },
  };
  if (reverted === undefined) {
    return next;
  }
  const [wanted = '', image = ''] = [own(to.images, reverted), own(rewritten, reverted)];
  if (!tooLong && isSameVersion(wanted, image) && runsImages(workload, from.images)) {
    return { ...next, attempt: { ...next.attempt, adopted: true, gating: false } };
  }
  return endRewritten(written, {
    reason: 'ImageRewritten',
    container: reverted,
    wanted,
    image,
    limit: tooLong?.limit,
  });
}

/** The write had no effect: the container has its previous image, or the workload did not change at all. */
const isReverted = ({ workload, status: { attempt, from } }: Written, name: string): boolean =>
  workload.generation === attempt.targetGeneration ||
  own(imagesOf(workload), name) === own(from.images, name);

function endRewritten({ snapshot, workload, status }: Written, cause: Cause): ActiveStatus {
  const end = { phase: 'Failed', outcome: 'Failed', cause, gating: false } as const;
  return runsImages(workload, status.from.images)
    ? endAttempt(snapshot.upgrade, status, end, snapshot.now)
    : rejectVersion(snapshot, workload, status, { cause, pods: [] });
}
