/** Writes the images of a rollout, and records that they were written. */
import { holdsFinalizer } from '../../api/gate.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { addFinalizer, mustRestore } from '../finalizer.ts';
import { imagesToWrite } from '../images.ts';
import type { Decision } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import { toIso } from '../time.ts';
import type { Policy } from './evaluation.ts';
import { userPartition } from './partition.ts';
import { policyOf } from './policy.ts';
import type { Rollout } from './rollout.ts';

interface Rolling {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly rollout: Rollout;
}

/** Writes the images once the gate policy has observed the attempt. */
export function writeImages({ now, upgrade }: Snapshot, { status, rollout, workload }: Rolling): Decision {
  const { startedAt, images, direction, templateRevert } = rollout;
  if (mustRestore(upgrade, status) && !holdsFinalizer(upgrade) && !upgrade.metadata.deletionTimestamp) {
    return { status, action: addFinalizer(upgrade) };
  }
  const writeAt = startedAt + (templateRevert ? 0 : policyOf(direction).settlesMs(status));
  if (now < writeAt) {
    return { status, wakeAt: writeAt };
  }
  const policy = policyOf(templateRevert ?? direction);
  return {
    status,
    action: {
      kind: 'patchImages',
      workload,
      images: imagesToWrite(workload, images),
      partition: partitionToWrite(status, workload, policy),
      evidenceAt: policy.restores ? startedAt : undefined,
    },
  };
}

/** Nothing to write if the workload has no partition any more. */
function partitionToWrite(
  { attempt }: ActiveStatus,
  workload: WorkloadView,
  policy: Policy,
): number | undefined {
  const partition = userPartition(workload, attempt);
  return attempt.held && partition !== undefined ? policy.partition(partition, workload) : undefined;
}

/** Records that the template has the images, or what admission made of them. From then on the rollout's pods are verified. */
export function recordWritten(snapshot: Snapshot, { workload, ...rolling }: Rolling): ActiveStatus {
  const { templateRevert, direction } = rolling.rollout;
  const status = { ...rolling.status, targetGeneration: workload.generation };
  return templateRevert
    ? recordRevert(status, toIso(snapshot.now))
    : policyOf(direction).recordWritten({ snapshot, workload, status });
}

/** The template has the previous images, or the wanted ones again. */
const recordRevert = ({ turnedBack, ...status }: ActiveStatus, at: string): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, progressAt: at },
  turnedBack: turnedBack && turnedBack.returnAt === undefined ? { ...turnedBack, rolledAt: at } : undefined,
});
