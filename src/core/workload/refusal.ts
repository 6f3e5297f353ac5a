/** The API server lets the controller make no pod: an admission policy, a quota or Pod Security refuses them. */

import type { Snapshot } from '../snapshot.ts';

/** What was said of pods that could not be made since then: in the status of the workload, or in an event about it. */
export function refusalOf(
  { workload, workloadWarning }: Snapshot,
  since: number | undefined,
): string | undefined {
  if (workload?.replicaFailure || !workloadWarning || workloadWarning === 'None' || since === undefined) {
    return workload?.replicaFailure;
  }
  // Events have times of whole seconds. An older one is about another version.
  return workloadWarning.at >= Math.floor(since / 1000) * 1000 ? workloadWarning.message : undefined;
}
