/**
 * A rollout writes images into the pod template, the workload's controller replaces the pods, and each pod is verified. An attempt rolls
 * forward and its fallback rolls back. Both are the same state machine; a policy has the differences (see policy.ts).
 */
import { own } from '../../api/own.ts';
import type { Images, UpgradeSpec } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { differingContainer, imageManager, runsImages, upgradedImages } from '../images.ts';
import { type Direction, isAttempting, isFallingBack } from '../status.ts';
import { fromIso } from '../time.ts';
import { policyOf } from './policy.ts';
import { wroteImages } from './rewritten.ts';

export interface Rollout {
  readonly direction: Direction;
  /** The images to write into the template. */
  readonly images: Images;
  readonly startedAt: number;
  /** When the template was first observed with the images; absent before. */
  readonly rolledAt?: number;
  /** Set while an attempt reverts the template temporarily (`Back`), and while it sets the new images again (`Forward`); see template-revert.ts. */
  readonly templateRevert?: Direction;
  /** The images that the template must have now. Any other image was set by somebody else, and ends the rollout. */
  readonly expected?: Images;
}

/** A rollout that is under way, with what it rolls. */
export interface Rolling {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly rollout: Rollout;
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
    return revertOf(status, status.turnedBack, forward);
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

/** The rollout while the template is reverted: the write of the previous images, the work on the pods, or the write of the wanted images again. */
function revertOf(
  { attempt, to }: ActiveStatus,
  { images, startedAt, rolledAt, returnAt }: NonNullable<ActiveStatus['turnedBack']>,
  forward: Images | undefined,
): Rollout {
  const direction = 'Forward';
  if (returnAt !== undefined) {
    const wanted = Object.fromEntries(
      Object.entries(images).map(([name, image]) => [name, own(to.images, name) ?? image]),
    );
    return {
      direction,
      templateRevert: 'Forward',
      images: wanted,
      startedAt: fromIso(returnAt),
      expected: images,
    };
  }
  return rolledAt === undefined
    ? { direction, templateRevert: 'Back', images, startedAt: fromIso(startedAt), expected: forward }
    : {
        direction,
        templateRevert: 'Back',
        images,
        startedAt: fromIso(startedAt),
        rolledAt: timeOf(attempt.rolledAt),
        expected: images,
      };
}

const timeOf = (time: string | undefined): number | undefined => (time ? fromIso(time) : undefined);

/** Whether the template has the images, or what admission made of them. */
export function isWritten(workload: WorkloadView, status: ActiveStatus, rollout: Rollout): boolean {
  const { direction, images, rolledAt } = rollout;
  const rewritten = rolledAt === undefined ? policyOf(direction).rewritten(workload, status) : {};
  return runsImages(workload, { ...images, ...rewritten });
}

/** According to the status, its images have not been written yet. */
export const isUnwritten = ({ rolledAt, templateRevert }: Rollout): boolean =>
  templateRevert === undefined && rolledAt === undefined;

/** Our write is in the template, but not recorded yet. */
export const hasUnrecordedWrite = (workload: WorkloadView, rollout: Rollout): boolean =>
  policyOf(rollout.direction).acceptsRewrites && isUnwritten(rollout) && wroteImages(workload);

export interface ForeignChange {
  readonly container: string;
  /** Absent if the container was removed. */
  readonly image?: string;
  readonly manager?: string;
}

/** The containers, if the template has neither one of them nor one of their images: under other names they may run the failed version. */
function removedWithAll({ containers }: WorkloadView, images: Images): readonly string[] {
  const restored = Object.values(images);
  const isLeft = containers.some(
    ({ name, image }) => Object.hasOwn(images, name) || restored.includes(image),
  );
  return isLeft ? [] : Object.keys(images);
}

/** The first container whose image somebody else changed during the rollout, or that they removed with everything that a fallback restores. */
export function foreignChange(
  workload: WorkloadView,
  status: ActiveStatus,
  rollout: Rollout,
): ForeignChange | undefined {
  const { expected, rolledAt, direction, images } = rollout;
  const [removed] = direction === 'Back' ? removedWithAll(workload, images) : [];
  if (removed !== undefined) {
    return { container: removed };
  }
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
