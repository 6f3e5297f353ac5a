/** One turn of verifying a rollout, and what differs between the two directions: its policy (see policy.ts). */
import type { Images, Phase, PodReport } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { EffectiveSpec } from '../effective-spec.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Action } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import type { VerificationContext } from '../verification/context.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { PodSummary } from '../verification/summary.ts';
import type { WitnessedImages } from '../verification/witness.ts';
import type { Amount } from './amount.ts';
import type { Rollout } from './rollout.ts';
import type { Stages } from './stages.ts';

export interface Turn {
  readonly snapshot: Snapshot;
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly summary: PodSummary;
  /** Pods of the version before that failed in the new one and were put back: none of these is replaced again. */
  readonly aside: readonly PodResult[];
  readonly rollout: Rollout;
  readonly policy: Policy;
  readonly context: VerificationContext;
  /** By what those aside are evaluated. */
  readonly asideContext: VerificationContext;
  readonly stages: Stages;
}

/** What speaks against a version. */
export interface Evidence {
  readonly cause: Cause;
  readonly pods: readonly PodReport[];
}

/** An attempt, or its fallback, as the status has it. */
export interface Recorded {
  readonly startedAt: string;
  readonly rolledAt?: string;
}

export interface Written {
  readonly snapshot: Snapshot;
  readonly workload: WorkloadView;
  /** With the workload's generation as it is. */
  readonly status: ActiveStatus;
}

export interface Policy {
  readonly recorded: (status: ActiveStatus) => Recorded;
  /** What stops the rollout, until the user has mended it. */
  readonly obstacle: (
    snapshot: Snapshot,
    workload: WorkloadView,
    status: ActiveStatus,
  ) => Obstacle | undefined;
  /** Ends when other images are wanted, or somebody aborts it, as who deletes the Upgrade does; else it goes on to its end. */
  readonly isInterruptible: boolean;
  /** Recorded again when the workload was changed before the first write: what was recorded as running before may be stale. */
  readonly isRecordedAgain: boolean;
  /** What ran before is asked once before the first write. */
  readonly asksBaseline: boolean;
  /** Without the Upgrade somebody would have to put something back. */
  readonly mustBePutBack: (spec: EffectiveSpec) => boolean;
  /** Between its record and its first write: the gate policy sees a new attempt a moment after us. */
  readonly settlesMs: (status: ActiveStatus) => number;
  /** The partition to write with the images, where the attempt holds the workload by it and the user wants this one. */
  readonly partition: (users: number, workload: WorkloadView) => number;
  /** Follows the partition that the user sets on the way. */
  readonly followsPartition: boolean;
  /** Its first write is the first one of a fallback, whose time is measured. */
  readonly restores: boolean;
  /** Whatever stands by a write of ours is its answer, and is recorded before anything else is decided. */
  readonly takesAnyAnswer: boolean;
  /** What else counts as written, before that is recorded: what admission made of its images. */
  readonly answers: (workload: WorkloadView, status: ActiveStatus) => Images;
  /** Records that the images, or what admission made of them, stand in the template. */
  readonly recordWritten: (written: Written) => ActiveStatus;
  /** What its pods have to run, so that they say something of it. */
  readonly images: (status: ActiveStatus) => WitnessedImages;
  /** Its pods ran before: a command that they lack is nothing new, and there is nothing else to go back to. */
  readonly inFallback: boolean;
  /** Pods that earlier attempts verified stay verified, as far as the attempt goes on with them. */
  readonly keepsVerified: boolean;
  /** It makes the pods of a new revision, so that all of their restarts are its own. */
  readonly makesRevision: boolean;
  readonly deadlineSeconds: (spec: EffectiveSpec) => number;
  /** Are the pods verified, or is it enough that the controller has rolled them? */
  readonly verifies: (spec: EffectiveSpec) => boolean;
  readonly phases: { readonly rolling: Phase; readonly checking: Phase };
  /** The phase while there is no evidence; absent where such a rollout ends. */
  readonly inconclusive?: Phase;
  /** So many pods as the spec allows may fail. */
  readonly hasBudget: boolean;
  /** Goes by the stages of the spec. */
  readonly isStaged: boolean;
  /** How many pods may be undecided at once, where postcheck replaces them. */
  readonly maxParallel: (spec: EffectiveSpec, stages: Stages) => Amount;
  /** Pods that do not serve wait for nobody when they are replaced. */
  readonly replacesUnready: boolean;
  /** Broken pods of the version before are left alone. */
  readonly sparesBefore: boolean;
  /** Does not end as failed while a pod blocks its controller: after the end nobody would delete it. */
  readonly unblocksBeforeFailing: boolean;
  /** That the API server lets the controller make no pod of the version speaks against the version. */
  readonly refusalIsEvidence: boolean;
  /** What is done while the rollout goes on; the first that has something to do is carried out. */
  readonly actions: readonly ((turn: Turn) => Action)[];
  /** The status with what the rollout's pods show. */
  readonly follow: (status: ActiveStatus, revision: string | undefined, isRolling: boolean) => ActiveStatus;
  /** `undefined`: nothing new has come of it. */
  readonly onDone: (turn: Turn) => ActiveStatus | undefined;
  /** The controller is done, as no pods are wanted; `undefined` waits for some. */
  readonly onNoPods: (turn: Turn) => ActiveStatus | undefined;
  readonly onEvidence: (turn: Turn, evidence: Evidence) => ActiveStatus;
  /** No progress, and no evidence either; `undefined` goes on waiting. */
  readonly onSilence: (turn: Turn, evidence: Evidence) => ActiveStatus | undefined;
}

export const verifiesPods = ({ policy, snapshot }: Turn): boolean => policy.verifies(snapshot.upgrade.spec);

/** Not every wanted pod is of the new revision yet. */
export const isRolling = ({ counts, desired }: PodSummary): boolean => counts.updated < desired;
