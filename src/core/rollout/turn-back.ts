/**
 * Putting back exactly the pods that failed (`fallback.scope: FailedPods`). The pod template decides what a new pod runs, so it is turned back,
 * the pods that failed are deleted, what replaces them is verified, and the template is turned forward again for the rest. Each step is in the
 * status before its write; pods of others that are made meanwhile are judged as what they are, and replaced in their turn.
 */
import type { LeftEntry } from '../../api/types.ts';
import { type Action, NO_ACTION } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import { toIso } from '../time.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { isObserved } from '../workload/driver.ts';
import { driverOf } from '../workload/drivers.ts';
import { isReady } from '../workload/pods.ts';
import { podCount } from './amount.ts';
import { imagesToRestore } from './attempt.ts';
import { placeOf } from './left.ts';
import { progressDeadline } from './progress.ts';
import type { Turn } from './turn.ts';

/** The snapshot as the attempt sees it: while the template is turned back, the pods to verify are still those of the new version. */
export const seenBy = (snapshot: Snapshot, { turnedBack, to }: ActiveStatus): Snapshot =>
  turnedBack ? { ...snapshot, updateRevision: to.revision } : snapshot;

/**
 * Pods of the new version that failed, are left, and can be replaced: on a lost node a pod would neither go nor come. That they failed is on the
 * pods first, so that a fresh process does not take them for pods that are yet to be decided.
 */
function toPutBack(turn: Turn): PodResult[] {
  const places = new Set(turn.status.left.map(({ name }) => name));
  return turn.summary.results.filter(
    ({ state, recorded, pod }) =>
      state === 'Failed' && recorded && places.has(placeOf(turn, pod)) && turn.snapshot.nodeReady(pod.node),
  );
}

/** The status with the next turn of the template recorded, if it is time for one. */
export function turnTemplate(turn: Turn): ActiveStatus | undefined {
  const { status, snapshot } = turn;
  const { turnedBack } = status;
  if (!turnedBack) {
    return beginTurn(turn);
  }
  return isOver(turn)
    ? { ...status, turnedBack: { ...turnedBack, returnAt: toIso(snapshot.now) } }
    : undefined;
}

function beginTurn(turn: Turn): ActiveStatus | undefined {
  const { status, snapshot, workload, policy } = turn;
  const { spec, metadata } = snapshot.upgrade;
  const isWanted = policy.hasBudget && spec.fallback.scope === 'FailedPods' && !metadata.deletionTimestamp;
  if (!isWanted || status.attempt.adopted || driverOf(workload).lever(workload) !== 'deletion') {
    return undefined;
  }
  const images = imagesToRestore(status, workload);
  if (toPutBack(turn).length === 0 || Object.keys(images).length === 0) {
    return undefined;
  }
  const at = toIso(snapshot.now);
  return {
    ...status,
    attempt: { ...status.attempt, progressAt: at },
    turnedBack: { images, startedAt: at },
  };
}

/** Every pod that failed is put back and verified, or what it came to is known; what does not come is not waited for without end. */
function isOver(turn: Turn): boolean {
  const { status, snapshot } = turn;
  const isWaitedFor = ({ name, state }: LeftEntry) => state === 'Failed' && isUnderWay(turn, name);
  return !status.left.some(isWaitedFor) || snapshot.now >= progressDeadline(turn);
}

/** A pod there is to be replaced, is being replaced, or is to be verified in the version before. */
function isUnderWay(turn: Turn, place: string): boolean {
  const result = turn.summary.results.find(({ pod }) => placeOf(turn, pod) === place);
  return result === undefined || toPutBack(turn).includes(result);
}

/** Deletes the pods that failed: at once where they serve nobody, else within `fallback.maxParallel`. */
export function putBack(turn: Turn): Action {
  const { snapshot, workload, summary, status, rollout } = turn;
  // A controller that has not seen the template would make the same pod again.
  if (!rollout.turn || !isObserved(workload)) {
    return NO_ACTION;
  }
  const { maxParallel } = snapshot.upgrade.spec.fallback;
  const most = Math.max(1, podCount(maxParallel, summary.desired));
  const failed = toPutBack(turn).map(({ pod }) => pod);
  const open = status.left.filter(({ state }) => state === 'Failed').length;
  const unready = failed.filter((pod) => !isReady(pod));
  const room = Math.max(0, most - (open - failed.length) - unready.length);
  const pods = [...unready, ...failed.filter(isReady).slice(0, room)];
  return pods.length > 0 ? { kind: 'deletePods', workload, pods, reason: 'Replaced' } : NO_ACTION;
}
