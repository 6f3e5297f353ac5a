/** What a decision comes to. */
import type { AnyReason } from '../api/reasons.ts';
import type { Images, UpgradeStatus } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { State } from './observe.ts';
import type { Obstacle } from './obstacles.ts';
import type { TryRequest } from './verification/probe-cycle.ts';
import type { PodSummary } from './verification/summary.ts';

export interface PodCondition {
  readonly pod: PodView;
  readonly condition: {
    readonly status: 'True' | 'False';
    readonly reason: AnyReason;
    readonly message: string;
  };
}

export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'patchImages'; readonly workload: WorkloadView; readonly images: Images }
  | { readonly kind: 'releaseFields'; readonly workload: WorkloadView }
  | { readonly kind: 'deletePod'; readonly pod: PodView; readonly reason: 'StuckPodDeleted' | 'GateMissed' }
  | { readonly kind: 'recordResults'; readonly conditions: readonly PodCondition[] };

export interface PlannedCycle {
  readonly pod: PodView;
  readonly verification: string;
  readonly inFallback: boolean;
  readonly tries: readonly TryRequest[];
}

export interface Plan {
  readonly state: State['name'];
  readonly status: UpgradeStatus;
  /** The status must be stored before anything else is done. */
  readonly intent: boolean;
  readonly action: Action;
  readonly cycles: readonly PlannedCycle[];
  readonly wakeAt?: number;
}

export const NO_ACTION: Action = { kind: 'none' };

/** What a situation comes to, before conditions and message are put on. */
export interface Decision {
  readonly status: UpgradeStatus;
  readonly intent?: boolean;
  readonly action?: Action;
  readonly summary?: PodSummary;
  readonly cycles?: readonly PlannedCycle[];
  readonly wakeAt?: number | undefined;
  readonly obstacle?: Obstacle;
  readonly haltedByUser?: boolean;
}

/** One situation of observe.ts, by name. */
export type In<Name extends State['name']> = Extract<State, { name: Name }>;
