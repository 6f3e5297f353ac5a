/** The deadline by which a rollout must make progress, and what its expiry means. */
import type { Cause } from '../cause.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { report } from '../report/pods.ts';
import type { Snapshot } from '../snapshot.ts';
import { hasNoPods, resumedAt } from '../status.ts';
import { fromIso, latest, toIso } from '../time.ts';
import { openCause, type PodResult, worstCause } from '../verification/pod-result.ts';
import type { PodRecord } from '../verification/probe-cycle.ts';
import { timeLimit } from '../verification/schedule.ts';
import type { PodSummary } from '../verification/summary.ts';
import { isReady } from '../workload/pods.ts';
import { isRefusal, refusalOf } from '../workload/refusal.ts';
import { type Evaluation, type Evidence, type Policy, verifiesPods } from './evaluation.ts';
import { endedPod, overlookedPod, repelledPod, terminatingPod } from './missing.ts';

/** What a rollout has reached when it starts. */
export const NOTHING_REACHED = { maxUpdated: 0, maxPassed: 0, passedBefore: undefined } as const;

/**
 * Progress is a new maximum of updated or passed pods; a loop of evictions and replacements is none. The maximum is not compared with what no
 * longer counts: pods that are no longer desired, those of before a scale-up from zero, and those that are all replaced once more. That the
 * controller has observed the template is progress too: it may have been down for long.
 */
export function recordProgress(
  snapshot: Snapshot,
  status: ActiveStatus,
  { counts }: PodSummary,
  policy: Pick<Policy, 'revision'>,
): ActiveStatus {
  const { attempt } = status;
  const most = counts.desired > 0 ? counts.desired : Number.POSITIVE_INFINITY;
  const known = policy.revision(status);
  const isReplaced = isReplacedAnew(snapshot, status, known);
  const isObserved = known === undefined && snapshot.updateRevision !== undefined;
  const isAnew = isReplaced || (hasNoPods(status) && counts.desired > 0);
  const [updated, passed] = isAnew ? [0, 0] : [attempt.maxUpdated, attempt.maxPassed];
  const before = { maxUpdated: Math.min(updated, most), maxPassed: Math.min(passed, most) };
  const maxUpdated = Math.max(before.maxUpdated, Math.min(counts.updated, most));
  const maxPassed = Math.max(before.maxPassed, Math.min(counts.passed + counts.skipped, most));
  const isProgress = isAnew || isObserved || maxUpdated > before.maxUpdated || maxPassed > before.maxPassed;
  if (!isProgress && maxUpdated === attempt.maxUpdated && maxPassed === attempt.maxPassed) {
    return status;
  }
  const progressAt = isProgress ? toIso(snapshot.now) : attempt.progressAt;
  const passedBefore = isReplaced ? attempt.maxPassed : attempt.passedBefore;
  return { ...status, attempt: { ...attempt, maxUpdated, maxPassed, passedBefore, progressAt } };
}

/**
 * The template was changed, as by `kubectl rollout restart`, so that verified pods are replaced once more. Each time more pods must have passed
 * than before: a client that changes the template again and again must not put off the deadline for ever.
 */
function isReplacedAnew(
  { updateRevision }: Snapshot,
  { attempt }: ActiveStatus,
  known: string | undefined,
): boolean {
  const isChanged = known !== undefined && updateRevision !== undefined && updateRevision !== known;
  return isChanged && attempt.maxPassed > (attempt.passedBefore ?? 0);
}

/** When the rollout last made progress, or was resumed. */
export const lastProgressAt = (status: ActiveStatus): number =>
  latest(fromIso(status.attempt.progressAt), resumedAt(status));

/**
 * When the rollout must have made its next progress. A write that was rejected for a long time must not use up the time of the pods, and the
 * controller's own waits are no lack of progress.
 */
export function progressDeadline({ snapshot, workload, status, summary, rollout }: Evaluation): number {
  const since = latest(lastProgressAt(status), rollout.rolledAt);
  const startsAgain = latest(since, lastNodeBackAt(snapshot, summary, since));
  return startsAgain + (snapshot.upgrade.spec.progressDeadlineSeconds + workload.ownWaitSeconds) * 1000;
}

/** When the last of the lost nodes with a pod of the rollout, or one that it is to replace, became Ready again, if later than `since`. */
function lastNodeBackAt(
  { nodeBackAt }: Snapshot,
  { results, outdated }: PodSummary,
  since: number,
): number | undefined {
  if (!nodeBackAt?.values().some((at) => at > since)) {
    return undefined;
  }
  const pods = [...results.map(({ pod }) => pod), ...outdated];
  return latest(since, ...pods.map(({ node }) => nodeBackAt.get(node)));
}

export interface Overdue {
  /** A probe made after the deadline failed, or the API server rejects the pods. */
  readonly hasEvidence: boolean;
  readonly evidence: Evidence;
}

/**
 * No progress until the deadline. Evidence from a pod fails the rollout, missing responses do not. `undefined` before the deadline, and while a
 * pod may still give evidence.
 */
export function findOverdue(evaluation: Evaluation, deadline: number): Overdue | undefined {
  const { snapshot, summary } = evaluation;
  // Without desired pods nothing can be late.
  if (snapshot.now < deadline || summary.desired === 0) {
    return undefined;
  }
  const results = verifiesPods(evaluation) ? summary.results : [];
  const failing = results.find(failsSince(deadline)) ?? lapsedPod(evaluation, results);
  const awaitsProbe = failing === undefined && results.some(isProbeToCome(deadline, snapshot));
  if (awaitsProbe || awaitsStartedLate(evaluation, results, deadline)) {
    return undefined;
  }
  const refused = failing ? undefined : refusedPods(evaluation);
  const cause = failing ? openCause(failing) : (refused ?? withoutEvidence(evaluation));
  return {
    hasEvidence: failing !== undefined || refused !== undefined,
    evidence: {
      cause: { ...cause, idleSeconds: snapshot.upgrade.spec.progressDeadlineSeconds },
      pods: failing ? report([failing]) : [],
    },
  };
}

/**
 * Only a probe made after the deadline counts: an earlier one may date from before its node, or the API server, was lost. A pod that was first
 * probed after the deadline has its own.
 */
const failsSince =
  (deadline: number) =>
  ({ record, state }: PodResult): boolean =>
    state === 'Retrying' &&
    record?.class === 'Retry' &&
    record.startedAt >= deadline &&
    wasProbedBefore(record, deadline);

/** By our own clock: creation times are those of the API server. Without checks, only readiness is known, which has no time of its own. */
const wasProbedBefore = ({ tries }: PodRecord, deadline: number): boolean =>
  tries.length === 0 || tries.some(({ firstAt }) => firstAt < deadline);

/**
 * A verified pod that was not ready for too long. Where pods of the previous version are not ready either, what has become of it says nothing
 * about its version.
 */
const lapsedPod = (
  { snapshot: { now }, summary }: Evaluation,
  results: readonly PodResult[],
): PodResult | undefined =>
  summary.outdated.every(isReady)
    ? results.find(({ lapse }) => lapse?.countsAt !== undefined && lapse.countsAt <= now)
    : undefined;

/** The pod is still to be probed after the deadline, or for the first time. */
const isProbeToCome =
  (deadline: number, { now }: Snapshot) =>
  ({ record, cycleAt }: PodResult): boolean =>
    cycleAt !== undefined && (record ? record.startedAt < deadline : cycleAt <= now);

/** A pod that was started late still has time of its own. That postpones the deadline once: the pods of a loop all have time left. */
function awaitsStartedLate(
  { snapshot: { now, upgrade }, policy }: Evaluation,
  results: readonly PodResult[],
  deadline: number,
): boolean {
  const timeOfPod = timeLimit({ spec: upgrade.spec, deadlineSeconds: policy.deadlineSeconds(upgrade.spec) });
  return (
    now < deadline + timeOfPod &&
    results.some(
      ({ record, deadlineAt }) => record?.class === 'Retry' && deadlineAt !== undefined && deadlineAt > now,
    )
  );
}

/** What holds the rollout up: a pod, or what the controller's status or events say. */
function withoutEvidence({ snapshot, workload, status, summary, rollout: { rolledAt } }: Evaluation): Cause {
  const ofPod = endedPod(snapshot, latest(lastProgressAt(status), rolledAt)) ?? worstCause(summary.results);
  const detail = refusalOf(snapshot, rolledAt);
  const missing = detail
    ? undefined
    : (terminatingPod(snapshot, summary) ?? overlookedPod(snapshot, workload));
  return ofPod ?? missing ?? repelledPod(snapshot, workload, summary) ?? { reason: 'NoProgress', detail };
}

/** The API server rejects every pod of the new version, so the version cannot run here. */
function refusedPods({ snapshot, summary, rollout, policy }: Evaluation): Cause | undefined {
  const detail = refusalOf(snapshot, rollout.rolledAt);
  return policy.refusalIsEvidence && detail && isRefusal(detail) && summary.counts.updated === 0
    ? { reason: 'PodsRefused', detail }
    : undefined;
}
