/** The context in which the pods of one verification (of an attempt or its fallback) are evaluated. */
import type { PodView, WarningView } from '../../api/views.ts';
import type { ProbeContext } from './tries.ts';
import type { WitnessedImages } from './witness.ts';

export interface VerificationContext extends ProbeContext {
  /** The images that a pod must run to count as a witness. */
  readonly images: WitnessedImages;
  /** When the revision was created whose pods are verified; `undefined` where they may be older than it. */
  readonly revisionCreatedAt?: number | undefined;
  /** Where volumes are mounted in the containers of the template that the verified pods have; `undefined` if they may have another one. */
  readonly templateMounts?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly id: string;
  /** Earlier verifications whose passes count as well: those of attempts that this one continues. */
  readonly kept?: readonly string[];
  readonly inFallback: boolean;
  readonly startedAt: number;
  readonly resumedAt?: number;
  /** Suspended: no deadline runs. */
  readonly isPaused?: boolean;
  readonly deadlineSeconds: number;
  readonly nodeReady: (node: string) => boolean;
  /** Pods that have passed are still probed, and may still fail. */
  readonly isSoaking?: boolean;
  /** When lost nodes became Ready again. The deadlines of their pods start again then, because the pods could not be probed before. */
  readonly nodeBackAt?: ReadonlyMap<string, number>;
  /** Waiting reasons by `pod uid/container`, and when each was first observed: the API does not say. */
  readonly waitingSince: ReadonlyMap<string, { readonly reason: string; readonly since: number }>;
  /** The last event that says why a pod is not started, by its UID. */
  readonly warningOf?: (uid: string) => WarningView | undefined;
  /** How often a container had restarted before this verification; only later restarts count. */
  readonly restartsBefore: (pod: PodView, container: string) => number;
}
