import { describe, expect, test } from '@jest/globals';
import { Patience } from './patience.ts';

const forbidden = { kind: 'forbidden', message: 'cannot patch pods/status' } as const;

describe('a refused write', () => {
  test('is tried again after 20 s, and shown until it is done', () => {
    const patience = new Patience();
    patience.refused('shop/web', { what: 'action', failure: forbidden }, 1000);
    expect(patience.refusal('shop/web')).toBe(forbidden);
    expect(patience.retryAt('shop/web', 'action', 20_999)).toBe(21_000);
    expect(patience.retryAt('shop/web', 'action', 21_000)).toBeUndefined();
    expect(patience.granted('shop/web', 'action')).toBe(true);
    expect(patience.refusal('shop/web')).toBeUndefined();
    expect(patience.granted('shop/web', 'action')).toBe(false);
  });

  test('of a pod does not keep the status from being written, nor another Upgrade from anything', () => {
    const patience = new Patience();
    patience.refused('shop/web', { what: 'action', failure: forbidden }, 0);
    expect(patience.retryAt('shop/web', 'status', 1)).toBeUndefined();
    expect(patience.granted('shop/web', 'status')).toBe(false);
    expect(patience.retryAt('shop/api', 'action', 1)).toBeUndefined();
  });

  test('is forgotten with its Upgrade', () => {
    const patience = new Patience();
    patience.refused('shop/web', { what: 'status', failure: forbidden }, 0);
    patience.forget('shop/web');
    expect(patience.refusal('shop/web')).toBeUndefined();
  });
});

test('pods that slip past the gate are deleted one after the other, each after twice the time, up to a minute; a new attempt begins anew', () => {
  const patience = new Patience();
  expect(patience.deletionAt('shop/web', '1-a', 0)).toBeUndefined();
  const waits = Array.from({ length: 9 }, () => {
    patience.deleted('shop/web', '1-a', 0);
    return patience.deletionAt('shop/web', '1-a', 0);
  });
  expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  expect(patience.deletionAt('shop/web', '2-b', 0)).toBeUndefined();
});
