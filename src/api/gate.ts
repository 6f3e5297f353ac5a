/** Small predicates on the gate and the finalizer. */
import { FALLBACK_FINALIZER, VERIFIED } from './names.ts';
import type { Upgrade } from './types.ts';
import type { PodView } from './views.ts';

/** Is the pod behind a gate that nobody has opened yet? One on its way out needs none. */
export const isClosed = (pod: PodView): boolean =>
  pod.gates.includes(VERIFIED) && !pod.deleting && pod.conditions[VERIFIED]?.status !== 'True';

export const holdsFinalizer = ({ metadata }: Upgrade): boolean =>
  metadata.finalizers?.includes(FALLBACK_FINALIZER) ?? false;

/** Is the Upgrade being deleted, with nothing of ours that keeps it? Nobody acts for it any more. */
export const isAbandoned = (upgrade: Upgrade): boolean =>
  upgrade.metadata.deletionTimestamp !== undefined && !holdsFinalizer(upgrade);
