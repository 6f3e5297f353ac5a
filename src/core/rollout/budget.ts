/** How many pods may fail, and when the failed ones are evidence against the version as a whole. */
import type { EffectiveSpec } from '../effective-spec.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { driverOf } from '../workload/drivers.ts';
import { podCount } from './amount.ts';
import type { Evaluation } from './evaluation.ts';
import { failedPlaces, MAX_LEFT } from './left.ts';
import { reachOf } from './reach.ts';

/** How many of `desired` pods may fail; a percentage is rounded down. */
export function budgetOf({ strategy, fallback }: EffectiveSpec, desired: number): number {
  const allowed = podCount(strategy.failureBudget.maxFailed, desired, Math.floor);
  return fallback.scope === 'FailedPods' ? Math.min(allowed, MAX_LEFT) : allowed;
}

/** Are the failed pods evidence against the version as a whole? After the end of the attempt nothing is: nobody expects a rollback then. */
export function isRejected(evaluation: Evaluation, isOverdue: boolean): boolean {
  const { summary, status, snapshot, policy } = evaluation;
  const failed = failedPlaces(evaluation).size;
  if (failed === 0 || status.attempt.end) {
    return false;
  }
  const budget = policy.hasBudget ? budgetOf(snapshot.upgrade.spec, summary.desired) : 0;
  return failed > budget || isHopeless(evaluation, failed) || (isOverdue && isHeldUp(evaluation));
}

/** Every pod that may be updated now has failed, so the version is verified nowhere. */
function isHopeless(evaluation: Evaluation, failed: number): boolean {
  const { counts, desired } = evaluation.summary;
  return counts.passed + counts.skipped === 0 && failed >= Math.min(desired, reachOf(evaluation).pods);
}

/** The failed pods use up the workload's `maxUnavailable`, so its controller replaces no further pod. */
function isHeldUp({ workload, summary }: Evaluation): boolean {
  const isDecided = ({ state, recorded }: PodResult) => state === 'Failed' || recorded;
  return driverOf(workload).lever(workload) !== 'deletion' && summary.results.every(isDecided);
}
