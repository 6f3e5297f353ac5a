/** Everything that one decision may depend on, frozen. */
import type { GateCarrier } from '../api/enums.ts';
import type { Upgrade, UpgradeMeta } from '../api/types.ts';
import type { PodView, TaintView, WarningView, WorkloadKind, WorkloadView } from '../api/views.ts';
import { completeStatus, type Status } from './complete-status.ts';
import { type EffectiveSpec, effectiveSpec } from './effective-spec.ts';
import type { Obstacle } from './obstacle.ts';
import type { QueryRecord } from './rollout/rollout-checks.ts';
import type { PodRecord } from './verification/probe-cycle.ts';
import type { PodResults } from './verification/results.ts';

/** An Upgrade as decisions use it. */
export interface CompleteUpgrade {
  readonly metadata: UpgradeMeta & Required<Pick<UpgradeMeta, 'finalizers' | 'annotations'>>;
  readonly spec: EffectiveSpec;
  readonly status: Status;
}

/** Fills in everything that may be absent from an Upgrade in the API. */
export const completeUpgrade = ({ metadata, spec, status }: Upgrade): CompleteUpgrade => ({
  metadata: { finalizers: [], annotations: {}, ...metadata },
  spec: effectiveSpec(spec),
  status: completeStatus(status),
});

export interface RestartsSeen {
  readonly verification: string;
  /** By container. */
  readonly restarts: ReadonlyMap<string, number>;
}

/** The result of the last read of the events about an object. */
export interface EventsSeen {
  /** When they were read. */
  readonly at: number;
  /** The newest warning. */
  readonly warning?: WarningView | undefined;
}

export interface Snapshot {
  readonly now: number;
  readonly upgrade: CompleteUpgrade;
  /** How many Upgrades wait for their turn to begin an attempt. */
  readonly queued?: number;
  /** Name of the Upgrade with the same target that acts instead of this one; see claim.ts. */
  readonly claimedBy?: string;
  readonly workload?: WorkloadView;
  /** If the workload does not exist: other kinds that have a workload of this name. */
  readonly namesakes?: readonly WorkloadKind[];
  /** Revision label of the pods that the workload's controller creates now; see workload/driver.ts. */
  readonly updateRevision?: string;
  /** When the API server created that revision. */
  readonly updateRevisionCreatedAt?: number | undefined;
  /** Every pod of the workload, of any revision. */
  readonly pods: readonly PodView[];
  /** The last result of a rollout check. */
  readonly queryRecord?: (check: string) => QueryRecord | undefined;
  /** False if the operator has no Prometheus to query. */
  readonly hasPrometheus?: boolean;
  /** An Upgrade in the same namespace; absent if the others were not read. */
  readonly upgradeNamed?: (name: string) => Upgrade | undefined;
  readonly nodeReady: (node: string) => boolean;
  /** Labels of a node; absent if nodes may not be watched. */
  readonly nodeLabels?: (node: string) => Readonly<Record<string, string>> | undefined;
  /** Kernel version of a node. */
  readonly nodeKernel?: (node: string) => string | undefined;
  /** Taints of a node that keep pods away. */
  readonly nodeTaints?: (node: string) => readonly TaintView[] | undefined;
  /** When lost nodes became Ready again, as far as it was observed. */
  readonly nodeBackAt?: ReadonlyMap<string, number>;
  /** Probe results by pod UID. */
  readonly records: ReadonlyMap<string, PodRecord>;
  /** Whether a probe cycle of the pod with this UID is running. */
  readonly isProbing?: (uid: string) => boolean;
  /** Restarts of containers when their pod was first observed in a verification, by pod UID. */
  readonly restartsSeen?: ReadonlyMap<string, RestartsSeen>;
  /** The cache of pod results; without it every pod is evaluated again. */
  readonly results?: PodResults | undefined;
  readonly waitingSince: ReadonlyMap<string, { readonly reason: string; readonly since: number }>;
  /** What events say about the workload or one of its pods, by UID; `undefined` if they were not read recently. */
  readonly eventsSeen?: (uid: string) => EventsSeen | undefined;
  /** What adds gates to new pods in the Upgrade's namespace; `Unknown` if it was not determined recently. */
  readonly gateCarrier: GateCarrier | 'None' | 'Unknown';
  /** The API server rejected our last write for this Upgrade, and will until somebody changes something. */
  readonly refusal?: Obstacle;
}
