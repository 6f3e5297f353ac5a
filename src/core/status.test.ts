import { describe, expect, test } from '@jest/globals';
import { ago, fallbackOf, NOW, statusOf, upgradeOf } from '../../test/support/snapshots.ts';
import type { Upgrade } from '../api/types.ts';
import { type ActiveStatus, endAttempt, isVerificationOf, resumedAt, verificationId } from './status.ts';
import { fromIso } from './time.ts';

function gatingAfter(wasGating: boolean, gating: boolean): boolean {
  const status = statusOf({}, { gating: wasGating }) as ActiveStatus;
  const end = { phase: 'Failed', outcome: 'Failed', cause: { reason: 'ProbeFailed' }, gating } as const;
  return endAttempt(upgradeOf({ status }), status, end, NOW).attempt.gating;
}

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

describe('what pods are verified for', () => {
  const status = statusOf();
  const upgrade = upgradeOf({ status });
  const named = ({ uid = 'upgrade-1', ...spec }: Record<string, unknown>): Upgrade => {
    const { metadata, ...rest } = upgradeOf({ status, spec });
    return { ...rest, metadata: { ...metadata, uid: String(uid) } };
  };

  test.each<[string, string]>([
    ['another Upgrade of the same name', verificationId(named({ uid: 'other-1' }), status)],
    ['another question', verificationId(named({ postCheck: { successThreshold: 2 } }), status)],
    ['another attempt', verificationId(upgrade, statusOf({}, { id: '2-abc' }))],
    [
      'the version before, asked before the first write',
      verificationId(upgrade, statusOf({}, { rolledAt: undefined })),
    ],
    ['the fallback', verificationId(upgrade, statusOf({ phase: 'FallingBack', fallback: fallbackOf() }))],
  ])('is not what %s verifies', (_whose, id) => {
    expect(id).not.toBe(verificationId(upgrade, status));
    expect(isVerificationOf(upgrade, status, id)).toBe(false);
  });

  test('stays while it is only asked more often', () => {
    const often = named({ postCheck: { periodSeconds: 1, deadlineSeconds: 60 } });
    expect(verificationId(often, status)).toBe(verificationId(upgrade, status));
  });
});
