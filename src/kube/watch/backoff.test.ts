import { describe, expect, test } from '@jest/globals';
import { Backoff, WATCH_TIMING } from './backoff.ts';

interface End {
  readonly livedMs: number;
  readonly progressed: boolean;
  readonly slow: boolean;
}
const failing: End = { livedMs: 0, progressed: false, slow: false };

/** Openings in each minute, when every stream ends the same way. */
function openingsPerMinute(end: End, minutes: number, random: () => number = Math.random): number[] {
  const backoff = new Backoff(WATCH_TIMING, random);
  const counts = Array.from({ length: minutes }, () => 0);
  for (let at = 0; at < minutes * 60_000; at += end.livedMs + backoff.next(end)) {
    counts[Math.floor(at / 60_000)]! += 1;
  }
  return counts;
}

test('one failure costs about a second', () => {
  for (const random of [0, 0.5, 0.999]) {
    expect(new Backoff(WATCH_TIMING, () => random).next(failing)).toBeGreaterThanOrEqual(800);
  }
  for (const random of [0, 0.5, 0.999]) {
    expect(new Backoff(WATCH_TIMING, () => random).next(failing)).toBeLessThanOrEqual(1200);
  }
});

describe('for ever', () => {
  test.each([0, 0.5, 0.999])(
    'failing at once comes to at most two openings a minute after the first (random %d)',
    (random) => {
      const [first, ...later] = openingsPerMinute(failing, 30, () => random);
      expect(first).toBeLessThanOrEqual(7);
      expect(Math.max(...later)).toBeLessThanOrEqual(2);
    },
  );

  test('an event and an end comes to at most one opening a second', () => {
    const counts = openingsPerMinute({ livedMs: 0, progressed: true, slow: false }, 30);
    expect(Math.max(...counts)).toBeLessThanOrEqual(60);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(30);
  });

  test('being cut every 20 s leaves the watch open two thirds of the time', () => {
    expect(openingsPerMinute({ livedMs: 20_000, progressed: false, slow: false }, 30).at(-1)).toBe(2);
  });

  test('forbidden starts at the longest interval', () => {
    expect(openingsPerMinute({ livedMs: 0, progressed: false, slow: true }, 30)[0]).toBeLessThanOrEqual(2);
  });
});

test('a failure after a minute of health costs half a second at most, and then counts from one again', () => {
  const backoff = new Backoff(WATCH_TIMING, () => 0.999);
  for (let i = 0; i < 10; i += 1) {
    backoff.next(failing);
  }
  expect(backoff.next({ ...failing, livedMs: 60_000 })).toBeLessThanOrEqual(500);
  expect(backoff.next(failing)).toBeLessThanOrEqual(1_200);
});

test('nothing is ever waited for longer than half a minute and a bit, and never not at all', () => {
  const backoff = new Backoff(WATCH_TIMING, Math.random);
  for (let i = 0; i < 1_000; i += 1) {
    const delayMs = backoff.next({ ...failing, livedMs: i % 7 === 0 ? 59_999 : 0 });
    expect(delayMs).toBeGreaterThanOrEqual(200);
    expect(delayMs).toBeLessThanOrEqual(31_000);
  }
});
