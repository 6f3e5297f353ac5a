import { VERIFIED } from './names.ts';
import type { PodView } from './views.ts';

/** Is the pod behind a gate that nobody has opened yet? One on its way out needs none. */
export const isClosed = (pod: PodView): boolean =>
  pod.gates.includes(VERIFIED) && !pod.deleting && pod.conditions[VERIFIED]?.status !== 'True';
