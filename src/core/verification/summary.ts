/** All pods of one verification: their counts, and which results are still to be recorded. */
import { own } from '../../api/own.ts';
import { isReason } from '../../api/reasons.ts';
import type { Counts } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import { type ActiveStatus, type Attempt, NOT_COUNTED, type Status } from '../complete-status.ts';
import type { Snapshot } from '../snapshot.ts';
import { fromIso } from '../time.ts';
import { desiredPods, podsByRevision, rolloutComplete } from '../workload/pods.ts';
import type { VerificationContext } from './context.ts';
import type { PodResult } from './pod-result.ts';
import { PodResults } from './results.ts';

export interface PodSummary {
  /** Live pods of the wanted revision, worst first. */
  readonly results: readonly PodResult[];
  /** Live pods of other revisions, which are to be replaced. */
  readonly outdated: readonly PodView[];
  readonly counts: Counts;
  readonly desired: number;
  /** The workload's controller reports that the rollout is complete. */
  readonly rolledOut: boolean;
}

/** Evaluates every pod of the wanted revision. A pod counts as passed or skipped only once its result is recorded on it. */
export function summarizePods(
  snapshot: Snapshot,
  workload: WorkloadView,
  context: VerificationContext,
): PodSummary {
  // An excluded node that no longer has a pod no longer counts in the desired pods either, and must not be subtracted again.
  const { attempt } = snapshot.upgrade.status;
  const excluded = attempt
    ? attempt.excludedNodes.filter((node) => snapshot.pods.some((pod) => pod.node === node))
    : [];
  const { updated, outdated } = podsByRevision(snapshot.pods, snapshot.updateRevision, excluded);
  const { records, now, results: cache = new PodResults() } = snapshot;
  const results = cache.of(updated, { records, now, context });
  const desired = desiredPods(workload, excluded);
  return {
    results,
    outdated,
    desired,
    counts: count(results, desired),
    rolledOut: rolloutComplete(workload, excluded),
  };
}

function count(results: readonly PodResult[], desired: number): Counts {
  let [ready, passed, skipped, failed, inconclusive] = [0, 0, 0, 0, 0];
  for (const { isPodReady, state, recorded } of results) {
    ready += isPodReady ? 1 : 0;
    passed += state === 'Passed' && recorded ? 1 : 0;
    skipped += state === 'Skipped' && recorded ? 1 : 0;
    failed += state === 'Failed' ? 1 : 0;
    inconclusive += state === 'Inconclusive' ? 1 : 0;
  }
  const retrying = results.length - passed - skipped - failed - inconclusive;
  return { desired, updated: results.length, ready, passed, skipped, failed, inconclusive, retrying };
}

/**
 * The counts of an attempt that has ended, of at most as many pods as are desired now: pods that were removed since then are not there to be counted,
 * and those that are created later were not verified.
 */
export function withoutRemovedPods(status: ActiveStatus, workload: WorkloadView): ActiveStatus {
  const { counts } = status;
  const desired = desiredPods(workload, []);
  if (counts === NOT_COUNTED || desired >= counts.desired) {
    return status;
  }
  const updated = Math.min(counts.updated, desired);
  let room = updated;
  const keep = (count: number): number => {
    const kept = Math.min(count, room);
    room -= kept;
    return kept;
  };
  const next: Counts = {
    desired,
    updated,
    ready: Math.min(counts.ready, updated),
    passed: keep(counts.passed),
    skipped: keep(counts.skipped),
    retrying: keep(counts.retrying),
    inconclusive: keep(counts.inconclusive),
    failed: keep(counts.failed),
  };
  return { ...status, counts: next, summary: countedSummary(next) };
}

/** `2/3`, as `kubectl get upgrades` shows it. */
export const countedSummary = (counts: Counts): string =>
  `${ofDesired(counts.passed, counts)}/${counts.desired}`;

/** As many of the desired pods. More may have passed, or be updated: those that a scale-down is still to remove. */
export const ofDesired = (count: number, { desired }: Pick<Counts, 'desired'>): number =>
  Math.min(count, desired);

/** No check ran in any pod, neither in this version nor in the previous one: readiness alone decided. */
export const hasNoCheckRun = (results: readonly PodResult[]): boolean =>
  results.length > 0 && results.every(({ cause }) => isReason(cause.reason, 'NoCheckRan'));

/** Pods whose result is still to be recorded, which opens the gate or says why it stays closed. */
export const unrecorded = ({ results }: Pick<PodSummary, 'results'>): PodResult[] =>
  results.filter(
    ({ state, recorded }) => !recorded && (state === 'Passed' || state === 'Skipped' || state === 'Failed'),
  );

/**
 * Pods of the new version without the gate although this attempt gates: the policy missed them. The policy does not gate pods that run the
 * previous images, such as those of an attempt that goes back to an earlier version, and pods that are older than the attempt.
 */
export function ungated(summary: PodSummary, { attempt, from, to }: Status): PodResult[] {
  const isNew = Object.entries(from.images).some(([name, image]) => own(to.images, name) !== image);
  if (!attempt?.gating || !isNew) {
    return [];
  }
  const missed = summary.results.filter(({ isGated }) => !isGated);
  if (createdRevision(attempt, from.revision, to.revision)) {
    return missed;
  }
  // Creation times are whole seconds.
  const since = Math.floor(fromIso(attempt.startedAt) / 1000) * 1000;
  return missed.filter(({ pod }) => pod.createdAt >= since);
}

/**
 * Whether no pod of the wanted revision existed before the attempt. Then every such pod belongs to it, and creation times, which come from the
 * API server's clock, need not be compared with our own. A retry, and an attempt that superseded another one, may find pods of an earlier attempt.
 */
const createdRevision = (
  { trigger, inherited }: Attempt,
  from: string | undefined,
  to: string | undefined,
): boolean => trigger !== 'Retry' && !inherited && from !== undefined && to !== undefined && from !== to;
