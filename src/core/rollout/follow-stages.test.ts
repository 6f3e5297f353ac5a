import { describe, expect, test } from '@jest/globals';
import {
  ago,
  exit,
  NOW,
  podOf,
  probed,
  snapshotOf,
  statusOf,
  upgradeOf,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import { decide } from '../decision/decide.ts';

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
