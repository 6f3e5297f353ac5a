/** The deadline by which a rollout must make progress, and what its expiry means. */
import type { Cause } from '../cause.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { report } from '../report/pods.ts';
import type { Snapshot } from '../snapshot.ts';
import { hasNoPods, resumedAt } from '../status.ts';
import { fromIso, latest, toIso } from '../time.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { PodRecord } from '../verification/probe-cycle.ts';
import type { PodSummary } from '../verification/summary.ts';
import { isRefusal, refusalOf } from '../workload/refusal.ts';
import { type Evaluation, type Evidence, verifiesPods } from './evaluation.ts';
import { endedPod, terminatingPod } from './missing.ts';

/**
 * Progress is a new maximum of updated or passed pods; a loop of evictions and replacements is none. When a workload is scaled up from zero,
 * its time starts then.
 */
export function recordProgress(
  { now }: Snapshot,
  status: ActiveStatus,
  { counts }: PodSummary,
): ActiveStatus {
  const { attempt } = status;
  const maxUpdated = Math.max(counts.updated, attempt.maxUpdated);
  const maxPassed = Math.max(counts.passed + counts.skipped, attempt.maxPassed);
  const isScaledUp = hasNoPods(status) && counts.desired > 0;
  return maxUpdated === attempt.maxUpdated && maxPassed === attempt.maxPassed && !isScaledUp
    ? status
    : { ...status, attempt: { ...attempt, maxUpdated, maxPassed, progressAt: toIso(now) } };
}

/** When the rollout last made progress, or was resumed. */
export const lastProgressAt = (status: ActiveStatus): number =>
  latest(fromIso(status.attempt.progressAt), resumedAt(status));

/**
 * When the rollout must have made its next progress. A write that was rejected for a long time must not use up the time of the pods, and the
 * controller's own waits are no lack of progress.
 */
export function progressDeadline({ snapshot, workload, status, summary, rollout }: Evaluation): number {
  const since = latest(lastProgressAt(status), rollout.rolledAt, lastNodeBackAt(snapshot, summary));
  return since + (snapshot.upgrade.spec.progressDeadlineSeconds + workload.ownWaitSeconds) * 1000;
}

/** When the last of the lost nodes with a pod of the rollout became Ready again. */
function lastNodeBackAt({ nodeBackAt }: Snapshot, { results }: PodSummary): number | undefined {
  if (!nodeBackAt || nodeBackAt.size === 0) {
    return undefined;
  }
  const nodes = new Set(results.map(({ pod }) => pod.node));
  return latest(0, ...[...nodeBackAt].filter(([node]) => nodes.has(node)).map(([, at]) => at));
}

export interface Overdue {
  /** A probe made after the deadline failed, or the API server rejects the pods. */
  readonly hasEvidence: boolean;
  readonly evidence: Evidence;
}

/**
 * No progress until the deadline. Evidence from a pod fails the rollout, missing responses do not. Only a probe made after the deadline
 * counts: an earlier one may date from before its node, or the API server, was lost. A pod that was first probed after the deadline has its own.
 * `undefined` before the deadline, and while such a probe is still to come.
 */
export function findOverdue(evaluation: Evaluation, deadline: number): Overdue | undefined {
  const { snapshot, summary } = evaluation;
  // Without desired pods nothing can be late.
  if (snapshot.now < deadline || summary.desired === 0) {
    return undefined;
  }
  const results = verifiesPods(evaluation) ? summary.results : [];
  const failing = results.find(
    ({ record, state }) =>
      state === 'Retrying' &&
      record?.class === 'Retry' &&
      record.startedAt >= deadline &&
      wasProbedBefore(record, deadline),
  );
  const isComing = ({ record, cycleAt }: PodResult) =>
    cycleAt !== undefined && (record ? record.startedAt < deadline : cycleAt <= snapshot.now);
  if (!failing && results.some(isComing)) {
    return undefined;
  }
  const refused = failing ? undefined : refusedPods(evaluation);
  const cause = failing?.cause ?? refused ?? withoutEvidence(evaluation);
  return {
    hasEvidence: failing !== undefined || refused !== undefined,
    evidence: {
      cause: { ...cause, idleSeconds: snapshot.upgrade.spec.progressDeadlineSeconds },
      pods: failing ? report([failing]) : [],
    },
  };
}

/** By our own clock: creation times are those of the API server. Without checks, only readiness is known, which has no time of its own. */
const wasProbedBefore = ({ tries }: PodRecord, deadline: number): boolean =>
  tries.length === 0 || tries.some(({ firstAt }) => firstAt < deadline);

/** What holds the rollout up: a pod, or what the controller's status or events say. */
function withoutEvidence({ snapshot, status, summary, rollout: { rolledAt } }: Evaluation): Cause {
  const worst = summary.results.find(({ state }) => state !== 'Passed' && state !== 'Skipped');
  const ofPod = endedPod(snapshot, latest(lastProgressAt(status), rolledAt)) ?? worst?.cause;
  const detail = refusalOf(snapshot, rolledAt);
  const terminating = detail ? undefined : terminatingPod(snapshot, summary);
  return ofPod ?? terminating ?? { reason: 'NoProgress', detail };
}

/** The API server rejects every pod of the new version, so the version cannot run here. */
function refusedPods({ snapshot, summary, rollout, policy }: Evaluation): Cause | undefined {
  const detail = refusalOf(snapshot, rollout.rolledAt);
  return policy.refusalIsEvidence && detail && isRefusal(detail) && summary.counts.updated === 0
    ? { reason: 'PodsRefused', detail }
    : undefined;
}
