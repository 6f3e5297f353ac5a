/** The API server rejects the pods that the controller creates: by a webhook, an admission policy, a quota or Pod Security. */

import { isByAdmission } from '../../api/admission.ts';
import { unobservedText } from '../report/warning-text.ts';
import type { Snapshot } from '../snapshot.ts';
import { isOfAnyVersion } from '../verification/any-version.ts';
import { driverOf } from './drivers.ts';

/** A controller that is not held up observes a change within seconds. */
const UNOBSERVED_AFTER_MS = 30_000;

/** A webhook or a policy could not ask the registry about the image, so it could not examine the pod. For a pull, a host that does not exist is evidence. */
const UNDECIDED = /no such host/;

/**
 * Whether a controller's message about a pod that it could not create says that the pod was rejected for its version: by a webhook or a policy, or
 * because its image is not valid. A webhook that does not respond, missing permissions of the controller, and everything else that pods of any other
 * version would meet too, such as a quota or a missing service account, are not about the version.
 */
export const isRefusal = (message: string): boolean =>
  (isByAdmission(message) || /\bis invalid: /.test(message)) &&
  !isOfAnyVersion(message) &&
  !UNDECIDED.test(message);

/**
 * Why no pods could be created since then: the message in the workload's status or in an event about it, or that its controller has not even
 * observed the change, which it reports nowhere.
 */
export function refusalOf(snapshot: Snapshot, since: number | undefined): string | undefined {
  const { workload, eventsSeen, now } = snapshot;
  const warning = workload && eventsSeen?.(workload.uid)?.warning;
  if (!workload || workload.replicaFailure || since === undefined) {
    return workload?.replicaFailure;
  }
  // Event times are whole seconds. An older event is about another version.
  if (warning && warning.at >= Math.floor(since / 1000) * 1000) {
    return warning.message;
  }
  const from = unobservedAt(snapshot, since);
  const { revisionKind } = driverOf(workload);
  return from !== undefined && now >= from ? unobservedText(workload, revisionKind) : undefined;
}

/** From when on it counts that the controller has not observed the last write. A later change of others is observed, or not, on its own. */
export function unobservedAt({ workload, upgrade }: Snapshot, since: number | undefined): number | undefined {
  const { targetGeneration = 0 } = upgrade.status;
  return workload && since !== undefined && workload.observedGeneration < targetGeneration
    ? since + UNOBSERVED_AFTER_MS
    : undefined;
}
