/**
 * The partition of a StatefulSet that rolls by itself. What the user sets is a limit of theirs, at which an attempt waits, also when they set it
 * on the way; what the stages of an attempt set is ours, and what the user wants is put back at every end.
 */
import type { Attempt } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { EffectiveSpec } from '../effective-spec.ts';
import { namedWorkload, type Obstacle } from '../obstacle.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import type { Wait } from '../wait.ts';
import { driverOf } from '../workload/drivers.ts';
import { isLive } from '../workload/pods.ts';
import { ordinalOf } from '../workload/stateful-set.ts';

/** The partition that the user wants: the one that stands, unless an attempt moved it; `undefined` where there is none. */
export function usersPartition(workload: WorkloadView, { held }: Pick<Attempt, 'held'>): number | undefined {
  const driver = driverOf(workload);
  const stands = driver.partition(workload);
  return stands === undefined || !held || driver.othersSetPartition(workload) ? stands : held.partition;
}

/** What an attempt will move in the workload, as the user wants it. */
export function heldOf(spec: EffectiveSpec, workload: WorkloadView, known: Attempt['held']): Attempt['held'] {
  const partition = usersPartition(workload, { held: known });
  const isMoved = known !== undefined || spec.stages.length > 0;
  return isMoved && partition !== undefined ? { partition } : undefined;
}

/** The status when the user has set another partition in the middle of the attempt: theirs is recorded before ours is written over it. */
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

/** How many of `desired` pods the user's partition lets an attempt reach; `undefined` where none keeps any. */
export function partitionLimit(
  workload: WorkloadView,
  attempt: Pick<Attempt, 'held'>,
  desired: number,
): number | undefined {
  const partition = usersPartition(workload, attempt);
  return partition ? Math.max(0, desired - partition) : undefined;
}

/** For the user to lower it. */
export function partitionWait(workload: WorkloadView, attempt: Pick<Attempt, 'held'>): Wait | undefined {
  const partition = usersPartition(workload, attempt);
  return partition === undefined ? undefined : { reason: 'PartitionSet', partition };
}

/** Verified pods are probed further meanwhile. */
export const isAtPartition = ({ waiting }: Pick<ActiveStatus, 'waiting'>): boolean =>
  waiting?.reason === 'PartitionSet';

/** A fallback whose controller the user's partition keeps from replacing pods of the version that failed. */
export function partitionObstacle(
  { pods }: Snapshot,
  workload: WorkloadView,
  { attempt, to }: ActiveStatus,
): Obstacle | undefined {
  const partition = usersPartition(workload, attempt);
  if (partition === undefined) {
    return undefined;
  }
  const kept = pods
    .filter((pod) => isLive(pod) && pod.revision === to.revision && ordinalOf(pod) < partition)
    .map(ordinalOf);
  return kept.length > 0
    ? { reason: 'PartitionSet', workload: namedWorkload(workload), partition, kept }
    : undefined;
}
