/** Which events are to be read: they cost a request, so only those about what is held up, where no status says by what. */
import type { PodView, WorkloadView } from '../../api/views.ts';
import { type Action, NO_ACTION } from '../plan.ts';
import { earliest } from '../time.ts';
import { isUnexplained } from '../verification/held-up.ts';
import { clockStart } from '../verification/schedule.ts';
import { driverOf } from '../workload/drivers.ts';
import type { Turn } from './turn.ts';

/** A pod takes a moment to be made and to be started, and an old one to end, before its events are read. */
const READ_AFTER_MS = 10_000;
/** And again so often. */
const READ_EVERY_MS = 30_000;

interface HeldUp {
  readonly about: WorkloadView | PodView;
  readonly since: number;
}

/** Reads what events say about what is held up: of one object at a time, and of the pods the worst one, which is the one that the status names. */
export function readWarning(turn: Turn): Action {
  const due = heldUp(turn).find((held) => readAt(held, turn) <= turn.snapshot.now);
  return due ? { kind: 'readWarning', about: due.about } : NO_ACTION;
}

/** When the next events will be due. */
export const warningAt = (turn: Turn): number | undefined =>
  earliest(
    heldUp(turn)
      .map((held) => readAt(held, turn))
      .filter((at) => at > turn.snapshot.now),
  );

const heldUp = (turn: Turn): HeldUp[] =>
  [missingPod(turn), unstartedPod(turn)].filter((held) => held !== undefined);

function readAt({ about, since }: HeldUp, { snapshot }: Turn): number {
  const readBefore = snapshot.eventsSeen?.(about.uid)?.at;
  return readBefore === undefined ? since + READ_AFTER_MS : readBefore + READ_EVERY_MS;
}

/** A pod is missing, which the workload's status does not explain. */
function missingPod({ workload, summary, rollout: { rolledAt } }: Turn): HeldUp | undefined {
  const isMissing = summary.results.length + summary.outdated.length < summary.desired;
  return isMissing && driverOf(workload).refusalIn === 'events' && rolledAt !== undefined
    ? { about: workload, since: rolledAt }
    : undefined;
}

function unstartedPod({ summary, context }: Turn): HeldUp | undefined {
  const held = summary.results.find(({ state, cause }) => state !== 'Failed' && isUnexplained(cause));
  return held && { about: held.pod, since: clockStart(held.pod, context) };
}
