/** All pods of one verification together: what is counted, and what is still to be recorded. */
import { POD_STATES, type PodState } from '../../api/enums.ts';
import { VERIFIED } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import { isReason } from '../../api/reasons.ts';
import type { Attempt, Counts, UpgradeStatus } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import type { Snapshot } from '../snapshot.ts';
import { fromIso } from '../time.ts';
import { desiredPods, isReady, podsByRevision, rolloutComplete } from '../workload/pods.ts';
import type { VerificationContext } from './context.ts';
import { evaluatePod, type PodResult } from './pod.ts';

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

export const excludedNodes = (attempt: Attempt | undefined): readonly string[] =>
  attempt?.excludedNodes ?? [];

/** Evaluates every wanted pod. One counts as passed or skipped only once its result is recorded on it. */
export function summarizePods(
  snapshot: Snapshot,
  workload: WorkloadView,
  verification: VerificationContext,
): PodSummary {
  // A node that has gone for good takes its pod with it, and must not be taken off the wanted pods twice.
  const excluded = excludedNodes(snapshot.upgrade.status?.attempt).filter((node) =>
    snapshot.pods.some((pod) => pod.node === node),
  );
  const { updated, outdated } = podsByRevision(snapshot.pods, snapshot.updateRevision, excluded);
  const results = updated
    .map((pod) => evaluatePod(pod, snapshot.records.get(pod.uid), verification, snapshot.now))
    .sort(worstFirst);
  const desired = desiredPods(workload, excluded);
  return {
    results,
    outdated,
    desired,
    counts: count(results, desired),
    rolledOut: rolloutComplete(workload, excluded),
  };
}

const RANK = Object.fromEntries(POD_STATES.map((state, rank) => [state, rank])) as Record<PodState, number>;

const worstFirst = (a: PodResult, b: PodResult): number =>
  RANK[a.state] - RANK[b.state] || (a.pod.name < b.pod.name ? -1 : 1);

function count(results: readonly PodResult[], desired: number): Counts {
  const of = (...states: PodState[]) => results.filter(({ state }) => states.includes(state)).length;
  const settled = (state: PodState) => results.filter((pod) => pod.state === state && pod.recorded).length;
  const [passed, skipped] = [settled('Passed'), settled('Skipped')];
  return {
    desired,
    updated: results.length,
    ready: results.filter(({ pod }) => isReady(pod)).length,
    passed,
    skipped,
    failed: of('Failed'),
    inconclusive: of('Inconclusive'),
    retrying: results.length - passed - skipped - of('Failed', 'Inconclusive'),
  };
}

/** No pod could be asked anything, in this version or the one before: readiness alone decided. */
export const isNothingAsked = (results: readonly PodResult[]): boolean =>
  results.length > 0 && results.every(({ cause }) => isReason(cause.reason, 'NothingAsked'));

/** Pods whose result has yet to be written to them: it opens the gate, or says why it stays closed. */
export const unrecorded = (summary: PodSummary): PodResult[] =>
  summary.results.filter(
    ({ state, recorded }) => !recorded && (state === 'Passed' || state === 'Skipped' || state === 'Failed'),
  );

/**
 * Wanted pods that came without the gate although this attempt gates: they slipped past the policy. It leaves alone what ran before, such as
 * the pods of an upgrade that is taken back halfway, and knows nothing of pods that are older than the attempt.
 */
export function ungated(summary: PodSummary, { attempt, from, to }: UpgradeStatus): PodResult[] {
  const isNew = Object.entries(from?.images ?? {}).some(([name, image]) => own(to?.images, name) !== image);
  if (!attempt?.gating || !isNew) {
    return [];
  }
  const slipped = summary.results.filter(({ pod }) => !pod.gates.includes(VERIFIED));
  if (broughtRevision(attempt, from?.revision, to?.revision)) {
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
