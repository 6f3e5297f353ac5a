import { describe, expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  cycleOf,
  exit,
  NOW,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import { decide } from '../decision/decide.ts';
import { verificationId } from '../status.ts';
import { addCycle } from '../verification/probe-cycle.ts';
import { withPins } from '../verification/recorded.ts';

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

describe('a soak', () => {
  /** Its time is over; this process has probed the pod so, or not at all. */
  const soaked = (code?: number) => {
    const stages = [
      { name: 'canary', state: 'Soaking', desired: 1, verified: 1, soakUntil: ago(1) },
    ] as const;
    const status = statusOf({ stages }, { maxPassed: 1, progressAt: ago(5) });
    const strategy = { stages: [{ name: 'canary', pods: 1, soakSeconds: 60 }, { name: 'rest' }] };
    const upgrade = upgradeOf({ status, spec: { strategy } });
    const verification = verificationId(upgrade, status);
    const pod = podOf();
    const passed = {
      ...conditionOf('True', 90),
      reason: 'PostCheckPassed',
      message: withPins('exited 0', verification, pod),
    };
    const conditions = { ...pod.conditions, Ready: conditionOf('True'), [VERIFIED]: passed };
    const verified = { ...pod, conditions };
    const context = { spec: upgrade.spec, template: ['web'], verification, inFallback: false };
    const record =
      code === undefined ? undefined : addCycle(undefined, context, verified, cycleOf(exit(code), verified));
    const records = new Map(record && [[pod.uid, record]]);
    const workload = workloadOf({ desired: 3, total: 3 });
    return decide(snapshotOf({ upgrade, workload, pods: [verified], records })).status.stages?.[0]?.state;
  };

  test('is over when its time is, and the last probe of each pod did not speak against it', () => {
    expect(soaked(0)).toBe('Done');
    expect(soaked(17)).toBe('Soaking');
  });

  test('is not over by time alone: a process that has just begun probes first', () => {
    expect(soaked()).toBe('Soaking');
  });
});

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
