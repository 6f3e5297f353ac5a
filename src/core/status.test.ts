import { describe, expect, test } from '@jest/globals';
import { ago, NOW, statusOf, upgradeOf } from '../../test/support/snapshots.ts';
import { type ActiveStatus, endAttempt, resumedAt } from './status.ts';
import { fromIso } from './time.ts';

const gatingAfter = (wasGating: boolean, gating: boolean): boolean => {
  const status = statusOf({}, { gating: wasGating }) as ActiveStatus;
  const end = { phase: 'Failed', outcome: 'Failed', cause: { reason: 'ProbeFailed' }, gating } as const;
  return endAttempt(upgradeOf({ status }), status, end, NOW).attempt.gating;
};

describe('an attempt that has ended', () => {
  test('gates on only when it did, and unverified pods may still be there', () => {
    expect(gatingAfter(true, true)).toBe(true);
    expect(gatingAfter(true, false)).toBe(false);
    expect(gatingAfter(false, true)).toBe(false);
  });
});

test('clocks count from when they were resumed', () => {
  expect(resumedAt(statusOf({ paused: { resumedAt: ago(7), seconds: 60 } }))).toBe(fromIso(ago(7)));
  expect(resumedAt(statusOf({ paused: { since: ago(7) } }))).toBeUndefined();
});
