/** Everything that one decision may look at, frozen. */
import type { Upgrade } from '../api/types.ts';
import type { PodView, WarningView, WorkloadView } from '../api/views.ts';
import type { PodRecord } from './verification/probe-cycle.ts';
import type { Obstacle } from './workload/driver.ts';

export interface RestartsSeen {
  readonly verification: string;
  readonly restarts: number;
}

export interface Snapshot {
  readonly now: number;
  readonly upgrade: Upgrade;
  /** Name of an older Upgrade on the same target: it acts, this one does not. */
  readonly claimedBy?: string;
  readonly workload?: WorkloadView;
  /** Revision label of the pods that the workload's controller makes now; see workload/driver.ts. */
  readonly updateRevision?: string;
  /** Every pod of the workload, of any revision. */
  readonly pods: readonly PodView[];
  readonly nodeReady: (node: string) => boolean;
  /** Labels of a node; absent where nodes may not be watched. */
  readonly nodeLabels?: (node: string) => Readonly<Record<string, string>> | undefined;
  /** When nodes that had been lost came back, as far as we saw it. */
  readonly nodeBackAt?: ReadonlyMap<string, number>;
  /** Probe results by pod UID. */
  readonly records: ReadonlyMap<string, PodRecord>;
  /** Restarts of a container when it was first seen in a verification, by `pod uid/container`. */
  readonly restartsSeen?: ReadonlyMap<string, RestartsSeen>;
  readonly waitingSince: ReadonlyMap<string, { readonly reason: string; readonly since: number }>;
  /** The newest FailedCreate event about the workload, or that there is none; `undefined` when nobody has asked lately. */
  readonly workloadWarning?: WarningView | 'None' | undefined;
  readonly gatePolicy: 'Available' | 'Unavailable' | 'Unknown';
  /** The API server refused our last write for this Upgrade, and will until somebody changes something. */
  readonly refusal?: Obstacle;
}
