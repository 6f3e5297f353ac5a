/** By when a rollout has to have made its next progress, and what a rollout that has made none comes to. */
import type { Cause } from '../cause.ts';
import { report } from '../report/pods.ts';
import type { Snapshot } from '../snapshot.ts';
import { type ActiveStatus, hasNoPods, resumedAt } from '../status.ts';
import { fromIso, latest, toIso } from '../time.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { PodSummary } from '../verification/summary.ts';
import { isRefusal, refusalOf } from '../workload/refusal.ts';
import { type Evidence, type Turn, verifiesPods } from './turn.ts';

/**
 * Progress is a new maximum of updated or passed pods: an evict-and-recreate loop is none. Where no pods were wanted and now some are, the
 * time begins with them.
 */
export function recordProgress(
  { now }: Snapshot,
  status: ActiveStatus,
  { counts }: PodSummary,
): ActiveStatus {
  const { attempt } = status;
  const maxUpdated = Math.max(counts.updated, attempt.maxUpdated);
  const maxPassed = Math.max(counts.passed + counts.skipped, attempt.maxPassed);
  const comesBack = hasNoPods(status) && counts.desired > 0;
  return maxUpdated === attempt.maxUpdated && maxPassed === attempt.maxPassed && !comesBack
    ? status
    : { ...status, attempt: { ...attempt, maxUpdated, maxPassed, progressAt: toIso(now) } };
}

/**
 * When the rollout has to have made its next progress. A write that was refused for long must not use up the time of the pods, and what the
 * controller waits for by itself is no lack of progress.
 */
export function progressDeadline({ snapshot, workload, status, summary, rollout }: Turn): number {
  const since = latest(
    fromIso(status.attempt.progressAt),
    rollout.rolledAt,
    resumedAt(status),
    lastNodeBackAt(snapshot, summary),
  );
  return since + (snapshot.upgrade.spec.progressDeadlineSeconds + workload.ownWaitSeconds) * 1000;
}

/** When the last node came back that has a pod of the rollout. */
function lastNodeBackAt({ nodeBackAt }: Snapshot, { results }: PodSummary): number | undefined {
  if (!nodeBackAt || nodeBackAt.size === 0) {
    return undefined;
  }
  const nodes = new Set(results.map(({ pod }) => pod.node));
  return latest(0, ...[...nodeBackAt].filter(([node]) => nodes.has(node)).map(([, at]) => at));
}

export interface Overdue {
  /** A pod said so itself, by a probe made since the deadline. */
  readonly against: boolean;
  readonly evidence: Evidence;
}

/**
 * No progress until the deadline: evidence of a pod's own fails the rollout, silence does not. Only a probe made since then counts; one
 * that was made before may be as old as the loss of its node, or of the API server. `undefined` while there is time, or while such a
 * probe is on its way.
 */
export function overdue(turn: Turn, deadline: number): Overdue | undefined {
  const { snapshot, summary } = turn;
  // Where no pods are wanted, none is late.
  if (snapshot.now < deadline || summary.desired === 0) {
    return undefined;
  }
  const results = verifiesPods(turn) ? summary.results : [];
  const against = results.find(
    ({ record, state }) => state === 'Retrying' && record?.class === 'Retry' && record.startedAt >= deadline,
  );
  const isComing = ({ record, cycleAt }: PodResult) =>
    cycleAt !== undefined && (record ? record.startedAt < deadline : cycleAt <= snapshot.now);
  if (!against && results.some(isComing)) {
    return undefined;
  }
  const refused = against ? undefined : refusedPods(turn);
  const worst = summary.results.find(({ state }) => state !== 'Passed' && state !== 'Skipped');
  const cause = refused ?? (against ?? worst)?.cause ?? noProgress(turn);
  return {
    against: against !== undefined || refused !== undefined,
    evidence: {
      cause: { ...cause, idleSeconds: snapshot.upgrade.spec.progressDeadlineSeconds },
      pods: against ? report([against]) : [],
    },
  };
}

/** No pod has anything to say: what is known of the controller's own trouble. */
function noProgress({ snapshot, rollout }: Turn): Cause {
  return { reason: 'NoProgress', detail: refusalOf(snapshot, rollout.rolledAt) };
}

/** The API server lets the controller make no pod of the new version, and it says why: it cannot run here. */
function refusedPods({ snapshot, summary, rollout, policy }: Turn): Cause | undefined {
  const detail = refusalOf(snapshot, rollout.rolledAt);
  return policy.refusalIsEvidence && detail && isRefusal(detail) && summary.counts.updated === 0
    ? { reason: 'PodsRefused', detail }
    : undefined;
}
