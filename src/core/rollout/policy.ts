/** What differs between an attempt, which rolls forward, and its fallback, which rolls back. Everything else is rollout.ts and verify.ts. */
import type { UpgradeStatus } from '../../api/types.ts';
import { type ActiveStatus, type Direction, directionOf, isBeforeRollout } from '../status.ts';
import type { WitnessedImages } from '../verification/witness.ts';
import { driverOf } from '../workload/drivers.ts';
import { attemptObstacle } from '../workload/obstacles.ts';
import {
  closeGates,
  explainFailures,
  recordAside,
  releaseOurFields,
  replaceMissedGate,
  unblock,
} from './actions.ts';
import { advance, movePartition, recordOrAdvance } from './advance.ts';
import { endPartial, rejectVersion, succeed } from './attempt.ts';
import { finishFallback, giveUpFallback } from './fallback.ts';
import { partitionObstacle } from './partition.ts';
import { answeredInFallback } from './rewritten.ts';
import type { Policy } from './turn.ts';
import { putBack } from './turn-back.ts';
import { readWarning } from './warnings.ts';
import { recordAnswer, recordRestored } from './written.ts';

/** The gate policy sees a new attempt a few milliseconds after us: 3 of 200 pods slipped past it without this pause, none with it. */
const GATE_SETTLES_MS = 100;

const imagesOfBefore = ({ from, to, fallback }: ActiveStatus): WitnessedImages => ({
  wanted: { ...from.images, ...fallback?.images },
  other: to.images,
});

const forward: Policy = {
  recorded: ({ attempt }) => attempt,
  obstacle: ({ upgrade }, workload) => attemptObstacle(upgrade.spec, workload),
  isInterruptible: true,
  isRecordedAgain: true,
  asksBaseline: true,
  mustBePutBack: ({ fallback }) => fallback.action !== 'None',
  settlesMs: ({ attempt }) => (attempt.gating ? GATE_SETTLES_MS : 0),
  // Nothing rolls until the first stage begins.
  partition: (users, { desired }) => Math.max(users, desired),
  followsPartition: true,
  restores: false,
  takesAnyAnswer: true,
  answers: () => ({}),
  recordWritten: recordAnswer,
  images: (status) =>
    isBeforeRollout(status)
      ? imagesOfBefore(status)
      : { wanted: status.to.images, other: status.from.images },
  inFallback: false,
  keepsVerified: true,
  makesRevision: true,
  deadlineSeconds: ({ postCheck }) => postCheck.deadlineSeconds,
  verifies: () => true,
  phases: { rolling: 'Upgrading', checking: 'PostChecking' },
  inconclusive: 'Inconclusive',
  hasBudget: true,
  isStaged: true,
  maxParallel: ({ strategy }, { present }) => (present?.stage ?? strategy).maxParallel,
  replacesUnready: false,
  sparesBefore: true,
  unblocksBeforeFailing: false,
  refusalIsEvidence: true,
  actions: [
    releaseOurFields,
    closeGates,
    recordOrAdvance,
    recordAside,
    putBack,
    unblock,
    movePartition,
    advance,
    replaceMissedGate,
    explainFailures,
    readWarning,
  ],
  follow: (status, revision) => (revision ? { ...status, to: { ...status.to, revision } } : status),
  onDone: (turn) => (turn.status.left.length > 0 ? endPartial(turn) : succeed(turn)),
  // Pods that come later get this version: nothing has verified it, and the gate has to be there for them.
  onNoPods: () => undefined,
  onEvidence: ({ snapshot, workload, status }, evidence) =>
    rejectVersion(snapshot, workload, status, evidence),
  onSilence: () => undefined,
};

const back: Policy = {
  recorded: ({ fallback, attempt }) => fallback ?? attempt,
  obstacle: (snapshot, workload, status) =>
    driverOf(workload).obstacle(workload) ?? partitionObstacle(snapshot, workload, status),
  isInterruptible: false,
  isRecordedAgain: false,
  asksBaseline: false,
  mustBePutBack: () => true,
  settlesMs: () => 0,
  // Everything that the user lets rolls at once.
  partition: (users) => users,
  followsPartition: false,
  restores: true,
  // What failed may still stand by a write of ours.
  takesAnyAnswer: false,
  answers: answeredInFallback,
  recordWritten: recordRestored,
  images: imagesOfBefore,
  inFallback: true,
  keepsVerified: false,
  makesRevision: false,
  deadlineSeconds: ({ fallback }) => fallback.deadlineSeconds,
  verifies: ({ fallback }) => fallback.verify,
  phases: { rolling: 'FallingBack', checking: 'FallbackChecking' },
  hasBudget: false,
  isStaged: false,
  maxParallel: ({ fallback }) => fallback.maxParallel,
  // It is what the rollback is for.
  replacesUnready: true,
  sparesBefore: false,
  unblocksBeforeFailing: true,
  refusalIsEvidence: false,
  actions: [releaseOurFields, closeGates, recordOrAdvance, unblock, advance, readWarning],
  follow: ({ fallback, ...status }, revision, isRolling) => ({
    ...status,
    fallback: fallback && {
      ...fallback,
      state: isRolling ? 'Rolling' : 'Checking',
      revision: revision ?? fallback.revision,
    },
  }),
  onDone: finishFallback,
  // What ran before is restored, and no pod is left of the version that failed.
  onNoPods: finishFallback,
  onEvidence: ({ snapshot, status }, evidence) => giveUpFallback(snapshot, status, evidence, 'Failed'),
  onSilence: ({ snapshot, status }, evidence) => giveUpFallback(snapshot, status, evidence, 'Unverified'),
};

const POLICIES: Readonly<Record<Direction, Policy>> = { Forward: forward, Back: back };

export const policyOf = (direction: Direction): Policy => POLICIES[direction];

/** Of what is under way. */
export const policyFor = (status: UpgradeStatus): Policy => policyOf(directionOf(status));
