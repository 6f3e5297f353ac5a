/** What differs between an attempt, which rolls forward, and its fallback, which rolls back. Everything else is rollout.ts and verify.ts. */
import { driverOf } from '../workload/drivers.ts';
import { attemptObstacle } from '../workload/obstacles.ts';
import { explainFailures, recordAside, releaseOurFields, replaceMissedGate, unblock } from './actions.ts';
import { advance, movePartition, recordOrAdvance } from './advance.ts';
import { endPartial, rejectVersion, succeed } from './attempt.ts';
import { finishFallback, giveUpFallback } from './fallback.ts';
import type { Direction } from './rollout.ts';
import type { Policy } from './turn.ts';
import { putBack } from './turn-back.ts';
import { readWarning } from './warnings.ts';

const forward: Policy = {
  obstacle: attemptObstacle,
  deadlineSeconds: ({ postCheck }) => postCheck.deadlineSeconds,
  verifies: () => true,
  phases: { rolling: 'Upgrading', checking: 'PostChecking' },
  inconclusive: 'Inconclusive',
  hasBudget: true,
  isStaged: true,
  maxParallel: ({ strategy }, { present }) => present?.stage.maxParallel ?? strategy?.maxParallel,
  replacesUnready: false,
  sparesBefore: true,
  unblocksBeforeFailing: false,
  refusalIsEvidence: true,
  actions: [
    releaseOurFields,
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
  onDone: (turn) => (turn.status.left ? endPartial(turn) : succeed(turn)),
  // Pods that come later get this version: nothing has verified it, and the gate has to be there for them.
  onNoPods: () => undefined,
  onEvidence: ({ snapshot, workload, status }, evidence) =>
    rejectVersion(snapshot, workload, status, evidence),
  onSilence: () => undefined,
};

const back: Policy = {
  obstacle: (_spec, workload) => driverOf(workload).obstacle(workload),
  deadlineSeconds: ({ fallback, postCheck }) => fallback.deadlineSeconds ?? postCheck.deadlineSeconds,
  verifies: ({ fallback }) => fallback.verify,
  phases: { rolling: 'FallingBack', checking: 'FallbackChecking' },
  hasBudget: false,
  isStaged: false,
  maxParallel: ({ strategy, fallback }) => fallback.maxParallel ?? strategy?.maxParallel,
  // It is what the rollback is for.
  replacesUnready: true,
  sparesBefore: false,
  unblocksBeforeFailing: true,
  refusalIsEvidence: false,
  actions: [releaseOurFields, recordOrAdvance, unblock, advance, readWarning],
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
