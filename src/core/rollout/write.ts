/** Writing a rollout's images, and recording that they stand. */
import { holdsFinalizer } from '../../api/gate.ts';
import type { WorkloadView } from '../../api/views.ts';
import { addFinalizer, mustPutBack } from '../finalizer.ts';
import { imagesToWrite } from '../images.ts';
import type { Decision } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ActiveStatus } from '../status.ts';
import { toIso } from '../time.ts';
import { usersPartition } from './partition.ts';
import { policyOf } from './policy.ts';
import type { Rollout } from './rollout.ts';
import type { Policy } from './turn.ts';

interface Rolling {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
  readonly rollout: Rollout;
}

/** Writes the images, once the gate policy knows of the attempt. */
export function writeImages({ now, upgrade }: Snapshot, { status, rollout, workload }: Rolling): Decision {
  const { startedAt, images, direction, turn } = rollout;
  if (mustPutBack(upgrade, status) && !holdsFinalizer(upgrade) && !upgrade.metadata.deletionTimestamp) {
    return { status, action: addFinalizer(upgrade) };
  }
  const writeAt = startedAt + (turn ? 0 : policyOf(direction).settlesMs(status));
  if (now < writeAt) {
    return { status, wakeAt: writeAt };
  }
  const policy = policyOf(turn ?? direction);
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

/** Nothing is held where somebody took the lever away meanwhile. */
function partitionToWrite(
  { attempt }: ActiveStatus,
  workload: WorkloadView,
  policy: Policy,
): number | undefined {
  const users = usersPartition(workload, attempt);
  return attempt.held && users !== undefined ? policy.partition(users, workload) : undefined;
}

/** Records that the images, or what admission made of them, stand in the template: from now on the rollout's pods are verified. */
export function recordWritten(snapshot: Snapshot, { workload, ...rolling }: Rolling): ActiveStatus {
  const { turn, direction } = rolling.rollout;
  const status = { ...rolling.status, targetGeneration: workload.generation };
  return turn
    ? recordTurn(status, toIso(snapshot.now))
    : policyOf(direction).recordWritten({ snapshot, workload, status });
}

/** The template is turned back, or forward again. */
const recordTurn = ({ turnedBack, ...status }: ActiveStatus, at: string): ActiveStatus => ({
  ...status,
  attempt: { ...status.attempt, progressAt: at },
  turnedBack: turnedBack && turnedBack.returnAt === undefined ? { ...turnedBack, rolledAt: at } : undefined,
});
