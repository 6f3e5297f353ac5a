import { describe, expect, test } from '@jest/globals';
import { Brake } from './brake.ts';

const obstacle = { reason: 'NoEffect', write: { of: 'Status' } } as const;

describe('writes of one key', () => {
  test('are allowed in a burst, then a few per second, and in the long run one', () => {
    const brake = new Brake();
    const times: number[] = [];
    for (let now = 0; now < 300_000; ) {
      const wait = brake.take('shop/web', now);
      if (wait === 0) {
        times.push(now);
      } else {
        now += wait;
      }
    }
    const within = (from: number, to: number) => times.filter((at) => at >= from && at < to).length;
    expect(within(0, 1)).toBe(10);
    expect(within(1, 10_000)).toBeLessThanOrEqual(30);
    expect(within(200_000, 260_000)).toBeLessThanOrEqual(61);
    expect(within(200_000, 260_000)).toBeGreaterThanOrEqual(59);
  });

  test('do not delay another key', () => {
    const brake = new Brake();
    while (brake.take('shop/web', 0) === 0) {}
    expect(brake.take('shop/api', 0)).toBe(0);
    brake.forget('shop/web');
    expect(brake.take('shop/web', 0)).toBe(0);
  });
});

describe('a write that makes progress', () => {
  const reach = (...marks: string[]) => ({ attempt: '1-a', marks });
  const emptied = () => {
    const brake = new Brake();
    while (brake.take('shop/web', 0) === 0) {}
    return brake;
  };

  test('is never delayed the first time', () => {
    const brake = emptied();
    expect(brake.take('shop/web', 0, reach('forward Upgrading'))).toBe(0);
    expect(brake.take('shop/web', 0, reach('back FallingBack'))).toBe(0);
    expect(brake.take('shop/web', 0, reach('forward Upgrading'))).toBeGreaterThan(0);
    expect(brake.take('shop/web', 0, reach('back FallingBack', 'back patchImages'))).toBe(0);
    expect(brake.take('shop/web', 0, reach())).toBeGreaterThan(0);
  });

  test('counts again in the next attempt', () => {
    const brake = emptied();
    expect(brake.take('shop/web', 0, reach('forward Upgrading'))).toBe(0);
    expect(brake.take('shop/web', 0, { attempt: '2-b', marks: ['forward Upgrading'] })).toBe(0);
  });

  test('is limited, however many pods are created and deleted', () => {
    const brake = emptied();
    const granted = Array.from({ length: 60_000 }, (_, pod) =>
      brake.take('shop/web', 0, reach(`pod ${pod}`)),
    );
    expect(granted.filter((wait) => wait === 0)).toHaveLength(50_000);
  });
});

describe('a write without effect', () => {
  test('doubles its wait each time, up to a minute, until it has an effect', () => {
    const brake = new Brake();
    const waits = Array.from({ length: 8 }, () => {
      brake.slow('shop/web', 'status', 0, obstacle);
      return brake.waitMs('shop/web', 'status', 0);
    });
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(brake.waitMs('shop/web', 'patchImages', 0)).toBe(0);
    expect(brake.waitMs('shop/web', 'status', 60_000)).toBe(0);
    expect(brake.release('shop/web', 'status')).toBe(true);
    expect(brake.waitMs('shop/web', 'status', 0)).toBe(0);
    expect(brake.release('shop/web', 'status')).toBe(false);
  });

  test('is released after it was not wanted for as long as it would have waited', () => {
    const brake = new Brake();
    brake.slow('shop/web', 'recordResults', 0, obstacle);
    expect(brake.releaseUnwanted('shop/web', ['recordResults'], 400)).toBe(600);
    expect(brake.releaseUnwanted('shop/web', ['recordResults'], 1000)).toBe('released');
    expect(brake.releaseUnwanted('shop/web', ['recordResults'], 1001)).toBeUndefined();
  });

  test('is reported the third time', () => {
    const brake = new Brake();
    const reported = Array.from({ length: 3 }, () => {
      brake.slow('shop/web', 'status', 0, obstacle);
      return brake.obstacle('shop/web');
    });
    expect(reported).toEqual([undefined, undefined, obstacle]);
    brake.release('shop/web', 'status');
    expect(brake.obstacle('shop/web')).toBeUndefined();
  });
});
