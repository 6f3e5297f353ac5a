/** What a sentence is made from, and the parts that several sentences share. */
import type { Counts, UpgradeSpec } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { Status } from '../complete-status.ts';
import { changedImages, wantedImages } from '../images.ts';
import type { Obstacle } from '../obstacle.ts';
import type { CompleteUpgrade } from '../snapshot.ts';
import { ofDesired, type PodSummary } from '../verification/summary.ts';
import { type Versions, versionsText } from './image-text.ts';

/** What is known of an Upgrade when its message is written. */
export interface Facts {
  readonly upgrade: CompleteUpgrade;
  readonly status: Status;
  readonly workload: WorkloadView | undefined;
  readonly summary: PodSummary | undefined;
  readonly obstacle: Obstacle | undefined;
  /** Why the controller cannot create pods, as the API server says it. */
  readonly refusal?: string | undefined;
  /** A pod that is not replaced, because its node takes no other one. */
  readonly repelled?: Cause | undefined;
  /** A pod that has ended, because of which the controller may not see that no other one is left. */
  readonly overlooked?: Cause | undefined;
  /** A pod of the rollout that its node ended. */
  readonly ended?: Cause | undefined;
  /** A pod that is still terminating while another one is missing. */
  readonly terminating?: Cause | undefined;
  /** A pod of the previous version that is not Ready, so that the controller replaces no pod, and why it is not. */
  readonly waitsFor?: { readonly pod: PodView; readonly cause: Cause | undefined } | undefined;
}

/** `1 pod`, `3 pods`. */
export const pods = (count: number): string => `${count} ${count === 1 ? 'pod' : 'pods'}`;

/** `Deployment web`. */
export const target = ({ upgrade }: Facts): string =>
  `${upgrade.spec.targetRef.kind} ${upgrade.spec.targetRef.name}`;

/** The spec, without containers that were named after the attempt had ended: others may have set their images since. */
function withoutNamedLater({ spec }: CompleteUpgrade, status: Status): UpgradeSpec {
  const changed = status.attempt?.restated ? changedImages(status) : {};
  const containers = spec.containers.filter(({ name }) => Object.hasOwn(changed, name));
  return containers.length > 0 ? { ...spec, containers } : spec;
}

/** What the attempt rolls from and to, or what the spec wants if there was none yet. */
export function versions({ upgrade, status }: Facts): Versions {
  const wanted = status.attempt ? status.to.images : wantedImages(upgrade.spec);
  const text = versionsText(status.from.images, wanted, withoutNamedLater(upgrade, status));
  const requested = Object.values({ ...status.to.requested });
  return requested.length > 0 ? { ...text, to: `${text.to} (requested: ${requested.join(', ')})` } : text;
}

/** `2 of 3 pods`; never more than are desired. */
export const countText = (count: number, counts: Pick<Counts, 'desired'>): string =>
  `${ofDesired(count, counts)} of ${pods(counts.desired)}`;
