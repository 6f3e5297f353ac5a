import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf } from '../../../test/support/evaluations.ts';
import {
  ago,
  exit,
  NOW,
  podOf,
  probed,
  snapshotOf,
  specOf,
  statusOf,
  upgradeOf,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { StageState } from '../../api/enums.ts';
import type { Attempt, StageStatus, UpgradeStatus } from '../../api/types.ts';
import { decide } from '../decision/decide.ts';
import { effectiveSpec } from '../effective-spec.ts';
import { toIso } from '../time.ts';
import { followStages } from './follow-stages.ts';
import { stagesFor } from './stages.ts';

const HOUR_MS = 3_600_000;

/** An attempt on two pods whose first stage is done, some hours before or after its window opens. */
function decided(hoursBefore: number, promotedAt?: string) {
  const opens = new Date(NOW + hoursBefore * HOUR_MS);
  const windows = [{ start: opens.toISOString().slice(11, 16), durationSeconds: 2 * 3600, timeZone: 'UTC' }];
  const state = { desired: 1, verified: 1 };
  const status = statusOf(
    {
      stages: [
        { name: 'canary', state: 'Done', ...state },
        { name: 'rest', state: 'Waiting', ...state },
      ],
    },
    { promotedAt },
  );
  const strategy = { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] };
  const upgrade = upgradeOf({ status, spec: { windows, strategy } });
  const workload = workloadOf({ desired: 2, total: 2 });
  const old = podOf({ name: 'web-old-1', uid: 'pod-old', revision: 'old', createdAt: NOW - HOUR_MS });
  return decide(snapshotOf({ upgrade, workload, pods: [podOf(), old] })).status;
}

describe('a soak', () => {
  /** The soak time has passed, and this process has probed the pod with this exit code, or not at all. */
  const soaked = (code?: number) => {
    const stages = [
      { name: 'canary', state: 'Soaking', desired: 1, verified: 1, soakUntil: ago(1) },
    ] as const;
    const status = statusOf({ stages }, { maxPassed: 1, progressAt: ago(5) });
    const strategy = { stages: [{ name: 'canary', pods: 1, soakSeconds: 60 }, { name: 'rest' }] };
    const upgrade = upgradeOf({ status, spec: { strategy } });
    const pods = [withResult(upgrade, podOf())];
    const records = code === undefined ? new Map() : probed(upgrade, pods, exit(code));
    const workload = workloadOf({ desired: 3, total: 3 });
    return decide(snapshotOf({ upgrade, workload, pods, records })).status.stages?.[0]?.state;
  };

  test('ends with its time, if the last probe of each pod passed', () => {
    expect(soaked(0)).toBe('Done');
    expect(soaked(17)).toBe('Soaking');
  });

  test('does not end by time alone: a restarted operator probes first', () => {
    expect(soaked()).toBe('Soaking');
  });
});

test('where only the gate limits the rollout, no more pods are verified than the stage has', () => {
  const strategy = { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] };
  const rolling = { name: 'canary', state: 'Rolling', desired: 1, verified: 0 } as const;
  const recorded = (stages: UpgradeStatus['stages']) => {
    const status = statusOf({ stages });
    const upgrade = upgradeOf({ status, spec: { strategy, postCheck: { checks: [] } } });
    const pods = [0, 1, 2].map((index) => podOf({ name: `web-${index}`, uid: `web-${index}` }));
    const records = probed(upgrade, pods, exit(0));
    const workload = workloadOf({ desired: 3, total: 3, updated: 3 });
    const { action } = decide(snapshotOf({ upgrade, workload, pods, records }));
    return action.kind === 'recordResults' ? action.conditions.length : 0;
  };
  expect(recorded([rolling])).toBe(1);
  expect(
    recorded([
      { ...rolling, state: 'Done' },
      { ...rolling, name: 'rest' },
    ]),
  ).toBe(3);
});

test('a further stage starts in a window, or when the attempt is promoted', () => {
  expect(decided(1)).toMatchObject({
    stages: [{}, { state: 'Waiting' }],
    waiting: { reason: 'WindowClosed' },
  });
  expect(decided(-1).stages?.[1]).toMatchObject({ state: 'Rolling' });
  expect(decided(1, ago(1)).stages?.[1]).toMatchObject({ state: 'Rolling' });
});

test('a stage that became smaller does not count more verified pods than it has', () => {
  const strategy = { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] };
  const stages = [{ name: 'canary', state: 'Rolling', desired: 2, verified: 2 }] as const;
  const upgrade = upgradeOf({ status: statusOf({ stages }), spec: { strategy, postCheck: { checks: [] } } });
  const pods = [0, 1].map((index) =>
    withResult(upgrade, podOf({ name: `web-${index}`, uid: `web-${index}` })),
  );
  const records = probed(upgrade, pods, exit(0));
  const workload = workloadOf({ desired: 3, total: 3, updated: 2 });
  const { status } = decide(snapshotOf({ upgrade, workload, pods, records }));
  expect(status.stages?.[0]).toMatchObject({ name: 'canary', desired: 1, verified: 1 });
});

describe('a stage', () => {
  interface Given {
    readonly state: StageState;
    readonly stage?: object;
    readonly stored?: Partial<StageStatus>;
    readonly attempt?: Partial<Attempt>;
    readonly checks?: boolean;
    readonly evaluation?: EvaluationChange;
    /** The exit code of the last probe of each pod; 1 failed. */
    readonly failures?: number;
  }
  const VERIFIED = { pods: [{ name: 'web-2' }] };

  function followed({
    state,
    stage = {},
    stored,
    attempt,
    checks = false,
    evaluation = VERIFIED,
    failures = 0,
  }: Given) {
    const strategy = { stages: [{ name: 'canary', pods: 1, ...stage }, { name: 'rest' }] };
    const rolloutChecks = checks ? [{ name: 'errors', query: 'up', passWhen: '< 1' }] : [];
    const spec = specOf({ strategy, postCheck: { rolloutChecks } });
    const before = evaluationOf({ ...evaluation, spec });
    const stages = [{ name: 'canary', state, desired: 1, verified: 1, ...stored }];
    const status = { ...before.status, stages, attempt: { ...before.status.attempt, ...attempt } };
    const results = before.summary.results.map((result) => ({ ...result, record: { failures } }));
    return followStages({
      ...before,
      status,
      summary: { ...before.summary, results } as unknown as typeof before.summary,
      stages: stagesFor(before.policy, effectiveSpec(spec), status),
    });
  }
  const SOAK = { soakSeconds: 60 };
  const APPROVAL = { approval: 'Manual' };
  const [OVER, OPEN] = [{ soakUntil: ago(0) }, { soakUntil: ago(-1) }];
  const [PROMOTED, APPROVED] = [{ promotedAt: ago(9) }, { approvedAt: ago(9) }];
  const NONE = { pods: [] };

  test.each<[string, Given, StageState]>([
    ['starts with the attempt', { state: 'Waiting' }, 'Rolling'],
    ['is over once its pods are verified', { state: 'Rolling' }, 'Done'],
    ['is not over before', { state: 'Rolling', evaluation: NONE }, 'Rolling'],
    [
      'is over if its pod failed within the budget',
      { state: 'Rolling', evaluation: { left: ['web-2'] } },
      'Done',
    ],
    ['soaks', { state: 'Rolling', stage: SOAK }, 'Soaking'],
    ['does not soak once promoted', { state: 'Rolling', stage: SOAK, attempt: PROMOTED }, 'Done'],
    ['waits for approval', { state: 'Rolling', stage: APPROVAL }, 'AwaitingApproval'],
    ['does not wait if it is approved', { state: 'Rolling', stage: APPROVAL, stored: APPROVED }, 'Done'],
    ['does not wait once promoted', { state: 'Rolling', stage: APPROVAL, attempt: PROMOTED }, 'Done'],
    ['is checked', { state: 'Rolling', stage: SOAK, checks: true }, 'Checking'],
    ['is checked until the checks pass', { state: 'Checking', checks: true }, 'Checking'],
    ['is no longer checked if the checks were removed', { state: 'Checking', stage: SOAK }, 'Soaking'],
    ['needs its pods after the checks', { state: 'Checking', evaluation: NONE }, 'Checking'],
    ['soaks until then', { state: 'Soaking', stage: SOAK, stored: OPEN }, 'Soaking'],
    ['has soaked', { state: 'Soaking', stage: SOAK, stored: OVER }, 'Done'],
    ['needs its pods after the soak', { state: 'Soaking', stored: OVER, evaluation: NONE }, 'Soaking'],
    ['soaks while a probe fails', { state: 'Soaking', stored: OVER, failures: 1 }, 'Soaking'],
    ['is promoted in its soak', { state: 'Soaking', stored: OPEN, attempt: PROMOTED, failures: 1 }, 'Done'],
    [
      'waits for approval after its soak',
      { state: 'Soaking', stage: APPROVAL, stored: OVER },
      'AwaitingApproval',
    ],
    ['waits', { state: 'AwaitingApproval', stage: APPROVAL }, 'AwaitingApproval'],
    ['is approved', { state: 'AwaitingApproval', stage: APPROVAL, stored: APPROVED }, 'Done'],
    ['is promoted', { state: 'AwaitingApproval', stage: APPROVAL, attempt: PROMOTED }, 'Done'],
    [
      'needs its pods to be approved',
      { state: 'AwaitingApproval', stage: APPROVAL, stored: APPROVED, evaluation: NONE },
      'AwaitingApproval',
    ],
  ])('%s', (_, given, next) => {
    const { status, isChanged, isOver } = followed(given);
    expect(status.stages[0]?.state).toBe(next);
    expect(isChanged).toBe(next !== given.state);
    expect(status.attempt.progressAt).toBe(isChanged ? ago(0) : ago(60));
    expect([status.stage, isOver]).toEqual(['1/2 canary', false]);
  });

  test.each<[string, Given, object | undefined]>([
    ['for its soak', { state: 'Soaking', stored: OPEN }, { reason: 'Soaking', until: NOW + 1000 }],
    ['for approval', { state: 'AwaitingApproval', stage: APPROVAL }, { reason: 'AwaitingApproval' }],
    ['for nothing while it rolls', { state: 'Rolling', evaluation: NONE }, undefined],
    [
      'for nothing while its pods are replaced',
      { state: 'Soaking', stored: OPEN, evaluation: NONE },
      undefined,
    ],
    ['for nothing once it is over', { state: 'Rolling' }, undefined],
    [
      'for its soak, also without a result of a rollout check',
      { state: 'Soaking', stored: OPEN, checks: true },
      { reason: 'Soaking', until: NOW + 1000 },
    ],
    ['for no check once it has soaked', { state: 'Soaking', stored: OVER, checks: true }, undefined],
    [
      'for no check once it is promoted',
      { state: 'Soaking', stored: OPEN, attempt: PROMOTED, checks: true },
      undefined,
    ],
    [
      'for no check once it is approved',
      { state: 'AwaitingApproval', stage: APPROVAL, stored: APPROVED, checks: true },
      undefined,
    ],
  ])('waits %s', (_, given, wait) => {
    expect(followed(given).wait).toEqual(wait);
  });

  test('records when it started, was verified, soaks and ended', () => {
    const stage = (given: Given) => followed(given).status.stages[0];
    expect(stage({ state: 'Waiting' })).toMatchObject({ startedAt: ago(0) });
    expect(stage({ state: 'Rolling', stage: SOAK })).toMatchObject({
      verifiedAt: ago(0),
      soakUntil: toIso(NOW + 60_000),
    });
    expect(stage({ state: 'Rolling', checks: true })).toMatchObject({ verifiedAt: ago(0) });
    expect(stage({ state: 'Rolling' })).toMatchObject({ finishedAt: ago(0), verifiedAt: ago(0) });
  });

  test('counts its pods: those that are verified, and places that failed', () => {
    const evaluation = {
      pods: [{ name: 'web-2' }, { name: 'web-1', state: 'Failed' }],
      left: ['web-0'],
    } as const;
    const { status } = followed({ state: 'Rolling', stage: { pods: 3 }, evaluation });
    expect(status.stages[0]).toMatchObject({ desired: 3, verified: 1, failed: 2, state: 'Done' });
    expect(followed({ state: 'Rolling' }).status.stages[0]?.failed).toBeUndefined();
  });

  test('for the remaining pods needs a controller that is done, and ends the attempt', () => {
    const ended = (rolledOut: boolean) => {
      const spec = specOf({ strategy: { stages: [{ name: 'all' }] } });
      const before = evaluationOf({ ...VERIFIED, desired: 1, rolledOut, spec });
      const status = {
        ...before.status,
        stages: [{ name: 'all', state: 'Rolling' as const, desired: 1, verified: 1 }],
      };
      const { isOver } = followStages({
        ...before,
        status,
        stages: stagesFor(before.policy, effectiveSpec(spec), status),
      });
      return isOver;
    };
    expect([ended(true), ended(false)]).toEqual([true, false]);
  });
});

describe('without stages', () => {
  test('nothing of removed ones is reported', () => {
    const before = evaluationOf();
    const rolloutChecks = [{ name: 'errors', class: 'Pass', message: '0' }] as const;
    const stages = [{ name: 'canary', state: 'Rolling', desired: 1, verified: 0 }] as const;
    const status = { ...before.status, stage: '1/2 canary', stages, rolloutChecks };
    expect(followStages({ ...before, status })).toMatchObject({
      status: { stage: undefined, stages: [], rolloutChecks: [] },
      isChanged: false,
      isOver: true,
    });
    const back = evaluationOf({ direction: 'Back' });
    expect(followStages({ ...back, status }).status).toMatchObject({ stage: '1/2 canary', stages });
  });

  test.each([
    ['waits where the partition allows no further pod', { workload: { partition: 2 } }, 2],
    [
      'does not wait before those that it allows are verified',
      { pods: [], workload: { partition: 2 } },
      undefined,
    ],
    ['waits if those failed', { pods: [], left: ['web-2'], workload: { partition: 2 } }, 2],
    ['does not wait without a partition', {}, undefined],
    ['does not wait in a fallback', { direction: 'Back', workload: { partition: 2 } }, undefined],
    ['does not wait after its end', { ended: true, workload: { partition: 2 } }, undefined],
    ['waits where the partition allows none', { pods: [], workload: { partition: 5 } }, 5],
  ] as const)('an attempt %s', (_, change, partition) => {
    const { wait } = followStages(
      evaluationOf({ pods: [{ name: 'web-2' }], ...(change as EvaluationChange) }),
    );
    expect(wait).toEqual(partition && { reason: 'PartitionSet', partition });
  });
});

describe('a stage of nodes', () => {
  /** The nodes a and b are at the edge; the stage has so many of them, or all. */
  function followed(change: EvaluationChange, pods?: number) {
    const nodes = { matchLabels: { tier: 'edge' } };
    const spec = specOf({ strategy: { stages: [{ name: 'edge', nodes, pods }, { name: 'rest' }] } });
    const here = [...(change.pods ?? []).map(({ name }) => name), ...(change.outdated ?? [])];
    const snapshot = {
      pods: here.map((node) => podOf({ name: node, node })),
      nodeLabels: (node: string) => ({ tier: node === 'a' || node === 'b' ? 'edge' : 'core' }),
    };
    const workload = { kind: 'DaemonSet', onDelete: true } as never;
    const before = evaluationOf({ ...change, spec, snapshot, workload });
    const stages = [{ name: 'edge', state: 'Rolling' as const, desired: 2, verified: 0 }];
    const status = { ...before.status, stages };
    const all = stagesFor(before.policy, effectiveSpec(spec), status);
    const [stage] = followStages({ ...before, status, stages: all }).status.stages;
    return [stage?.state, stage?.desired, stage?.verified, stage?.failed];
  }
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

  test('counts its own nodes, and is done with the last of them', () => {
    expect(followed({ pods: [a, b, c] })).toEqual(['Done', 2, 2, undefined]);
    expect(followed({ pods: [a, c], outdated: ['b'] })).toEqual(['Rolling', 2, 1, undefined]);
    expect(followed({ pods: [a, b], outdated: ['c'] })).toEqual(['Done', 2, 2, undefined]);
  });

  test('counts failed places on its own nodes', () => {
    expect(followed({ pods: [a, b], left: ['c'] })).toEqual(['Done', 2, 2, undefined]);
    expect(followed({ pods: [a, { name: 'b', state: 'Failed' }], left: ['b'] })).toEqual(['Done', 2, 1, 1]);
  });

  test('with a number of pods leaves the others for later', () => {
    expect(followed({ pods: [a, c], outdated: ['b'] }, 1)).toEqual(['Done', 1, 1, undefined]);
    expect(followed({ pods: [a], outdated: ['b'], left: ['b'] })).toEqual(['Rolling', 2, 1, 1]);
  });
});
