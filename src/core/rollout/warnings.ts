/** Which events to read. Reading them takes a request, so it is done only for objects that are held up for a reason that no status tells. */
import type { PodView, WorkloadView } from '../../api/views.ts';
import { type Action, NO_ACTION } from '../plan.ts';
import { earliest } from '../time.ts';
import { isUnexplained } from '../verification/held-up.ts';
import { hasPassed } from '../verification/pod-result.ts';
import { clockStart } from '../verification/schedule.ts';
import { driverOf } from '../workload/drivers.ts';
import type { Evaluation } from './evaluation.ts';

/** Creating and starting a pod, and terminating an old one, takes a moment; events are read only after that. */
const READ_AFTER_MS = 10_000;
/** How often they are read again. */
const READ_EVERY_MS = 30_000;

interface HeldUp {
  readonly about: WorkloadView | PodView;
  readonly since: number;
}

/** Reads the events about one object that is held up: the workload, or the worst pod, which the status names. */
export function readWarning(evaluation: Evaluation): Action {
  const due = heldUp(evaluation).find((held) => readAt(held, evaluation) <= evaluation.snapshot.now);
  return due ? { kind: 'readWarning', about: due.about } : NO_ACTION;
}

/** When the next read is due. */
export const warningAt = (evaluation: Evaluation): number | undefined =>
  earliest(
    heldUp(evaluation)
      .map((held) => readAt(held, evaluation))
      .filter((at) => at > evaluation.snapshot.now),
  );

const heldUp = (evaluation: Evaluation): HeldUp[] =>
  [missingPod(evaluation), unstartedPod(evaluation)].filter((held) => held !== undefined);

function readAt({ about, since }: HeldUp, { snapshot }: Evaluation): number {
  const readBefore = snapshot.eventsSeen?.(about.uid)?.at;
  return readBefore === undefined ? since + READ_AFTER_MS : readBefore + READ_EVERY_MS;
}

/** A pod is missing, and the status of the workload does not say why. */
function missingPod({ workload, summary, rollout: { rolledAt } }: Evaluation): HeldUp | undefined {
  const isMissing = summary.results.length + summary.outdated.length < summary.desired;
  return isMissing && driverOf(workload).refusalIn === 'events' && rolledAt !== undefined
    ? { about: workload, since: rolledAt }
    : undefined;
}

function unstartedPod({ summary, context }: Evaluation): HeldUp | undefined {
  const held = summary.results.find(
    (result) => result.state !== 'Failed' && !hasPassed(result) && isUnexplained(result.cause),
  );
  return held && { about: held.pod, since: clockStart(held.pod, context) };
}
