/** Small predicates on the gate and the finalizer. */
import { FALLBACK_FINALIZER, VERIFIED } from './names.ts';
import type { UpgradeMeta } from './types.ts';
import type { PodView } from './views.ts';

/** Whether the pod's gate is closed. The gate of a terminating pod does not matter. */
export const isClosed = (pod: PodView): boolean =>
  pod.gates.includes(VERIFIED) && !pod.deleting && pod.conditions[VERIFIED]?.status !== 'True';

/** What of an Upgrade says whether the operator still acts for it. */
interface Deletable {
  readonly metadata: Pick<UpgradeMeta, 'deletionTimestamp' | 'finalizers'>;
}

export const holdsFinalizer = ({ metadata }: Deletable): boolean =>
  metadata.finalizers?.includes(FALLBACK_FINALIZER) === true;

/** Whether the Upgrade is being deleted without our finalizer: the operator does nothing for it any more. */
export const isAbandoned = (upgrade: Deletable): boolean =>
  upgrade.metadata.deletionTimestamp !== undefined && !holdsFinalizer(upgrade);
