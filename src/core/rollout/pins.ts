/**
 * Another client pins an image that a rollout set, after it was stored (kyverno#9421, Keel): the same version with its digest. Unlike any other
 * foreign image it ends nothing. It is recorded before anything else is decided, and its pods are verified, because the template is a new one.
 */
import { own } from '../../api/own.ts';
import type { Images } from '../../api/types.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { runsImages } from '../images.ts';
import { isUnderWay } from '../status.ts';
import { policyOf } from './policy.ts';
import { exceptFailed, pinnedImages, withRewritten } from './rewritten.ts';
import type { Rolling } from './rollout.ts';

interface Pins {
  /** Of the new version; also while it is rolled back, because it is still the failed one. */
  readonly to: Images;
  /** Of the restored version. */
  readonly restored: Images;
}

function pinsOf(rolling: Rolling): Pins {
  const { workload, status } = rolling;
  const { to, fallback } = status;
  const mayBeSetAgain = setsPreviousAgain(rolling);
  return {
    to: Object.fromEntries(
      Object.entries(pinnedImages(workload, to.images)).filter(
        ([name, image]) => mayBeSetAgain || !wasThereBefore(status, name, image),
      ),
    ),
    restored:
      fallback && mayBeRestored(rolling)
        ? exceptFailed(pinnedImages(workload, fallback.images), to.images)
        : {},
  };
}

/** While the generation is the recorded one, nothing was written since the fallback was recorded, and what the template has is still to be replaced. */
const mayBeRestored = ({ workload, status }: Rolling): boolean =>
  status.fallback?.rolledAt !== undefined || workload.generation !== status.targetGeneration;

/** What ran before may be the pinned form of the wanted image: it is set again once we have written that one. Otherwise it is still there, or restored. */
const setsPreviousAgain = ({ rollout: { direction, rolledAt, templateRevert } }: Rolling): boolean =>
  policyOf(direction).acceptsRewrites && rolledAt !== undefined && templateRevert === undefined;

/** Whether the template had the image before the attempt wrote its own: that of the previous version, or of an attempt that this one overtook. */
const wasThereBefore = ({ attempt, from }: ActiveStatus, name: string, image: string): boolean =>
  image === own(from.images, name) || image === own(attempt.overtaken, name);

/** Whether the template has a pinned image of the rollout that is not recorded yet. */
export function hasUnrecordedPins(rolling: Rolling): boolean {
  if (!isUnderWay(rolling.status)) {
    return false;
  }
  const { to, restored } = pinsOf(rolling);
  return Object.keys({ ...to, ...restored }).length > 0;
}

/** If nothing but the previous images is left, the wanted version was running before, as where admission pins them at once. */
export function recordPins(rolling: Rolling): ActiveStatus {
  const { status, workload } = rolling;
  const { attempt, from, fallback } = status;
  const { to, restored } = pinsOf(rolling);
  const ranBefore = setsPreviousAgain(rolling) && runsImages(workload, from.images);
  return {
    ...status,
    targetGeneration: workload.generation,
    attempt: ranBefore ? { ...attempt, adopted: true, gating: false } : attempt,
    to: withRewritten(status.to, to),
    fallback: fallback && withRewritten(fallback, restored),
  };
}
