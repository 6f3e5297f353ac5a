/** What an attempt waits for, as it is stored. */
import { describe, expect, test } from '@jest/globals';
import { ago, NOW, snapshotOf, statusOf, upgradeOf } from '../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../api/types.ts';
import { QUEUE_SHOWN_FROM } from './status.ts';
import { queuedWait, storedWait, waitsToStart } from './wait.ts';

const soaking = { reason: 'Soaking', since: ago(90), until: ago(-5) } as const;

describe('a wait is stored', () => {
  test('with its start, its end and its detail', () => {
    const closed = { reason: 'WindowClosed', until: NOW + 60_000, timeZone: 'UTC' } as const;
    expect(storedWait(undefined, closed, NOW)).toEqual({
      reason: 'WindowClosed',
      since: ago(0),
      until: ago(-60),
      detail: 'Thu 2026-01-01 00:11 UTC',
    });
    expect(storedWait(undefined, { reason: 'AwaitingApproval' }, NOW)).toEqual({
      reason: 'AwaitingApproval',
      since: ago(0),
      until: undefined,
      detail: undefined,
    });
  });

  test('with its first start while its reason stays', () => {
    expect(storedWait(soaking, { reason: 'Soaking', until: NOW }, NOW)).toMatchObject({
      since: ago(90),
      until: ago(0),
    });
    expect(storedWait(soaking, { reason: 'AwaitingApproval' }, NOW)?.since).toBe(ago(0));
    expect(storedWait(soaking, undefined, NOW)).toBeUndefined();
  });
});

test.each([
  ['one that is under way', statusOf({ waiting: soaking }), false],
  ['one that has ended', statusOf({ phase: 'Succeeded', waiting: soaking }), true],
  [
    'one that has ended, but goes on',
    statusOf(
      { waiting: soaking },
      { end: { outcome: 'Partial', reason: 'ProbeFailed', cause: '', at: ago(1) } },
    ),
    true,
  ],
  ['none', { phase: 'Pending', waiting: soaking } as const, true],
  ['none that waits', statusOf({ phase: 'Succeeded' }), false],
  ['none at all', undefined, false],
])('the next attempt waits after %s: %s', (_, status, expected) => {
  expect(waitsToStart(status)).toBe(expected);
});

describe('with many others before it, an attempt', () => {
  const waitOf = (status: UpgradeStatus, queued = QUEUE_SHOWN_FROM) =>
    queuedWait(snapshotOf({ upgrade: upgradeOf({ status }), queued }));

  test.each([
    ['that is the first', {}],
    ['that follows another', statusOf({ phase: 'FellBack' })],
  ])('%s says that it waits, once', (_, status) => {
    expect(waitOf(status)).toEqual({ reason: 'Queued' });
    expect(waitOf({ ...status, waiting: { reason: 'Queued', since: ago(9) } })).toBeUndefined();
  });

  test('does not wait in place of one that is under way, or behind a few', () => {
    expect(waitOf(statusOf({ phase: 'Upgrading' }))).toBeUndefined();
    expect(waitOf({}, QUEUE_SHOWN_FROM - 1)).toBeUndefined();
  });
});
