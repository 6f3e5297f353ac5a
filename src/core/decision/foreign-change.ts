/** What follows when somebody else sets an image during a rollout. */
import { cut } from '../../api/cut.ts';
import { FIELD_MANAGER } from '../../api/names.ts';
import type { Status } from '../complete-status.ts';
import { changedImages, runsImages } from '../images.ts';
import { UNKNOWN_MANAGER } from '../report/cause-text.ts';
import { startFallback } from '../rollout/fallback.ts';
import { policyFor } from '../rollout/policy.ts';
import type { Snapshot } from '../snapshot.ts';
import { endAttempt } from '../status.ts';
import type { StateOf } from './state.ts';

type Conflict = StateOf<'Conflicted'>;

/** The API server rejects longer names of field managers. */
const MANAGER_MAX = 128;

const managerOf = ({ change: { manager } }: Conflict): string | undefined =>
  manager && cut(manager, MANAGER_MAX);

/**
 * postcheck does not fight: it ends the attempt. Who sets exactly the previous images, as `kubectl rollout undo` does, has aborted it, and what
 * is left of the abort is done: pods that their controller does not replace by itself are, and the previous version is verified.
 */
export const afterForeignChange = (snapshot: Snapshot, conflict: Conflict): Status =>
  isUndone(snapshot, conflict) ? finishAbort(snapshot, conflict) : endConflicted(snapshot, conflict);

/**
 * With the action None the version may serve, so nothing more is done; an adopted version has replaced none. Of two Upgrades that act on one
 * workload, the other has set the previous images for its own fallback.
 */
function isUndone({ upgrade }: Snapshot, { status, workload, change }: Conflict): boolean {
  const previous = changedImages(status);
  return (
    policyFor(status).isInterruptible &&
    !status.turnedBack &&
    upgrade.spec.fallback.action !== 'None' &&
    change.manager !== FIELD_MANAGER &&
    Object.keys(previous).length > 0 &&
    runsImages(workload, previous)
  );
}

function finishAbort(snapshot: Snapshot, conflict: Conflict): Status {
  const { status } = conflict;
  const cause = { reason: 'Aborted', by: managerOf(conflict) ?? UNKNOWN_MANAGER } as const;
  return startFallback(snapshot, status, changedImages(status), { cause, pods: [] });
}

function endConflicted({ upgrade, now }: Snapshot, conflict: Conflict): Status {
  const { container, image } = conflict.change;
  const cause = { reason: 'ImageConflict', by: managerOf(conflict), container, image } as const;
  const end = { phase: 'Failed', outcome: 'Failed', cause, gating: false } as const;
  return endAttempt(upgrade, conflict.status, end, now);
}
