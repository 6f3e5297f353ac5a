/**
 * Another client pins an image that a rollout set, after it was stored (kyverno#9421, Keel): the same version with its digest. Unlike any other
 * foreign image it ends nothing. It is recorded before anything else is decided, and its pods are verified, because the template is a new one.
 */
import { own } from '../../api/own.ts';
import type { Images } from '../../api/types.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { isUnderWay } from '../status.ts';
import { pinnedImages, withRewritten } from './rewritten.ts';
import type { Rolling } from './rollout.ts';

interface Pins {
  /** Of the new version; also while it is rolled back, because it is still the failed one. */
  readonly to: Images;
  /** Of the restored version. */
  readonly restored: Images;
}

function pinsOf({ workload, status }: Rolling): Pins {
  const { from, to, fallback } = status;
  const pinned = Object.entries(pinnedImages(workload, to.images));
  return {
    // What ran before is the previous version, however it is called now.
    to: Object.fromEntries(pinned.filter(([name, image]) => own(from.images, name) !== image)),
    restored: fallback ? pinnedImages(workload, fallback.images) : {},
  };
}

/** Whether the template has a pinned image of the rollout that is not recorded yet. */
export function hasUnrecordedPins(rolling: Rolling): boolean {
  const { to, restored } = pinsOf(rolling);
  return isUnderWay(rolling.status) && Object.keys({ ...to, ...restored }).length > 0;
}

export function recordPins(rolling: Rolling): ActiveStatus {
  const { status, workload } = rolling;
  const { to, restored } = pinsOf(rolling);
  return {
    ...status,
    targetGeneration: workload.generation,
    to: withRewritten(status.to, to),
    fallback: status.fallback && withRewritten(status.fallback, restored),
  };
}
