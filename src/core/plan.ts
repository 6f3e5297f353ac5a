/** What a decision asks for: a next status, at most one kind of change, probe cycles, and when to look again. */
import type { AnyReason } from '../api/reasons.ts';
import type { Images, Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { Obstacle } from './obstacle.ts';
import type { PlannedQuery } from './rollout/rollout-checks.ts';
import type { Status } from './status.ts';
import type { PodSummary } from './verification/summary.ts';
import type { TryRequest } from './verification/tries.ts';
import type { Wait } from './wait.ts';

/** Condition `postcheck.dev/verified` to be stored on a pod: the recorded result, and the gate's key. */
export interface PodCondition {
  readonly pod: PodView;
  readonly condition: {
    readonly status: 'True' | 'False';
    readonly reason: AnyReason;
    readonly message: string;
  };
}

export interface DeletePods {
  readonly kind: 'deletePods';
  readonly workload: WorkloadView;
  readonly pods: readonly PodView[];
  readonly reason: 'StuckPodDeleted' | 'GateMissed' | 'Replaced';
}

export type Action =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'patchImages';
      readonly workload: WorkloadView;
      readonly images: Images;
      /** Set in the same write, where the attempt holds the workload by it. */
      readonly partition?: number;
      /** Where it restores what ran before: when the evidence against the new version was recorded. */
      readonly evidenceAt?: number;
    }
  | { readonly kind: 'patchPartition'; readonly workload: WorkloadView; readonly partition: number }
  /** Keeps the Upgrade, should it be deleted, or lets it go. */
  | { readonly kind: 'setFinalizers'; readonly upgrade: Upgrade; readonly finalizers: readonly string[] }
  | { readonly kind: 'releaseFields'; readonly workload: WorkloadView }
  /** Ask what puts gates on new pods. */
  | { readonly kind: 'findGateCarrier' }
  /** Ask what events say of pods that the workload's controller cannot make, or of a pod that is not started. */
  | { readonly kind: 'readWarning'; readonly about: WorkloadView | PodView }
  | DeletePods
  | { readonly kind: 'recordResults'; readonly conditions: readonly PodCondition[] };

export interface PlannedCycle {
  readonly pod: PodView;
  readonly verification: string;
  readonly inFallback: boolean;
  readonly tries: readonly TryRequest[];
}

/** So many pods in one action: what has happened meanwhile is looked at before the next ones. */
export const PODS_PER_ACTION = 100;

export const NO_ACTION: Action = { kind: 'none' };

/** The first of `actions` that is one: a plan carries out one kind of change at a time. */
export const firstAction = (...actions: readonly Action[]): Action =>
  actions.find(({ kind }) => kind !== 'none') ?? NO_ACTION;

/** What a state comes to, before conditions and message are put on. */
export interface Decision {
  readonly status: Status;
  readonly intent?: boolean;
  readonly action?: Action;
  readonly summary?: PodSummary;
  readonly cycles?: readonly PlannedCycle[];
  readonly wakeAt?: number;
  readonly obstacle?: Obstacle;
  readonly wait?: Wait;
  /** What it waits for by the stored status has not changed. */
  readonly waitGoesOn?: boolean;
  readonly queries?: readonly PlannedQuery[];
  readonly suspendedByUser?: boolean;
}
