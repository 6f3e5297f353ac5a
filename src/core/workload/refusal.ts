/** The API server lets the controller make no pod: an admission policy, a quota or Pod Security refuses them. */

import type { Snapshot } from '../snapshot.ts';

/**
 * The API server, or whom it asked, said no to the pod itself. A webhook that does not answer, a time-out or an error inside the API server
 * says nothing of the version: the pods of any other would meet the same.
 */
export const isRefusal = (said: string): boolean =>
  /is forbidden|is invalid|denied (the )?request/.test(said);

/** What was said of pods that could not be made since then: in the status of the workload, or in an event about it. */
export function refusalOf({ workload, eventsSeen }: Snapshot, since: number | undefined): string | undefined {
  const warning = workload && eventsSeen?.(workload.uid)?.warning;
  if (workload?.replicaFailure || !warning || since === undefined) {
    return workload?.replicaFailure;
  }
  // Events have times of whole seconds. An older one is about another version.
  return warning.at >= Math.floor(since / 1000) * 1000 ? warning.message : undefined;
}
