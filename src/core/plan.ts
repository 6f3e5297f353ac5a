/** The result of a decision: the next status, at most one kind of write, probe cycles, and when to decide again. */
import type { AnyReason } from '../api/reasons.ts';
import type { Images, Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { Status } from './complete-status.ts';
import type { Obstacle } from './obstacle.ts';
import type { PlannedQuery } from './rollout/rollout-checks.ts';
import type { PodSummary } from './verification/summary.ts';
import type { TryRequest } from './verification/tries.ts';
import type { Wait } from './wait.ts';

/** Condition `postcheck.dev/verified` of a pod, which records its result and opens the gate. */
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
      /** Set in the same write, if the attempt controls the rollout by it. */
      readonly partition?: number;
      /** In a fallback: when the evidence against the new version was recorded. */
      readonly evidenceAt?: number;
    }
  | { readonly kind: 'patchPartition'; readonly workload: WorkloadView; readonly partition: number }
  /** Adds or removes the finalizer that delays a deletion. */
  | { readonly kind: 'setFinalizers'; readonly upgrade: Upgrade; readonly finalizers: readonly string[] }
  | { readonly kind: 'releaseFields'; readonly workload: WorkloadView }
  /** Find out what adds the gate to new pods. */
  | { readonly kind: 'findGateCarrier' }
  /** Read the events about pods that the controller cannot create, or about a pod that is not started. */
  | { readonly kind: 'readWarning'; readonly about: WorkloadView | PodView }
  | DeletePods
  | { readonly kind: 'recordResults'; readonly conditions: readonly PodCondition[] };

export interface PlannedCycle {
  readonly pod: PodView;
  readonly verification: string;
  readonly inFallback: boolean;
  /** Names of the containers in the pod template. */
  readonly template: readonly string[];
  readonly tries: readonly TryRequest[];
  /** Not the first cycle of the pod, or one after its deadline: that the pod is not ready may count against it. */
  readonly mayDecide?: boolean;
}

/** The maximum number of pods in one action. Nothing is decided meanwhile, so with more of them a pod that becomes ready waits longer for its probe. */
export const PODS_PER_ACTION = 24;

export const NO_ACTION: Action = { kind: 'none' };

/** Deletes these pods; without any, nothing is done, and another action may be. */
export const deletePods = (
  workload: WorkloadView,
  pods: readonly PodView[],
  reason: DeletePods['reason'],
): Action => (pods.length > 0 ? { kind: 'deletePods', workload, pods, reason } : NO_ACTION);

/** The first of `actions` that does something: a plan carries out one kind of change at a time. */
export const firstAction = (...actions: readonly Action[]): Action =>
  actions.find(({ kind }) => kind !== 'none') ?? NO_ACTION;

/** The decision for a state, before conditions and message are added. */
export interface Decision {
  readonly status: Status;
  readonly intent?: boolean;
  readonly action?: Action;
  readonly summary?: PodSummary;
  readonly cycles?: readonly PlannedCycle[];
  readonly wakeAt?: number;
  readonly obstacle?: Obstacle;
  readonly wait?: Wait;
  /** The stored wait stays as it is. */
  readonly keepsWait?: boolean;
  readonly queries?: readonly PlannedQuery[];
  readonly suspendedByUser?: boolean;
}
