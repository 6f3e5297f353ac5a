/** The context that the pods of a rollout are evaluated in. */

import type { ActiveStatus } from '../complete-status.ts';
import type { Snapshot } from '../snapshot.ts';
import { resumedAt, verificationId } from '../status.ts';
import { earliest, fromIso } from '../time.ts';
import type { VerificationContext } from '../verification/context.ts';
import { isAtPartition } from './partition.ts';
import { policyFor, policyOf } from './policy.ts';
import { isSoaking, type Stages, stagesFor } from './stages.ts';

export function verificationContext(
  snapshot: Snapshot,
  status: ActiveStatus,
  stages: Stages = stagesFor(policyFor(status), snapshot.upgrade.spec, status),
): VerificationContext {
  const { spec } = snapshot.upgrade;
  const policy = policyFor(status);
  return {
    id: verificationId(snapshot.upgrade, status),
    kept: keptVerifications(snapshot, status),
    spec,
    inFallback: policy.inFallback,
    startedAt: fromIso(policy.recorded(status).startedAt),
    // While suspended the clocks do not run, so the full time is always left.
    isPaused: status.paused.since !== undefined,
    resumedAt: status.paused.since ? snapshot.now : resumedAt(status),
    deadlineSeconds: policy.deadlineSeconds(spec),
    nodeReady: snapshot.nodeReady,
    nodeBackAt: snapshot.nodeBackAt,
    waitingSince: snapshot.waitingSince,
    warningOf: (uid) => snapshot.eventsSeen?.(uid)?.warning,
    isSoaking: isSoaking(stages) || isAtPartition(status),
    images: policy.images(status),
    revisionCreatedAt: revisionCreatedAt(snapshot, status),
    templateMounts: templateMounts(snapshot),
    template: snapshot.workload ? snapshot.workload.containers.map(({ name }) => name) : [],
    baseline: status.from.baseline,
    restartsBefore: restartsBefore(snapshot, status),
  };
}

/** Verifications of earlier attempts that this one continues; a fallback continues none. */
const keptVerifications = ({ upgrade }: Snapshot, status: ActiveStatus): readonly string[] =>
  policyFor(status).keepsVerified
    ? status.attempt.keeps.map((id) =>
        verificationId(upgrade, { ...status, attempt: { ...status.attempt, id } }),
      )
    : [];

/** The context for pods that were rolled back during an attempt: they are evaluated like those of a fallback. */
export const rolledBackContext = (snapshot: Snapshot, status: ActiveStatus): VerificationContext => ({
  ...verificationContext(snapshot, status),
  id: verificationId(snapshot.upgrade, status, 'Back'),
  kept: [],
  images: policyOf('Back').images(status),
  revisionCreatedAt: undefined,
  templateMounts: undefined,
  inFallback: policyOf('Back').inFallback,
  deadlineSeconds: policyOf('Back').deadlineSeconds(snapshot.upgrade.spec),
  isSoaking: false,
  restartsBefore: () => 0,
});

/**
 * The controller creates a revision before the pods of it. Where the workload had the images before the attempt, its revisions may have been
 * created anew for pods that ran already, as after the restore of a backup, or after a revision was deleted without its pods. During the attempt,
 * one that was deleted is created anew too; the first one already existed soon after the images were written.
 */
function revisionCreatedAt(
  { updateRevision, updateRevisionCreatedAt: createdAt }: Snapshot,
  status: ActiveStatus,
): number | undefined {
  const isOurs =
    policyFor(status).makesRevision && !hadImages(status) && updateRevision !== status.from.revision;
  const { rolledAt } = status.attempt;
  const writtenAt = rolledAt === undefined ? undefined : fromIso(rolledAt);
  return isOurs && createdAt !== undefined ? earliest([createdAt, writtenAt]) : undefined;
}

/** Whether the workload had the images before the attempt: it was adopted, or created anew with the version of an attempt before. */
const hadImages = ({ attempt: { adopted, inherited, trigger } }: ActiveStatus): boolean =>
  adopted || (inherited === true && trigger === 'TargetReplaced');

const templateMounts = ({ workload }: Snapshot): VerificationContext['templateMounts'] =>
  workload &&
  Object.fromEntries(workload.containers.flatMap(({ name, mounts }) => (mounts ? [[name, mounts]] : [])));

/** All restarts count for pods of a revision that this attempt created. For other pods, restarts from before the verification do not. */
function restartsBefore(
  { upgrade, updateRevision, restartsSeen }: Snapshot,
  status: ActiveStatus,
): VerificationContext['restartsBefore'] {
  const id = verificationId(upgrade, status);
  const isOurs =
    policyFor(status).makesRevision &&
    !hadImages(status) &&
    status.attempt.trigger !== 'Retry' &&
    updateRevision !== status.from.revision;
  return (pod, container) => {
    const seen = isOurs ? undefined : restartsSeen?.get(pod.uid);
    return seen?.verification === id ? (seen.restarts.get(container) ?? 0) : 0;
  };
}
