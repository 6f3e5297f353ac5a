/** How many pods may fail, and when those that did speak against the version as a whole. */
import type { EffectiveSpec } from '../effective-spec.ts';
import type { PodResult } from '../verification/pod-result.ts';
import { driverOf } from '../workload/drivers.ts';
import { podCount } from './amount.ts';
import { failedPlaces, MOST_LEFT } from './left.ts';
import { reachOf } from './reach.ts';
import type { Turn } from './turn.ts';

/** How many of `desired` pods may fail; rounded down, as nobody means more than they say. */
export function budgetOf({ strategy, fallback }: EffectiveSpec, desired: number): number {
  const most = podCount(strategy.failureBudget.maxFailed, desired, Math.floor);
  return fallback.scope === 'FailedPods' ? Math.min(most, MOST_LEFT) : most;
}

/** Do the pods that failed speak against the version as a whole? After the end nothing does any more: nobody expects it to go back then. */
export function isRejected(turn: Turn, isLate: boolean): boolean {
  const { summary, status, snapshot, policy } = turn;
  const failed = failedPlaces(turn).size;
  if (failed === 0 || status.attempt.end) {
    return false;
  }
  const budget = policy.hasBudget ? budgetOf(snapshot.upgrade.spec, summary.desired) : 0;
  return failed > budget || isHopeless(turn, failed) || (isLate && isHeldUp(turn));
}

/** All that may be tried has failed: the version is verified nowhere. */
function isHopeless(turn: Turn, failed: number): boolean {
  const { counts, desired } = turn.summary;
  return counts.passed + counts.skipped === 0 && failed >= Math.min(desired, reachOf(turn).pods);
}

/** Pods that failed take the room that the controller has for unavailable ones, so it replaces no further pod. */
function isHeldUp({ workload, summary }: Turn): boolean {
  const isDecided = ({ state, recorded }: PodResult) => state === 'Failed' || recorded;
  return driverOf(workload).lever(workload) !== 'deletion' && summary.results.every(isDecided);
}
