/** Turns as data, for tests of what a rollout comes to. */
import type { LeftEntry, UpgradeSpec } from '../../src/api/types.ts';
import type { PodView, WorkloadView } from '../../src/api/views.ts';
import type { Evaluation } from '../../src/core/rollout/evaluation.ts';
import { policyOf } from '../../src/core/rollout/policy.ts';
import type { Rollout } from '../../src/core/rollout/rollout.ts';
import type { PodResult } from '../../src/core/verification/pod-result.ts';
import {
  activeStatusOf,
  ago,
  podOf,
  type SnapshotChange,
  snapshotOf,
  specOf,
  upgradeOf,
  workloadOf,
} from './snapshots.ts';

export interface Pod {
  readonly name: string;
  readonly state?: PodResult['state'];
  readonly recorded?: boolean;
}

const podNamed = (name: string): PodView => podOf({ name, uid: name, node: name });
const resultOf = ({ name, state = 'Passed', recorded = state !== 'Retrying' }: Pod): PodResult =>
  ({
    pod: podNamed(name),
    state,
    recorded,
    isPodReady: true,
    cause: { reason: 'PostCheckPassed' },
  }) as PodResult;

export interface EvaluationChange {
  readonly pods?: readonly Pod[];
  /** Names of pods of the version before that are to be replaced. */
  readonly outdated?: readonly string[];
  /** Names of pods that were put back. */
  readonly rolledBack?: readonly string[];
  /** Names of places that are left. */
  readonly left?: readonly string[];
  readonly desired?: number;
  readonly rolledOut?: boolean;
  readonly workload?: Partial<WorkloadView>;
  readonly snapshot?: SnapshotChange;
  readonly rollout?: Partial<Rollout>;
  readonly spec?: Partial<UpgradeSpec>;
  readonly direction?: 'Forward' | 'Back';
  readonly ended?: boolean;
}

/** A StatefulSet's turn: its pods' names are their places. */
export function evaluationOf(change: EvaluationChange = {}): Evaluation {
  const { pods = [], outdated = [], rolledBack = [], left, desired = 3, direction = 'Forward' } = change;
  const results = pods.map(resultOf);
  const workload = workloadOf({
    kind: 'StatefulSet',
    desired,
    available: desired,
    ...change.workload,
  } as object);
  const status = activeStatusOf({
    ...(left
      ? { left: left.map((name): LeftEntry => ({ name, state: 'Failed', reason: 'ProbeFailed' })) }
      : {}),
  });
  const end = change.ended ? { end: { outcome: 'Partial', reason: 'Partial', at: ago(0) } } : {};
  const passed = pods.filter(
    ({ state = 'Passed', recorded = true }) => state === 'Passed' && recorded,
  ).length;
  const skipped = pods.filter(({ state, recorded = true }) => state === 'Skipped' && recorded).length;
  return {
    snapshot: snapshotOf({
      upgrade: upgradeOf({ spec: { ...specOf(), ...change.spec } }),
      ...change.snapshot,
    }),
    workload,
    status: { ...status, attempt: { ...status.attempt, ...end } },
    summary: {
      results,
      outdated: outdated.map(podNamed),
      desired,
      rolledOut: change.rolledOut ?? true,
      counts: {
        desired,
        updated: pods.length,
        ready: 0,
        passed,
        skipped,
        retrying: 0,
        failed: 0,
        inconclusive: 0,
      },
    },
    rolledBack: rolledBack.map((name) => resultOf({ name })),
    rollout: { direction, ...change.rollout },
    policy: policyOf(direction),
    stages: { all: [], present: undefined },
    lostNodes: [],
  } as unknown as Evaluation;
}
