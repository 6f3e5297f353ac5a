/**
 * Nodes that nobody can reach, for kinds with one pod a node: they neither pass nor fail an attempt. It waits for them as long as a pod may
 * take, then leaves them and goes on, and finishes them when they come back. A version that takes its nodes down must not go on to the next
 * ones, so nodes that were lost with it hold the others.
 */

import { type ActiveStatus, unlessEmpty } from '../complete-status.ts';
import type { Snapshot } from '../snapshot.ts';
import { latest, toIso } from '../time.ts';
import { driverOf } from '../workload/drivers.ts';
import type { Evaluation } from './evaluation.ts';
import { lastProgressAt, NOTHING_REACHED } from './progress.ts';
import { isServing } from './reach.ts';
import type { Rolling } from './rollout.ts';

/** Nodes that are left, as many as the schema takes. */
const MOST_EXCLUDED = 500;

/** The nodes of the workload that nobody can reach now. */
export const lostNodes = ({ pods, nodeReady }: Snapshot, { workload }: Pick<Rolling, 'workload'>): string[] =>
  driverOf(workload).unreachableNodes(workload, pods, nodeReady).toSorted().slice(0, MOST_EXCLUDED);

/** When nodes that are lost are waited for no longer. */
function leftAt({ upgrade }: Snapshot, status: ActiveStatus, rolledAt: number | undefined): number {
  const { initialDelaySeconds, deadlineSeconds } = upgrade.spec.postCheck;
  return latest(lastProgressAt(status), rolledAt) + (initialDelaySeconds + deadlineSeconds) * 1000;
}

/** The status when nodes are left from now on, or are back. It is stored before anything follows from it. */
export function followLost(
  snapshot: Snapshot,
  { status, rollout }: Rolling,
  { lostNodes: lost, policy }: Pick<Evaluation, 'lostNodes' | 'policy'>,
): ActiveStatus | undefined {
  const known = status.attempt.excludedNodes;
  const isOver = snapshot.now >= leftAt(snapshot, status, rollout.rolledAt);
  const leaves = isOver && policy.leavesLostNodes;
  const next = lost.filter((node) => leaves || known.includes(node));
  if (next.length === known.length && next.every((node) => known.includes(node))) {
    return undefined;
  }
  // Progress counts anew: there are fewer pods to make it with, or more.
  const attempt = { ...status.attempt, progressAt: toIso(snapshot.now), ...NOTHING_REACHED };
  return { ...status, attempt: { ...attempt, excludedNodes: unlessEmpty(next) } };
}

/** When a node that is lost now will be left. */
export function lostUntil(evaluation: Evaluation): number | undefined {
  const { snapshot, status, rollout, policy } = evaluation;
  const known = status.attempt.excludedNodes;
  const isWaitedFor = (node: string) => !known.includes(node);
  const at = leftAt(snapshot, status, rollout.rolledAt);
  return policy.leavesLostNodes && at > snapshot.now && evaluation.lostNodes.some(isWaitedFor)
    ? at
    : undefined;
}

/**
 * May further nodes have the new version? Not while more of those that have it are lost than may be unverified at once, nor while as many are
 * lost as serve it verified.
 */
export function mayGoPastLost({ snapshot, status, summary }: Evaluation, maxParallel: number): boolean {
  const excluded = status.attempt.excludedNodes;
  const hasIt = snapshot.pods.filter(
    ({ node, revision, deleting }) =>
      excluded.includes(node) && (deleting || revision === snapshot.updateRevision),
  );
  const lost = new Set(hasIt.map(({ node }) => node)).size;
  return lost === 0 || (lost <= maxParallel && lost < summary.results.filter(isServing).length);
}
