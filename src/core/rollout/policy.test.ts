/** What an attempt and its fallback do differently, each by what comes of it. */
import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf, type Pod } from '../../../test/support/evaluations.ts';
import {
  activeStatusOf,
  ago,
  completeUpgradeOf,
  fallbackOf,
  NEW,
  NOW,
  OLD,
  podOf,
  snapshotOf,
  specOf,
  statusOf,
  templateOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { FALLBACK_FINALIZER, FIELD_MANAGER } from '../../api/names.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import { decide } from '../decision/decide.ts';
import { effectiveSpec } from '../effective-spec.ts';
import { mustRestore } from '../finalizer.ts';
import { verificationId } from '../status.ts';
import { attemptObstacle } from '../workload/obstacles.ts';
import { verificationContext } from './context.ts';
import { policyOf } from './policy.ts';

const template = (image: string): WorkloadChange => ({
  containers: templateOf(image),
});

interface Case {
  readonly status?: Partial<UpgradeStatus>;
  readonly attempt?: Partial<Attempt>;
  readonly workload?: WorkloadChange;
  readonly spec?: Record<string, unknown>;
}

/** Recorded a moment ago, its images not written yet. */
const attempt = ({ status, attempt: change, workload, spec }: Case = {}) =>
  decided(
    statusOf({ targetGeneration: 1, ...status }, { rolledAt: undefined, startedAt: ago(0), ...change }),
    {
      spec,
      workload: { generation: 1, observedGeneration: 1, ...template(OLD), ...workload },
    },
  );

/** The same of its fallback. */
const fallback = ({ status, attempt: change, workload, spec }: Case = {}) =>
  decided(
    statusOf({ phase: 'FallingBack', fallback: fallbackOf({ startedAt: ago(0) }), ...status }, change),
    { spec, workload: { ...template(NEW), ...workload } },
  );

function decided(status: UpgradeStatus, { spec, workload }: Case) {
  const made = upgradeOf({ status, spec });
  const upgrade = { ...made, metadata: { ...made.metadata, finalizers: [FALLBACK_FINALIZER] } };
  return decide(snapshotOf({ upgrade, workload: workloadOf(workload) }));
}

const FALLING_BACK = activeStatusOf(
  { phase: 'FallingBack', fallback: fallbackOf(), from: { images: { web: OLD }, revision: 'old' } },
  { keeps: ['1-earlier'] },
);

describe('before its first write', () => {
  test('an attempt that gates waits until the gate policy knows of it, and nothing else does', () => {
    expect(attempt()).toMatchObject({ state: 'ImagesPending', action: { kind: 'none' }, wakeAt: NOW + 100 });
    expect(attempt({ attempt: { gating: false } }).action.kind).toBe('patchImages');
    expect(fallback().action.kind).toBe('patchImages');
  });

  test('the time since the evidence is known of a fallback alone', () => {
    expect(fallback().action).toMatchObject({ evidenceAt: NOW });
    expect(attempt({ attempt: { gating: false } }).action).not.toHaveProperty('evidenceAt', NOW);
  });

  test('an attempt in stages lets the controller replace no pod, and a fallback every one that the user lets', () => {
    const set = { kind: 'StatefulSet', desired: 5, partition: 0 } as const;
    const held = { held: { partition: 0 }, gating: false };
    expect(attempt({ workload: set, attempt: held }).action).toMatchObject({ partition: 5 });
    expect(fallback({ workload: { ...set, partition: 4 }, attempt: held }).action).toMatchObject({
      partition: 0,
    });
  });
});

describe('what admission made of the images', () => {
  const answered = { ...template('mirror/web:1.0'), imageManagers: { web: FIELD_MANAGER } };

  test('is recorded of an attempt, and not written again', () => {
    const stands = { ...template('mirror/web:2.0'), imageManagers: { web: FIELD_MANAGER }, generation: 2 };
    const plan = attempt({ workload: { ...stands, observedGeneration: 2 } });
    expect(plan.state).toBe('ImagesPatched');
    expect(plan.status.to).toMatchObject({ images: { web: 'mirror/web:2.0' }, requested: { web: NEW } });
  });

  test('is recorded of a fallback, and not written again', () => {
    const plan = fallback({ workload: answered });
    expect(plan.state).toBe('ImagesPatched');
    expect(plan.status.fallback).toMatchObject({
      images: { web: 'mirror/web:1.0' },
      requested: { web: OLD },
    });
  });

  test('is no answer while it is the version that failed', () => {
    const stands = { ...template(NEW), imageManagers: { web: FIELD_MANAGER } };
    expect(fallback({ workload: stands }).state).toBe('ImagesPending');
  });
});

test('what the operator wrote is released once no pod waits, so that the next server-side apply of the user has no conflict', () => {
  const holds = { holdsOurFields: true, imageManagers: { web: FIELD_MANAGER } };
  expect(decided(statusOf(), { workload: { ...template(NEW), ...holds } }).action.kind).toBe('releaseFields');
  const rolled = { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(20) }) } as const;
  const back = { workload: { ...template(OLD), ...holds } };
  expect(decided(statusOf(rolled), back).action.kind).toBe('recordResults');
});

describe('a fallback', () => {
  test('keeps its Upgrade until it has ended, whatever would have been done about a failure', () => {
    const upgrade = completeUpgradeOf({ spec: { fallback: { action: 'None' } } });
    expect(mustRestore(upgrade, FALLING_BACK)).toBe(true);
    expect(mustRestore(upgrade, activeStatusOf())).toBe(false);
    expect(mustRestore(completeUpgradeOf(), activeStatusOf())).toBe(true);
  });

  test('is verified by probes and restarts since it started', () => {
    const upgrade = upgradeOf({ status: FALLING_BACK });
    const restarts = new Map([['web', 4]]);
    const seen = { verification: verificationId(upgrade, FALLING_BACK), restarts };
    const context = verificationContext(
      snapshotOf({ upgrade, restartsSeen: new Map([['pod-1', seen]]) }),
      FALLING_BACK,
    );
    expect(context).toMatchObject({ inFallback: true, kept: [] });
    expect(context.restartsBefore(podOf(), 'web')).toBe(4);
  });

  test('and an attempt also by the results of attempts that it continues', () => {
    const status = activeStatusOf({}, { keeps: ['1-earlier'] });
    const context = verificationContext(snapshotOf({ upgrade: upgradeOf({ status }) }), status);
    expect(context.inFallback).toBe(false);
    expect(context.kept?.map((id) => id.split('/')[1])).toEqual(['1-earlier']);
  });
});

describe('an attempt in stages does not start', () => {
  const obstacle = (stages: object[], workload: WorkloadChange, spec: object = {}) =>
    attemptObstacle(effectiveSpec(specOf({ strategy: { stages }, ...spec })), workloadOf(workload));
  const canary = [{ name: 'canary', pods: 1 }];
  const byNode = [{ name: 'canary', nodes: { matchLabels: { canary: 'true' } } }];

  test.each<[string, Parameters<typeof obstacle>, unknown]>([
    ['that replaces all pods at once', [canary, { recreates: true }], 'AllAtOnce'],
    ['that is such a StatefulSet', [canary, { kind: 'StatefulSet', recreates: true }], 'AllAtOnce'],
    ['that only a disabled gate could stop', [canary, {}, { gate: 'Disabled' }], 'Ungated'],
    ['whose controller chooses the nodes', [byNode, { kind: 'DaemonSet' }], 'OwnChoice'],
    ['that has no pod a node', [byNode, { kind: 'StatefulSet', onDelete: true }], { nodesOf: 'canary' }],
  ])('by a workload %s', (_which, given, why) => {
    expect(obstacle(...given)).toMatchObject({ reason: 'StagesUnsupported', why });
  });

  test('by none that can be held', () => {
    expect(obstacle(canary, {})).toBeUndefined();
    expect(obstacle(byNode, { kind: 'DaemonSet', onDelete: true })).toBeUndefined();
  });
});

describe('a fallback that makes no progress', () => {
  const CAUSE = { cause: { reason: 'NoProgress' }, pods: [] } as const;
  const end = (change: EvaluationChange) =>
    policyOf('Back').onSilence(evaluationOf({ direction: 'Back', ...change }), CAUSE)?.phase;
  const [passing, failing] = (['Passed', 'Failed'] as const).map((state) => ({
    name: 'a',
    state,
    recorded: false,
  }));
  const pods = [podOf()];

  test.each<[string, EvaluationChange, string | undefined]>([
    ['has failed', {}, 'FallbackFailed'],
    [
      'has failed, also with a pod whose failure is not recorded',
      { pods: [failing as Pod] },
      'FallbackFailed',
    ],
    ['has not while a pod passes', { pods: [passing as Pod] }, undefined],
    ['has not while no node is Ready', { snapshot: { pods, nodeReady: () => false } }, undefined],
    ['has failed if its nodes are Ready', { snapshot: { pods, nodeReady: () => true } }, 'FallbackFailed'],
    [
      'has not while its controller has not observed the images',
      {
        rollout: { rolledAt: NOW },
        snapshot: {
          upgrade: upgradeOf({ status: statusOf() }),
          workload: workloadOf({ observedGeneration: 1 }),
        },
      },
      undefined,
    ],
  ])('%s', (_, change, phase) => {
    expect(end(change)).toBe(phase);
  });
});
