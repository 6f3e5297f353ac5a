/** When a rollout has no more pods to replace, also if some failed within the budget. */
import type { PodState } from '../../api/enums.ts';
import { isObserved } from '../workload/driver.ts';
import type { Evaluation } from './evaluation.ts';
import { failedPlaces, leftWithoutPod } from './left.ts';

/** The controller is done. With failed pods it never reports that; then all desired pods must exist, and none may be outdated. */
export function isRolledOut(evaluation: Evaluation): boolean {
  const { workload, summary, snapshot, rollout } = evaluation;
  const failed = failedPlaces(evaluation).size;
  if (snapshot.updateRevision === undefined || rollout.templateRevert) {
    return false;
  }
  if (failed === 0) {
    return summary.rolledOut;
  }
  return (
    isObserved(workload) &&
    summary.outdated.length === 0 &&
    summary.results.length + evaluation.rolledBack.length >= summary.desired &&
    workload.available + failed >= Math.min(summary.desired, workload.desired)
  );
}

/** Every pod has its result recorded, and there are as many as desired. */
export function isSettled(evaluation: Evaluation): boolean {
  const { results, desired } = evaluation.summary;
  const decided = results.filter(({ state, recorded }) => recorded && DECIDED.includes(state)).length;
  return decided === results.length && decided + leftWithoutPod(evaluation) >= desired;
}

const DECIDED: readonly PodState[] = ['Passed', 'Skipped', 'Failed'];
