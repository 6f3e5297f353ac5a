/**
 * The partition of a StatefulSet with rolling updates. A partition that the user sets, also during an attempt, is a limit at which the attempt
 * waits. The stages of an attempt move the partition themselves, and every end of the attempt restores the user's.
 */
import type { Attempt } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { ActiveStatus } from '../complete-status.ts';
import type { EffectiveSpec } from '../effective-spec.ts';
import { namedWorkload, type Obstacle } from '../obstacle.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Wait } from '../wait.ts';
import { driverOf } from '../workload/drivers.ts';
import { isLive } from '../workload/pods.ts';

/** The user's partition: the present one, unless an attempt moved it; `undefined` if the workload has none. */
export const userPartition = (workload: WorkloadView, { held }: Pick<Attempt, 'held'>): number | undefined =>
  driverOf(workload).userPartition(workload, held?.partition);

/** The original values of what the attempt changes in the workload; `before` are those that are already recorded. */
export function heldOf(
  spec: EffectiveSpec,
  workload: WorkloadView,
  before: Attempt['held'],
): Attempt['held'] {
  const partition = userPartition(workload, { held: before });
  const isMoved = before !== undefined || spec.stages.length > 0;
  return isMoved && partition !== undefined ? { partition } : undefined;
}

/** Records another partition that the user set during the attempt, before ours overwrites it. */
export function followPartition(
  { upgrade }: Snapshot,
  { workload, status }: { readonly workload: WorkloadView; readonly status: ActiveStatus },
): ActiveStatus | undefined {
  const { attempt } = status;
  const held = heldOf(upgrade.spec, workload, attempt.held);
  return attempt.adopted || attempt.end || !held || held.partition === attempt.held?.partition
    ? undefined
    : { ...status, attempt: { ...attempt, held } };
}

/** How many of `desired` pods the user's partition allows an attempt to update; `undefined` if it excludes none. */
export function partitionLimit(
  workload: WorkloadView,
  attempt: Pick<Attempt, 'held'>,
  desired: number,
): number | undefined {
  const partition = userPartition(workload, attempt);
  return partition ? Math.max(0, desired - partition) : undefined;
}

/** A wait until the user lowers the partition. */
export function partitionWait(workload: WorkloadView, attempt: Pick<Attempt, 'held'>): Wait | undefined {
  const partition = userPartition(workload, attempt);
  return partition === undefined ? undefined : { reason: 'PartitionSet', partition };
}

/** The attempt waits at the user's partition; meanwhile verified pods are still probed. */
export const isAtPartition = ({ waiting }: Pick<ActiveStatus, 'waiting'>): boolean =>
  waiting?.reason === 'PartitionSet';

/** The user's partition keeps the controller from replacing pods of the failed version during a fallback. */
export function partitionObstacle(
  { pods }: Snapshot,
  workload: WorkloadView,
  { attempt, to }: ActiveStatus,
): Obstacle | undefined {
  const partition = userPartition(workload, attempt);
  if (partition === undefined) {
    return undefined;
  }
  const kept = pods
    .filter((pod) => isLive(pod) && pod.revision === to.revision)
    .map((pod) => driverOf(workload).positionOf(workload, pod))
    .filter((position) => position < partition);
  return kept.length > 0
    ? { reason: 'PartitionSet', workload: namedWorkload(workload), partition, kept }
    : undefined;
}
