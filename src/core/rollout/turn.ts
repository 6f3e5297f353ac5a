/** One turn of verifying a rollout: what its ends are derived from. */
import type { AnyReason } from '../../api/reasons.ts';
import type { PodReport } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import type { PodSummary } from '../verification/summary.ts';

export interface Turn {
  readonly snapshot: Snapshot;
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly summary: PodSummary;
}

/** What speaks against a version. */
export interface Evidence {
  readonly reason: AnyReason;
  /** One sentence without its full stop. */
  readonly cause: string;
  readonly pods: readonly PodReport[];
}
