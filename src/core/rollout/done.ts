/** When a rollout has nothing more to roll, also where pods failed and are left. */
import type { PodState } from '../../api/enums.ts';
import { isObserved } from '../workload/driver.ts';
import { failedPlaces, leftWithoutPod } from './left.ts';
import type { Turn } from './turn.ts';

/** The controller is done. Of pods that failed it never says so: these have to be there, and nothing else to be replaced. */
export function isRolledOut(turn: Turn): boolean {
  const { workload, summary, snapshot, rollout } = turn;
  const failed = failedPlaces(turn).size;
  if (snapshot.updateRevision === undefined || rollout.turn) {
    return false;
  }
  if (failed === 0) {
    return summary.rolledOut;
  }
  return (
    isObserved(workload) &&
    summary.outdated.length === 0 &&
    summary.results.length + turn.aside.length >= summary.desired &&
    workload.available + failed >= summary.desired
  );
}

/** Every wanted pod has its result recorded, and there are as many of them as are wanted. */
export function isSettled(turn: Turn): boolean {
  const { results, desired } = turn.summary;
  const decided = results.filter(({ state, recorded }) => recorded && DECIDED.includes(state)).length;
  return decided === results.length && decided + leftWithoutPod(turn) >= desired;
}

const DECIDED: readonly PodState[] = ['Passed', 'Skipped', 'Failed'];
