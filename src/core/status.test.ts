import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { valuesOf } from '../../test/support/from-schema.ts';
import { activeStatusOf, ago, fallbackOf, NOW, statusOf, upgradeOf } from '../../test/support/snapshots.ts';
import { StatusSchema } from '../api/schema-status.ts';
import type { Upgrade, UpgradeStatus } from '../api/types.ts';
import { completeStatus, NOT_COUNTED, storedStatus, unlessEmpty } from './complete-status.ts';
import { endAttempt, isVerificationOf, resumedAt, verificationId, waitsForPods } from './status.ts';
import { fromIso } from './time.ts';

function gatingAfter(wasGating: boolean, gating: boolean): boolean {
  const status = activeStatusOf({}, { gating: wasGating });
  const end = { phase: 'Failed', outcome: 'Failed', cause: { reason: 'ProbeFailed' }, gating } as const;
  return endAttempt(upgradeOf({ status }), status, end, NOW).attempt.gating;
}

describe('a status', () => {
  const stored = valuesOf(StatusSchema).map(
    (status): UpgradeStatus => ({ phase: 'Upgrading', ...(status as UpgradeStatus), message: 'x' }),
  );

  test('is stored as it was read, whatever it contains', () => {
    fc.assert(
      fc.property(stored, (status) => {
        expect(storedStatus(completeStatus(status))).toStrictEqual(status);
      }),
    );
    expect(storedStatus(completeStatus(undefined))).toStrictEqual({});
  });

  test('is stored with the empty lists that it has, and without those that it lacks', () => {
    const status = { ...statusOf(), pods: [], left: [] };
    expect(storedStatus({ ...completeStatus(status), left: unlessEmpty([]) })).toStrictEqual({
      ...statusOf(),
      pods: [],
    });
  });

  test('of which nothing has been counted yet is not one of a workload without pods', () => {
    const rolled = completeStatus({ ...statusOf(), phase: 'PostChecking' });
    expect(waitsForPods(rolled)).toBe(false);
    expect(waitsForPods({ ...rolled, counts: { ...NOT_COUNTED } })).toBe(true);
  });
});

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

  test('does not depend on how often it is probed', () => {
    const often = named({ postCheck: { periodSeconds: 1, deadlineSeconds: 60 } });
    expect(verificationId(often, status)).toBe(verificationId(upgrade, status));
  });
});
