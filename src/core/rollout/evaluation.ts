/** One evaluation of a rollout from a snapshot, and what differs between the two directions: its policy (see policy.ts). */
import type { Images, Phase, PodReport } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { ActiveStatus } from '../complete-status.ts';
import type { EffectiveSpec } from '../effective-spec.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Action } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import type { VerificationContext } from '../verification/context.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { PodSummary } from '../verification/summary.ts';
import type { WitnessedImages } from '../verification/witness.ts';
import type { Amount } from './amount.ts';
import type { Rollout } from './rollout.ts';
import type { Stages } from './stages.ts';

export interface Evaluation {
  readonly snapshot: Snapshot;
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly summary: PodSummary;
  /** Pods of the previous version in places where the new one failed. They are not replaced again. */
  readonly rolledBack: readonly PodResult[];
  readonly rollout: Rollout;
  readonly policy: Policy;
  readonly context: VerificationContext;
  /** What the rolled-back pods are evaluated by. */
  readonly rolledBackContext: VerificationContext;
  readonly stages: Stages;
  /** Nodes that nobody can reach, for kinds with one pod a node. */
  readonly lostNodes: readonly string[];
}

/** Evidence against a version. */
export interface Evidence {
  readonly cause: Cause;
  readonly pods: readonly PodReport[];
}

/** An attempt, or its fallback, as the status has it. */
export interface Recorded {
  readonly startedAt: string;
  readonly rolledAt?: string;
}

/** The input of `recordWritten`. */
export interface Written {
  readonly snapshot: Snapshot;
  readonly workload: WorkloadView;
  /** With the present generation of the workload. */
  readonly status: ActiveStatus;
}

export interface Policy {
  readonly recorded: (status: ActiveStatus) => Recorded;
  /** What stops the rollout until the user has corrected it. */
  readonly obstacle: (
    snapshot: Snapshot,
    workload: WorkloadView,
    status: ActiveStatus,
  ) => Obstacle | undefined;
  /** Ends early when other images are requested, when it is aborted, or when the Upgrade is deleted. A fallback always runs to its end. */
  readonly isInterruptible: boolean;
  /** Recorded again when the workload was changed before the first write, because the recorded previous images may be outdated. */
  readonly isRecordedAgain: boolean;
  /** The checks run once in pods of the previous version before the first write. */
  readonly takesBaseline: boolean;
  /** Deleting the Upgrade now would leave something that has to be restored. */
  readonly needsRestore: (spec: EffectiveSpec) => boolean;
  /** Delay between the record and the first write: the gate policy observes a new attempt a moment later than we do. */
  readonly settlesMs: (status: ActiveStatus) => number;
  /** The partition to write together with the images, where the attempt controls the rollout by it; `userPartition` is the user's own. */
  readonly partition: (userPartition: number, workload: WorkloadView) => number;
  /** Records a partition that the user sets during the rollout. */
  readonly followsPartition: boolean;
  /** Its first write restores images: the time from the evidence to this write is measured. */
  readonly restores: boolean;
  /** Any image that our write left in the template counts as the stored form of the requested one, and is recorded first of all. */
  readonly acceptsRewrites: boolean;
  /** What admission made of the images, which counts as written too before it is recorded. */
  readonly rewritten: (workload: WorkloadView, status: ActiveStatus) => Images;
  /** Records that the template has the images, or what admission made of them. */
  readonly recordWritten: (written: Written) => ActiveStatus;
  /** The images that a pod must run to count as evidence for or against the version. */
  readonly images: (status: ActiveStatus) => WitnessedImages;
  /** Its pods run the previous version: a missing command is nothing new, and there is no further version to fall back to. */
  readonly inFallback: boolean;
  /** Pods that an earlier attempt verified stay verified, where the attempt continues that one. */
  readonly keepsVerified: boolean;
  /** Its pods are of a new revision, so all of their restarts count. */
  readonly makesRevision: boolean;
  readonly deadlineSeconds: (spec: EffectiveSpec) => number;
  /** Whether the pods are verified; otherwise the rollout is complete when the controller has replaced them. */
  readonly verifies: (spec: EffectiveSpec) => boolean;
  readonly phases: { readonly rolling: Phase; readonly checking: Phase };
  /** The phase while there is no evidence; absent where a rollout without evidence ends. */
  readonly inconclusive?: Phase;
  /** `strategy.failureBudget` applies. */
  readonly hasBudget: boolean;
  /** Continues without nodes that nobody can reach, and finishes them when they are back. */
  readonly leavesLostNodes: boolean;
  /** The stages of the spec apply. */
  readonly isStaged: boolean;
  /** How many pods may be unverified at once, where postcheck replaces them. */
  readonly maxParallel: (spec: EffectiveSpec, stages: Stages) => Amount;
  /** Pods that are not Ready are replaced immediately, beyond `maxParallel`. */
  readonly replacesUnready: boolean;
  /** Broken pods of the previous version are not deleted. */
  readonly sparesPrevious: boolean;
  /** Does not fail while a pod blocks its controller: after the end nothing would delete that pod. */
  readonly unblocksBeforeFailing: boolean;
  /** It is evidence against the version if the API server rejects all of its pods. */
  readonly refusalIsEvidence: boolean;
  /** Actions of a running rollout, by priority: the first that has something to do is carried out. */
  readonly actions: readonly ((evaluation: Evaluation) => Action)[];
  /** The revision that `follow` recorded. */
  readonly revision: (status: ActiveStatus) => string | undefined;
  /** Records the state of the rollout's pods. */
  readonly follow: (status: ActiveStatus, revision: string | undefined, isRolling: boolean) => ActiveStatus;
  /** Every pod has its result; `undefined` if that ends nothing. */
  readonly onDone: (evaluation: Evaluation) => ActiveStatus | undefined;
  /** The controller is done because no pods are desired; `undefined` waits for pods. */
  readonly onNoPods: (evaluation: Evaluation) => ActiveStatus | undefined;
  readonly onEvidence: (evaluation: Evaluation, evidence: Evidence) => ActiveStatus;
  /** No progress, and no evidence either; `undefined` continues to wait. */
  readonly onSilence: (evaluation: Evaluation, evidence: Evidence) => ActiveStatus | undefined;
}

export const verifiesPods = ({ policy, snapshot }: Evaluation): boolean =>
  policy.verifies(snapshot.upgrade.spec);

/** Some desired pods are not of the new revision yet. */
export const isRolling = ({ counts, desired }: PodSummary): boolean => counts.updated < desired;
