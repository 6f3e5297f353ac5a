/** The API server rejects the pods that the controller creates: by an admission policy, a quota or Pod Security. */

import type { Snapshot } from '../snapshot.ts';

/**
 * Whether the message says that the pod itself was rejected. A webhook that does not respond, a time-out and an internal error of the API server
 * are not about the version: pods of any other version would meet them too.
 */
export const isRefusal = (message: string): boolean =>
  /is forbidden|is invalid|denied (the )?request/.test(message);

/** The message about pods that could not be created since then, from the workload's status or an event about it. */
export function refusalOf({ workload, eventsSeen }: Snapshot, since: number | undefined): string | undefined {
  const warning = workload && eventsSeen?.(workload.uid)?.warning;
  if (workload?.replicaFailure || !warning || since === undefined) {
    return workload?.replicaFailure;
  }
  // Event times are whole seconds. An older event is about another version.
  return warning.at >= Math.floor(since / 1000) * 1000 ? warning.message : undefined;
}
