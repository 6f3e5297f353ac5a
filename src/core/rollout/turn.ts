/** One turn of verifying a rollout: what its ends are derived from. */
import type { PodReport } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import { excludedNodes, type PodSummary } from '../verification/summary.ts';
import { isLive } from '../workload/pods.ts';

export interface Turn {
  readonly snapshot: Snapshot;
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly summary: PodSummary;
}

/** What speaks against a version. */
export interface Evidence {
  readonly cause: Cause;
  readonly pods: readonly PodReport[];
}

/** Live pods that are to be replaced. */
export function outdatedPods({ snapshot, status }: Turn): PodView[] {
  const excluded = excludedNodes(status.attempt);
  return snapshot.pods.filter(
    (pod) => isLive(pod) && pod.revision !== snapshot.updateRevision && !excluded.includes(pod.node),
  );
}
