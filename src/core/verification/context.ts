/** What the pods of one verification (an attempt or its fallback) are evaluated by. */
import type { PodView, WarningView } from '../../api/views.ts';
import type { Question } from './tries.ts';
import type { WitnessedImages } from './witness.ts';

export interface VerificationContext extends Question {
  /** Of these its pods have to be, or they are no witnesses. */
  readonly images: WitnessedImages;
  readonly id: string;
  /** Verifications whose passes count as well: those of attempts that this one goes on with. */
  readonly kept?: readonly string[];
  readonly inFallback: boolean;
  readonly startedAt: number;
  readonly resumedAt?: number;
  /** The clocks stand still. */
  readonly isPaused?: boolean;
  readonly deadlineSeconds: number;
  readonly nodeReady: (node: string) => boolean;
  /** Pods that have passed are probed further, and may fail late. */
  readonly isSoaking?: boolean;
  /** The clocks of pods on a node that was lost begin anew when it is back: they could not be asked meanwhile. */
  readonly nodeBackAt?: ReadonlyMap<string, number>;
  /** Waiting reasons by `pod uid/container`, and since when we have seen them: the API does not say. */
  readonly waitingSince: ReadonlyMap<string, { readonly reason: string; readonly since: number }>;
  /** What keeps a pod from being started, by its UID, as an event says it. */
  readonly warningOf?: (uid: string) => WarningView | undefined;
  /** How often a container had restarted before this verification, so that only restarts since then count. */
  readonly restartsBefore: (pod: PodView, container: string) => number;
}
