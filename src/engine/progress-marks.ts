/**
 * Names what a write achieves within one attempt. The first write that reaches a mark is progress, and the marks of an attempt are limited;
 * an endless loop only reaches marks that were reached before.
 */
import type { UpgradeStatus } from '../api/types.ts';
import { PODS_PER_ACTION } from '../core/plan.ts';
import { driverOf } from '../core/workload/drivers.ts';
import type { WriteAction } from './action-executor.ts';

export interface Progress {
  readonly attempt: string;
  readonly marks: readonly string[];
}

const directionOf = ({ fallback }: UpgradeStatus): string => (fallback ? 'back' : 'forward');

/** The start of an attempt is not progress: otherwise a client that changes the spec in a loop would get new marks each time. */
export function statusProgress(stored: UpgradeStatus | undefined, next: UpgradeStatus): Progress {
  const attempt = next.attempt?.id ?? '';
  const isStarted = stored?.attempt?.id === next.attempt?.id;
  return { attempt, marks: isStarted ? [`${directionOf(next)} ${next.phase}`] : [] };
}

export function actionProgress(action: WriteAction, status: UpgradeStatus): Progress {
  const direction = directionOf(status);
  const marks = namesOf(action).map((name) => `${direction} ${action.kind} ${name}`);
  return { attempt: status.attempt?.id ?? '', marks };
}

function namesOf(action: WriteAction): string[] {
  switch (action.kind) {
    case 'patchImages':
      return [JSON.stringify([action.images, action.partition])];
    case 'patchPartition':
      return [String(action.partition)];
    case 'setFinalizers':
      return [action.finalizers.join()];
    case 'releaseFields':
      return [''];
    case 'recordResults':
      return action.conditions.map(({ pod, condition }) => `${pod.uid} ${condition.status}`);
    case 'deletePods': {
      // Each place is replaced once. A pod that blocks the rollout, or was created without its gate, may be created again and again.
      const { placeOf } = driverOf(action.workload);
      const replaced = action.reason === 'Replaced' ? action.pods.slice(0, PODS_PER_ACTION) : [];
      return replaced.map((pod) => placeOf(pod));
    }
  }
}
