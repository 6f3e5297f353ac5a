/** All pods of one verification together: what is counted, and what is still to be recorded. */
import { VERIFIED } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import { isReason } from '../../api/reasons.ts';
import type { Counts } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Attempt, Status } from '../status.ts';
import { fromIso } from '../time.ts';
import { desiredPods, podsByRevision, rolloutComplete } from '../workload/pods.ts';
import type { VerificationContext } from './context.ts';
import type { PodResult } from './pod-result.ts';
import { PodResults } from './results.ts';

export interface PodSummary {
  /** Live pods of the wanted revision, worst first. */
  readonly results: readonly PodResult[];
  /** Live pods that are to be replaced. */
  readonly outdated: readonly PodView[];
  readonly counts: Counts;
  readonly desired: number;
  /** The workload's own controller says that the rollout is done. */
  readonly rolledOut: boolean;
}

/** Evaluates every wanted pod. One counts as passed or skipped only once its result is recorded on it. */
export function summarizePods(
  snapshot: Snapshot,
  workload: WorkloadView,
  context: VerificationContext,
): PodSummary {
  // A node that has gone for good takes its pod with it, and must not be taken off the wanted pods twice.
  const { attempt } = snapshot.upgrade.status;
  const excluded = attempt
    ? attempt.excludedNodes.filter((node) => snapshot.pods.some((pod) => pod.node === node))
    : [];
  const { updated, outdated } = podsByRevision(snapshot.pods, snapshot.updateRevision, excluded);
  const { records, now, results: known = new PodResults() } = snapshot;
  const results = known.of(updated, { records, now, context });
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

/** No pod could be asked anything, in this version or the one before: readiness alone decided. */
export const hasNoCheckRun = (results: readonly PodResult[]): boolean =>
  results.length > 0 && results.every(({ cause }) => isReason(cause.reason, 'NoCheckRan'));

/** Pods whose result has yet to be written to them: it opens the gate, or says why it stays closed. */
export const unrecorded = ({ results }: Pick<PodSummary, 'results'>): PodResult[] =>
  results.filter(
    ({ state, recorded }) => !recorded && (state === 'Passed' || state === 'Skipped' || state === 'Failed'),
  );

/**
 * Wanted pods that came without the gate although this attempt gates: they slipped past the policy. It leaves alone what ran before, such as
 * the pods of an upgrade that is taken back halfway, and knows nothing of pods that are older than the attempt.
 */
export function ungated(summary: PodSummary, { attempt, from, to }: Status): PodResult[] {
  const isNew = Object.entries(from.images).some(([name, image]) => own(to.images, name) !== image);
  if (!attempt?.gating || !isNew) {
    return [];
  }
  const slipped = summary.results.filter(({ pod }) => !pod.gates.includes(VERIFIED));
  if (broughtRevision(attempt, from.revision, to.revision)) {
    return slipped;
  }
  // Creation times are whole seconds.
  const since = Math.floor(fromIso(attempt.startedAt) / 1000) * 1000;
  return slipped.filter(({ pod }) => pod.createdAt >= since);
}

/**
 * Was there no pod of the wanted revision before the attempt? Then every one is of the attempt, and no clock has to say so: creation times are
 * those of the API server, the start is ours. A retry, and an attempt that overtook another one, may find pods of an earlier one.
 */
const broughtRevision = (
  { trigger, inherited }: Attempt,
  from: string | undefined,
  to: string | undefined,
): boolean => trigger !== 'Retry' && !inherited && from !== undefined && to !== undefined && from !== to;
