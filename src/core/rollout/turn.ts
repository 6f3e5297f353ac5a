/** One turn of verifying a rollout, and what differs between the two directions: its policy (see policy.ts). */
import type { Phase, PodReport, UpgradeSpec } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { Obstacle } from '../obstacle.ts';
import type { Action } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import type { VerificationContext } from '../verification/context.ts';
import type { PodResult } from '../verification/pod.ts';
import type { PodSummary } from '../verification/summary.ts';
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

export interface Policy {
  /** What stops the rollout, until the user has mended it. */
  readonly obstacle: (spec: UpgradeSpec, workload: WorkloadView) => Obstacle | undefined;
  readonly deadlineSeconds: (spec: UpgradeSpec) => number;
  /** Are the pods verified, or is it enough that the controller has rolled them? */
  readonly verifies: (spec: UpgradeSpec) => boolean;
  readonly phases: { readonly rolling: Phase; readonly checking: Phase };
  /** The phase while there is no evidence; absent where such a rollout ends. */
  readonly inconclusive?: Phase;
  /** So many pods as the spec allows may fail. */
  readonly hasBudget: boolean;
  /** Goes by the stages of the spec. */
  readonly isStaged: boolean;
  /** How many pods may be undecided at once, where postcheck replaces them. */
  readonly maxParallel: (spec: UpgradeSpec, stages: Stages) => Amount | undefined;
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
