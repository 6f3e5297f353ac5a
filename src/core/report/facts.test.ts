import { describe, expect, test } from '@jest/globals';
import { ago, fallbackOf, statusOf, upgradeOf } from '../../../test/support/snapshots.ts';
import type { Condition, UpgradeStatus } from '../../api/types.ts';
import { upgradeFacts } from './facts.ts';

const of = (status: UpgradeStatus | undefined, spec = {}) => upgradeFacts(upgradeOf({ spec }), status);
const time = (secondsAgo: number): number => Date.parse(ago(secondsAgo));
const condition = (
  type: Condition['type'],
  status: Condition['status'],
  reason: Condition['reason'],
): Condition => ({ type, status, reason, message: '', lastTransitionTime: ago(0), observedGeneration: 1 });
const counts = {
  desired: 5,
  updated: 5,
  ready: 5,
  passed: 2,
  retrying: 0,
  failed: 0,
  inconclusive: 0,
  skipped: 1,
};
const left = [{ name: 'node-1', state: 'Failed', reason: 'ProbeFailed' }] as const;

describe('the facts of an Upgrade', () => {
  test('do not exist before it has a status', () => {
    expect(of(undefined)).toBeUndefined();
    expect(of({})).toBeUndefined();
  });

  test('say nothing that is not reported yet', () => {
    expect(of(statusOf())).toEqual({
      kind: 'Deployment',
      target: 'web',
      phase: 'Upgrading',
      ready: 'Unknown',
      stalled: 'Unknown',
      reason: '',
      gate: '',
      left: 0,
      progressAt: time(60),
      waiting: undefined,
    });
  });

  test('are those of its conditions', () => {
    const conditions = [
      condition('Ready', 'False', 'ProbeFailed'),
      condition('Stalled', 'True', 'FellBack'),
      condition('Gated', 'True', 'GatePolicyApplied'),
    ];
    expect(of(statusOf({ conditions }))).toMatchObject({
      ready: 'False',
      stalled: 'True',
      reason: 'ProbeFailed',
      gate: 'GatePolicyApplied',
    });
  });

  test('have what it waits for', () => {
    expect(of(statusOf({ waiting: { reason: 'Soaking', since: ago(9) } }))).toMatchObject({
      waiting: { reason: 'Soaking', since: time(9) },
      progressAt: undefined,
    });
  });
});

describe('the last progress', () => {
  test.each<[string, number | undefined, UpgradeStatus]>([
    ['that of the attempt', 60, statusOf()],
    ['its start', 20, statusOf({}, { startedAt: ago(20) })],
    ['the start of the fallback', 30, statusOf({ fallback: fallbackOf() })],
    ['the write of the fallback', 25, statusOf({ fallback: fallbackOf({ rolledAt: ago(25) }) })],
    ['none without an attempt', undefined, { phase: 'Pending' }],
    [
      'none after the end',
      undefined,
      statusOf({}, { end: { outcome: 'Failed', reason: 'ProbeFailed', cause: '', at: ago(1) } }),
    ],
  ])('is %s', (_, secondsAgo, status) => {
    expect(of(status)?.progressAt).toBe(secondsAgo && time(secondsAgo));
  });

  test('is none while the Upgrade is paused', () => {
    expect(of(statusOf(), { paused: true })?.progressAt).toBeUndefined();
  });
});

describe('the places that are left', () => {
  test.each<[string, number, UpgradeStatus]>([
    ['those of the list, while the attempt runs', 1, statusOf({ left, counts })],
    ['every pod without a result, after the end', 2, statusOf({ phase: 'Partial', left, counts })],
    [
      'those of the list, if there are more',
      1,
      statusOf({ phase: 'Partial', left, counts: { ...counts, passed: 4 } }),
    ],
  ])('are %s', (_, count, status) => {
    expect(of(status)?.left).toBe(count);
  });
});
