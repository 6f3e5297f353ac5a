import { expect, test } from '@jest/globals';
import {
  ago,
  NOW,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import { decide } from '../decision/decide.ts';
import { verificationId } from '../status.ts';
import { addCycle } from '../verification/probe-cycle.ts';

const HOUR_MS = 3_600_000;

/** An attempt on two pods whose first stage is over, an hour and more before or after its window opens. */
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

test('where the gate holds it, so many pods are verified as the stage has', () => {
  const strategy = { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] };
  const rolling = { name: 'canary', state: 'Rolling', desired: 1, verified: 0 } as const;
  const recorded = (stages: UpgradeStatus['stages']) => {
    const status = statusOf({ stages });
    const upgrade = upgradeOf({ status, spec: { strategy, postCheck: { checks: [] } } });
    const pods = [0, 1, 2].map((index) => podOf({ name: `web-${index}`, uid: `web-${index}` }));
    const context = {
      spec: upgrade.spec,
      template: ['web'],
      verification: verificationId(upgrade, status),
      inFallback: false,
    };
    const cycle = { startedAt: NOW - 1000, finishedAt: NOW - 900, results: [] };
    const records = new Map(pods.map((pod) => [pod.uid, addCycle(undefined, context, pod, cycle)]));
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

test('a further stage begins in a window, or when somebody promotes the attempt', () => {
  expect(decided(1)).toMatchObject({
    stages: [{}, { state: 'Waiting' }],
    waiting: { reason: 'WindowClosed' },
  });
  expect(decided(-1).stages?.[1]).toMatchObject({ state: 'Rolling' });
  expect(decided(1, ago(1)).stages?.[1]).toMatchObject({ state: 'Rolling' });
});
