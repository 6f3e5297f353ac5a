/** What the template has and the status has not: it is recorded before anything else is decided, because pods run the image that the API server stored. */
import { hasUnrecordedPins } from '../rollout/pins.ts';
import { hasUnrecordedWrite, type Rolling } from '../rollout/rollout.ts';
import type { State } from './state.ts';

/** The state of a rollout whose images are to be recorded; `undefined` if they are. */
export function observeUnrecorded(rolling: Rolling): State | undefined {
  if (hasUnrecordedWrite(rolling.workload, rolling.rollout)) {
    return { name: 'ImagesPatched', ...rolling };
  }
  return hasUnrecordedPins(rolling) ? { name: 'ImagesPinned', ...rolling } : undefined;
}
