/**
 * A rollout: images that are written into the template, rolled by the workload's controller, and verified pod by pod. An attempt rolls
 * forward and its fallback rolls back; both are this one machine, and what differs between them is a policy (see policy.ts).
 */
import { own } from '../../api/own.ts';
import type { Images, UpgradeSpec } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import { differingContainer, imageManager, runsImages, upgradedImages } from '../images.ts';
import { type ActiveStatus, type Direction, isAttempting, isFallingBack } from '../status.ts';
import { fromIso } from '../time.ts';
import { policyOf } from './policy.ts';
import { wroteImages } from './rewritten.ts';

export interface Rollout {
  readonly direction: Direction;
  /** What the template shall have. */
  readonly images: Images;
  readonly startedAt: number;
  /** When the template was first seen with the images; absent while they are to be written. */
  readonly rolledAt?: number;
  /** Within an attempt: the template is turned back, or forward again, while pods that failed are put back; see turn-back.ts. */
  readonly turn?: Direction;
  /** What must stand in the template now. Anything else was set by somebody else, and ends the rollout. */
  readonly expected?: Images;
}

/** The rollout that is under way, if one is. */
export function rolloutOf(status: ActiveStatus, spec: UpgradeSpec): Rollout | undefined {
  const { attempt, fallback, to } = status;
  const forward = attempt.rolledAt ? upgradedImages(status, spec) : undefined;
  if (isFallingBack(status) && fallback) {
    return {
      direction: 'Back',
      images: fallback.images,
      startedAt: fromIso(fallback.startedAt),
      rolledAt: timeOf(fallback.rolledAt),
      expected: fallback.rolledAt ? fallback.images : forward,
    };
  }
  if (!isAttempting(status) && status.phase !== 'Partial') {
    return undefined;
  }
  if (status.turnedBack) {
    return turnOf(status, status.turnedBack, forward);
  }
  const startedAt = fromIso(attempt.startedAt);
  return {
    direction: 'Forward',
    images: to.images,
    startedAt,
    rolledAt: timeOf(attempt.rolledAt),
    expected: forward,
  };
}

/** What is under way while the template is turned back: its write, what then is done to pods, or the write of the wanted images again. */
function turnOf(
  { attempt, to }: ActiveStatus,
  { images, startedAt, rolledAt, returnAt }: NonNullable<ActiveStatus['turnedBack']>,
  forward: Images | undefined,
): Rollout {
  const direction = 'Forward';
  if (returnAt !== undefined) {
    const wanted = Object.fromEntries(
      Object.entries(images).map(([name, image]) => [name, own(to.images, name) ?? image]),
    );
    return { direction, turn: 'Forward', images: wanted, startedAt: fromIso(returnAt), expected: images };
  }
  return rolledAt === undefined
    ? { direction, turn: 'Back', images, startedAt: fromIso(startedAt), expected: forward }
    : {
        direction,
        turn: 'Back',
        images,
        startedAt: fromIso(startedAt),
        rolledAt: timeOf(attempt.rolledAt),
        expected: images,
      };
}

const timeOf = (time: string | undefined): number | undefined => (time ? fromIso(time) : undefined);

/** Do the images stand in the template, or what the API server answered a write of ours with? */
export function isWritten(workload: WorkloadView, status: ActiveStatus, rollout: Rollout): boolean {
  const { direction, images, rolledAt } = rollout;
  const answers = rolledAt === undefined ? policyOf(direction).answers(workload, status) : {};
  return runsImages(workload, { ...images, ...answers });
}

/** Its images have not been written yet, as far as the status knows. */
export const isUnwritten = ({ rolledAt, turn }: Rollout): boolean =>
  turn === undefined && rolledAt === undefined;

/** A write of this rollout's is in the template, which is not recorded yet. */
export const isAnswered = (workload: WorkloadView, rollout: Rollout): boolean =>
  policyOf(rollout.direction).takesAnyAnswer && isUnwritten(rollout) && wroteImages(workload);

export interface ForeignChange {
  readonly container: string;
  readonly image: string;
  readonly manager?: string;
}

/** The first container whose image somebody else has changed under the rollout. */
export function foreignChange(
  workload: WorkloadView,
  status: ActiveStatus,
  rollout: Rollout,
): ForeignChange | undefined {
  const { expected, rolledAt } = rollout;
  if (expected === undefined || (rolledAt === undefined && isWritten(workload, status, rollout))) {
    return undefined;
  }
  const changed = differingContainer(workload, expected);
  return (
    changed && {
      container: changed.name,
      image: changed.image,
      manager: imageManager(workload, changed.name),
    }
  );
}
