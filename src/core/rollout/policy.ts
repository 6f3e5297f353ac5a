/** What differs between an attempt, which rolls forward, and its fallback, which rolls back. Everything else is rollout.ts and verify.ts. */
import type { Phase, UpgradeSpec } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { ActiveStatus } from '../status.ts';
import type { Obstacle } from '../workload/driver.ts';
import { driverOf } from '../workload/drivers.ts';
import { attemptObstacle } from '../workload/obstacles.ts';
import { fail, succeed } from './attempt.ts';
import { fallBackFailed, finishFallback } from './fallback.ts';
import type { Direction, Rollout } from './rollout.ts';
import type { Evidence, Turn } from './turn.ts';

export interface Policy {
  /** What stops the rollout, until the user has mended it. */
  readonly obstacle: (spec: UpgradeSpec, workload: WorkloadView, isHeldByUs: boolean) => Obstacle | undefined;
  readonly deadlineSeconds: (spec: UpgradeSpec) => number;
  /** Are the pods verified, or is it enough that the controller has rolled them? */
  readonly verifies: (spec: UpgradeSpec) => boolean;
  readonly phases: { readonly rolling: Phase; readonly checking: Phase };
  /** The phase while there is no evidence; absent where such a rollout ends. */
  readonly inconclusive?: Phase;
  /** Broken pods of this revision are left alone: they ran before. */
  readonly sparedRevision: (status: ActiveStatus) => string | undefined;
  /** New pods that came without their gate are replaced when `gate: Required` asks for it. */
  readonly replacesMissedGates: boolean;
  /** The status with what the rollout's pods show. */
  readonly follow: (status: ActiveStatus, revision: string | undefined, isRolling: boolean) => ActiveStatus;
  readonly onDone: (turn: Turn) => ActiveStatus;
  /** The controller is done, as no pods are wanted; `undefined` waits for some. */
  readonly onNoPods: (turn: Turn) => ActiveStatus | undefined;
  readonly onFailed: (turn: Turn, evidence: Evidence) => ActiveStatus;
  /** No progress, and no evidence either; `undefined` goes on waiting. */
  readonly onSilence: (turn: Turn, evidence: Evidence) => ActiveStatus | undefined;
}

const forward: Policy = {
  obstacle: attemptObstacle,
  deadlineSeconds: ({ postCheck }) => postCheck.deadlineSeconds,
  verifies: () => true,
  phases: { rolling: 'Upgrading', checking: 'PostChecking' },
  inconclusive: 'Inconclusive',
  sparedRevision: ({ from }) => from.revision,
  replacesMissedGates: true,
  follow: (status, revision) => (revision ? { ...status, to: { ...status.to, revision } } : status),
  onDone: succeed,
  // Pods that come later get this version: nothing has verified it, and the gate has to be there for them.
  onNoPods: () => undefined,
  onFailed: ({ snapshot, workload, status }, evidence) => fail(snapshot, workload, status, evidence),
  onSilence: () => undefined,
};

const back: Policy = {
  obstacle: (_spec, workload, isHeldByUs) => driverOf(workload).obstacle(workload, isHeldByUs),
  deadlineSeconds: ({ fallback, postCheck }) => fallback.deadlineSeconds ?? postCheck.deadlineSeconds,
  verifies: ({ fallback }) => fallback.verify,
  phases: { rolling: 'FallingBack', checking: 'FallbackChecking' },
  sparedRevision: () => undefined,
  replacesMissedGates: false,
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
  onFailed: ({ snapshot, status }, evidence) => fallBackFailed(snapshot, status, evidence, 'Failed'),
  onSilence: ({ snapshot, status }, evidence) => fallBackFailed(snapshot, status, evidence, 'Unverified'),
};

const POLICIES: Readonly<Record<Direction, Policy>> = { Forward: forward, Back: back };

export const policyOf = ({ direction }: Pick<Rollout, 'direction'>): Policy => POLICIES[direction];
