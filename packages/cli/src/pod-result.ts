/** Evaluates a pod like the operator, from what can be read from the cluster. Pure. */
import type { PodView } from '../../../src/api/views.ts';
import { activeStatus } from '../../../src/core/complete-status.ts';
import { verificationContext } from '../../../src/core/rollout/context.ts';
import { evaluatePod } from '../../../src/core/verification/pod.ts';
import type { PodResult } from '../../../src/core/verification/pod-result.ts';
import { type Scene, snapshotOf } from './scene.ts';

/** Returns the result of a pod of the revision to verify; `undefined` for any other pod, and before the first attempt. */
export function resultOf(scene: Scene, pod: PodView, now: number): PodResult | undefined {
  const snapshot = snapshotOf(scene, now);
  const status = activeStatus(snapshot.upgrade.status);
  if (!status || pod.revision !== scene.updateRevision) {
    return undefined;
  }
  return evaluatePod(pod, undefined, verificationContext(snapshot, status), now);
}
