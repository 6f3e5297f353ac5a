import { describe, expect, test } from '@jest/globals';
import { WriteBackoff } from './write-backoff.ts';

const forbidden = { kind: 'forbidden', message: 'cannot patch pods/status' } as const;

describe('a refused write', () => {
  test('is retried after 20 s, and reported until it succeeds', () => {
    const backoff = new WriteBackoff();
    backoff.reject('shop/web', { what: 'action', failure: forbidden }, 1000);
    expect(backoff.refusal('shop/web')).toBe(forbidden);
    expect(backoff.waitMs('shop/web', 'action', 20_999)).toBe(1);
    expect(backoff.waitMs('shop/web', 'action', 21_000)).toBe(0);
    expect(backoff.clear('shop/web', 'action')).toBe(true);
    expect(backoff.refusal('shop/web')).toBeUndefined();
    expect(backoff.clear('shop/web', 'action')).toBe(false);
  });

  test('of a pod delays neither the status nor another Upgrade', () => {
    const backoff = new WriteBackoff();
    backoff.reject('shop/web', { what: 'action', failure: forbidden }, 0);
    expect(backoff.waitMs('shop/web', 'status', 1)).toBe(0);
    expect(backoff.clear('shop/web', 'status')).toBe(false);
    expect(backoff.waitMs('shop/api', 'action', 1)).toBe(0);
  });

  test('by a webhook that is unreachable is reported only when that lasts, until it succeeds', () => {
    const backoff = new WriteBackoff();
    const failure = { kind: 'unavailable', message: 'failed calling webhook', byWebhook: true } as const;
    const failAt = (now: number) => backoff.failed('shop/web', { what: 'action', failure }, now);
    expect(failAt(0)).toBe(false);
    expect(backoff.clear('shop/web', 'action')).toBe(true);
    expect(failAt(15_000)).toBe(false);
    expect(failAt(34_999)).toBe(false);
    expect(backoff.refusal('shop/web')).toBeUndefined();
    expect(backoff.waitMs('shop/web', 'action', 34_999)).toBe(0);
    expect(failAt(35_000)).toBe(true);
    expect(backoff.refusal('shop/web')).toBe(failure);
    expect(backoff.waitMs('shop/web', 'action', 35_000)).toBe(20_000);
    expect(backoff.clear('shop/web', 'action')).toBe(true);
    expect(backoff.refusal('shop/web')).toBeUndefined();
  });

  test.each([
    { kind: 'conflict', message: 'the object has been modified' },
    { kind: 'unavailable', message: '503 Service Unavailable' },
    { kind: 'throttled', message: '429 Too Many Requests', retryAfterMs: 1000 },
  ] as const)('that meets $kind for a minute is reported, and no longer delayed than before', (failure) => {
    const backoff = new WriteBackoff();
    const failAt = (now: number) => backoff.failed('shop/web', { what: 'action', failure }, now);
    expect([failAt(0), failAt(30_000), failAt(59_999)]).toEqual([false, false, false]);
    expect(backoff.refusal('shop/web')).toBeUndefined();
    expect(failAt(60_000)).toBe(true);
    expect(backoff.refusal('shop/web')).toBe(failure);
    expect(backoff.waitMs('shop/web', 'action', 60_000)).toBe(0);
    expect(backoff.clear('shop/web', 'action')).toBe(true);
    expect(backoff.refusal('shop/web')).toBeUndefined();
  });

  test('that fails once now and then does not keep failing', () => {
    const backoff = new WriteBackoff();
    const failure = { kind: 'conflict', message: 'the object has been modified' } as const;
    const failAt = (now: number) => backoff.failed('shop/web', { what: 'status', failure }, now);
    expect([failAt(0), failAt(61_000), failAt(3_600_000)]).toEqual([false, false, false]);
    expect(backoff.refusal('shop/web')).toBeUndefined();
  });

  test('is forgotten with its Upgrade', () => {
    const backoff = new WriteBackoff();
    backoff.reject('shop/web', { what: 'status', failure: forbidden }, 0);
    backoff.forget('shop/web');
    expect(backoff.refusal('shop/web')).toBeUndefined();
  });
});

test('pods without the gate are deleted one after the other with doubling delay up to a minute; a new attempt starts again', () => {
  const backoff = new WriteBackoff();
  expect(backoff.deletionWaitMs('shop/web', '1-a', 0)).toBe(0);
  const waits = Array.from({ length: 9 }, () => {
    backoff.countDeletion('shop/web', '1-a', 0);
    return backoff.deletionWaitMs('shop/web', '1-a', 0);
  });
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect(backoff.deletionWaitMs('shop/web', '2-b', 0)).toBe(0);
});
