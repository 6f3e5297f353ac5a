/** What differs between an attempt, which rolls forward, and its fallback, which rolls back. Both share rollout.ts and verify.ts. */
import { isReason } from '../../api/reasons.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { type Direction, directionOf, isBeforeRollout } from '../status.ts';
import { hasPassed } from '../verification/pod-result.ts';
import { unrecorded } from '../verification/summary.ts';
import type { WitnessedImages } from '../verification/witness.ts';
import { driverOf } from '../workload/drivers.ts';
import { attemptObstacle } from '../workload/obstacles.ts';
import { isNetworkLost } from '../workload/pods.ts';
import { unobservedAt } from '../workload/refusal.ts';
import {
  closeGates,
  explainFailures,
  recordRolledBack,
  releaseOurFields,
  replaceMissedGate,
  unblock,
} from './actions.ts';
import { advance, movePartition, recordOrAdvance } from './advance.ts';
import { endPartial, rejectVersion, succeed } from './attempt.ts';
import type { Evaluation, Policy } from './evaluation.ts';
import { finishFallback, giveUpFallback } from './fallback.ts';
import { partitionObstacle } from './partition.ts';
import { rewrittenInFallback } from './rewritten.ts';
import { rollBackPods } from './template-revert.ts';
import { readWarning } from './warnings.ts';
import { recordRestored, recordRolled } from './written.ts';

/** The gate policy observes a new attempt a few milliseconds later than we do: without this delay 3 of 200 pods were created without the gate, with it none. */
const GATE_SETTLES_MS = 100;

const previousImages = ({ from, to, fallback }: ActiveStatus): WitnessedImages => ({
  wanted: { ...from.images, ...fallback?.images },
  other: to.images,
});

const forward: Policy = {
  recorded: ({ attempt }) => attempt,
  obstacle: ({ upgrade }, workload) => attemptObstacle(upgrade.spec, workload),
  isInterruptible: true,
  isRecordedAgain: true,
  takesBaseline: true,
  needsRestore: ({ fallback }) => fallback.action !== 'None',
  settlesMs: ({ attempt }) => (attempt.gating ? GATE_SETTLES_MS : 0),
  // No pod is replaced before the first stage starts.
  partition: (userPartition, { desired }) => Math.max(userPartition, desired),
  followsPartition: true,
  restores: false,
  acceptsRewrites: true,
  rewritten: () => ({}),
  recordWritten: recordRolled,
  images: (status) =>
    isBeforeRollout(status)
      ? previousImages(status)
      : { wanted: status.to.images, other: status.from.images },
  inFallback: false,
  keepsVerified: true,
  makesRevision: true,
  deadlineSeconds: ({ postCheck }) => postCheck.deadlineSeconds,
  verifies: () => true,
  phases: { rolling: 'Upgrading', checking: 'PostChecking' },
  inconclusive: 'Inconclusive',
  leavesLostNodes: true,
  hasBudget: true,
  isStaged: true,
  maxParallel: ({ strategy }, { present }) => (present?.stage ?? strategy).maxParallel,
  replacesUnready: false,
  sparesPrevious: true,
  unblocksBeforeFailing: false,
  refusalIsEvidence: true,
  actions: [
    closeGates,
    recordOrAdvance,
    recordRolledBack,
    rollBackPods,
    unblock,
    movePartition,
    advance,
    replaceMissedGate,
    releaseOurFields,
    explainFailures,
    readWarning,
  ],
  revision: ({ to }) => to.revision,
  follow: (status, revision) => (revision ? { ...status, to: { ...status.to, revision } } : status),
  onDone: (evaluation) => (evaluation.status.left.length > 0 ? endPartial(evaluation) : succeed(evaluation)),
  // Pods that are created later get this version unverified, so the attempt has to go on and gate them.
  onNoPods: () => undefined,
  onEvidence: ({ snapshot, workload, status }, evidence) =>
    rejectVersion(snapshot, workload, status, evidence),
  // The deadline of a pod that its node ends never comes, so onInconclusive applies to the attempt as a whole.
  onSilence: ({ snapshot, workload, status }, evidence) =>
    isReason(evidence.cause.reason, 'PodEnded') &&
    snapshot.upgrade.spec.postCheck.onInconclusive === 'Fallback'
      ? rejectVersion(snapshot, workload, status, evidence)
      : undefined,
};

const back: Policy = {
  recorded: ({ fallback, attempt }) => fallback ?? attempt,
  obstacle: (snapshot, workload, status) =>
    driverOf(workload).obstacle(workload) ?? partitionObstacle(snapshot, workload, status),
  isInterruptible: false,
  isRecordedAgain: false,
  takesBaseline: false,
  needsRestore: () => true,
  settlesMs: () => 0,
  // All pods that the user's partition allows are replaced at once.
  partition: (userPartition) => userPartition,
  followsPartition: false,
  restores: true,
  // Our own write of the failed images may still be in the template.
  acceptsRewrites: false,
  rewritten: rewrittenInFallback,
  recordWritten: recordRestored,
  images: previousImages,
  inFallback: true,
  keepsVerified: false,
  makesRevision: false,
  deadlineSeconds: ({ fallback }) => fallback.deadlineSeconds,
  verifies: ({ fallback }) => fallback.verify,
  phases: { rolling: 'FallingBack', checking: 'FallbackChecking' },
  // What a lost node runs again is not known, and after a rollback nobody would finish it.
  leavesLostNodes: false,
  hasBudget: false,
  isStaged: false,
  maxParallel: ({ fallback }) => fallback.maxParallel,
  // Replacing broken pods is the purpose of a rollback.
  replacesUnready: true,
  sparesPrevious: false,
  unblocksBeforeFailing: true,
  refusalIsEvidence: false,
  actions: [closeGates, recordOrAdvance, unblock, advance, releaseOurFields, readWarning],
  revision: ({ fallback }) => fallback?.revision,
  follow: ({ fallback, ...status }, revision, isRolling) => ({
    ...status,
    fallback: fallback && {
      ...fallback,
      state: isRolling ? 'Rolling' : 'Checking',
      revision: revision ?? fallback.revision,
    },
  }),
  onDone: finishFallback,
  // The previous images are restored, and no pod of the failed version is left.
  onNoPods: finishFallback,
  onEvidence: ({ snapshot, status }, evidence) => giveUpFallback(snapshot, status, evidence, 'Failed'),
  onSilence: (evaluation, evidence) =>
    mayStillRollBack(evaluation)
      ? undefined
      : giveUpFallback(evaluation.snapshot, evaluation.status, evidence, 'Unverified'),
};

/**
 * During an outage of all nodes, or of the workload's controller, nothing can be said about a fallback, and nobody has to act on it; and a pod that
 * passes just now is progress.
 */
const mayStillRollBack = ({ snapshot, summary, rollout }: Evaluation): boolean =>
  isNetworkLost(snapshot.pods, snapshot.nodeReady) ||
  unobservedAt(snapshot, rollout.rolledAt) !== undefined ||
  unrecorded(summary).some(hasPassed);

const POLICIES: Readonly<Record<Direction, Policy>> = { Forward: forward, Back: back };

export const policyOf = (direction: Direction): Policy => POLICIES[direction];

/** The policy of the rollout that is under way. */
export const policyFor = (status: UpgradeStatus): Policy => policyOf(directionOf(status));
