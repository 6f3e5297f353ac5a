/** Everything that one decision may look at, frozen. */
import type { GateCarrier } from '../api/enums.ts';
import type { Upgrade, UpgradeMeta } from '../api/types.ts';
import type { PodView, WarningView, WorkloadKind, WorkloadView } from '../api/views.ts';
import { type EffectiveSpec, effectiveSpec } from './effective-spec.ts';
import type { Obstacle } from './obstacle.ts';
import type { QueryRecord } from './rollout/rollout-checks.ts';
import { completeStatus, type Status } from './status.ts';
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

/** What was found in the events about an object when they were read last. */
export interface EventsSeen {
  /** When they were read. */
  readonly at: number;
  /** The newest one that says what does not work. */
  readonly warning?: WarningView | undefined;
}

export interface Snapshot {
  readonly now: number;
  readonly upgrade: CompleteUpgrade;
  /** Name of an older Upgrade on the same target: it acts, this one does not. */
  readonly claimedBy?: string;
  readonly workload?: WorkloadView;
  /** Where there is no such workload: kinds of which there is one of this name. */
  readonly namesakes?: readonly WorkloadKind[];
  /** Revision label of the pods that the workload's controller makes now; see workload/driver.ts. */
  readonly updateRevision?: string;
  /** Every pod of the workload, of any revision. */
  readonly pods: readonly PodView[];
  /** The last answer to a check of the rollout. */
  readonly queryRecord?: (check: string) => QueryRecord | undefined;
  /** False where no Prometheus is named that could be asked. */
  readonly hasPrometheus?: boolean;
  /** An Upgrade of the same namespace; absent where nobody has read the others. */
  readonly upgradeNamed?: (name: string) => Upgrade | undefined;
  readonly nodeReady: (node: string) => boolean;
  /** Labels of a node; absent where nodes may not be watched. */
  readonly nodeLabels?: (node: string) => Readonly<Record<string, string>> | undefined;
  /** The version of a node's kernel. */
  readonly nodeKernel?: (node: string) => string | undefined;
  /** When nodes that had been lost came back, as far as we saw it. */
  readonly nodeBackAt?: ReadonlyMap<string, number>;
  /** Probe results by pod UID. */
  readonly records: ReadonlyMap<string, PodRecord>;
  /** Is a probe cycle of this pod under way, by its UID? */
  readonly isProbing?: (uid: string) => boolean;
  /** Restarts of containers when their pod was first seen in a verification, by pod UID. */
  readonly restartsSeen?: ReadonlyMap<string, RestartsSeen>;
  /** Results of the pods so far, so that only what has changed is evaluated anew; absent: everything is. */
  readonly results?: PodResults | undefined;
  readonly waitingSince: ReadonlyMap<string, { readonly reason: string; readonly since: number }>;
  /** What events say about the workload or one of its pods, by UID; `undefined` when they were not read lately. */
  readonly eventsSeen?: (uid: string) => EventsSeen | undefined;
  /** What puts gates on new pods in the Upgrade's namespace; `Unknown` when nobody has asked lately. */
  readonly gateCarrier: GateCarrier | 'None' | 'Unknown';
  /** The API server refused our last write for this Upgrade, and will until somebody changes something. */
  readonly refusal?: Obstacle;
}
