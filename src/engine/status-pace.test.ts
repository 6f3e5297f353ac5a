import { describe, expect, test } from '@jest/globals';
import type { UpgradeStatus } from '../api/types.ts';
import type { Plan } from '../core/decision/decide.ts';
import { changeOf } from '../core/report/status-diff.ts';
import { StatusPace } from './status-pace.ts';

const statusWith = (passed: number, phase: UpgradeStatus['phase'] = 'Upgrading'): UpgradeStatus => ({
  phase,
  counts: {
    desired: 10,
    updated: 10,
    ready: 10,
    passed,
    retrying: 0,
    failed: 0,
    inconclusive: 0,
    skipped: 0,
  },
});
const stored = statusWith(1);
const progress = { status: statusWith(2), intent: false } as Plan;
const transition = { status: statusWith(2, 'Succeeded'), intent: false } as Plan;

interface Writer {
  readonly pace: StatusPace;
  readonly pass: (ms: number) => void;
  /** Writes the progress of these that is due; returns how many. */
  readonly write: (keys: readonly string[]) => number;
}

function writer(): Writer {
  let now = 1_000_000;
  const pace = new StatusPace({ steady: () => now });
  const write = (keys: readonly string[]) => {
    const due = keys.filter((key) => pace.dueMs(key, changeOf(stored, progress.status), progress) === 0);
    for (const key of due) {
      pace.written(key);
    }
    return due.length;
  };
  const pass = (ms: number) => {
    now += ms;
  };
  return { pace, pass, write };
}

/** So many writes in a minute, looked at each tenth of a second. */
function writesInAMinute({ pass, write }: Writer, keys: readonly string[]): number {
  let writes = 0;
  for (let ms = 0; ms < 60_000; ms += 100) {
    pass(100);
    writes += write(keys);
  }
  return writes;
}

const keysOf = (count: number) => Array.from({ length: count }, (_, index) => `shop/web-${index}`);

describe('the progress of an Upgrade', () => {
  test('is written at most every two seconds', () => {
    const one = writer();
    expect(one.write(['shop/web'])).toBe(1);
    expect(one.pace.dueMs('shop/web', changeOf(stored, progress.status), progress)).toBe(2000);
    expect(writesInAMinute(one, ['shop/web'])).toBe(30);
  });

  test('is as fresh beside that of nineteen others', () => {
    const few = writer();
    few.write(keysOf(20));
    expect(writesInAMinute(few, keysOf(20))).toBeGreaterThan(20 * 25);
  });

  test('takes turns where hundreds roll out at once, and each has one within half a minute', () => {
    const many = writer();
    const keys = keysOf(200);
    many.write(keys);
    expect(writesInAMinute(many, keys)).toBeLessThanOrEqual(600);
    for (const key of keys) {
      expect(many.pace.dueMs(key, changeOf(stored, progress.status), progress)).toBeLessThanOrEqual(30_000);
    }
  });

  test('waits no longer than half a minute for its turn, beside however many', () => {
    const crowd = writer();
    const keys = keysOf(2000);
    crowd.write(keys);
    crowd.pass(2000);
    const waits = keys.map((key) => crowd.pace.dueMs(key, changeOf(stored, progress.status), progress) ?? 0);
    expect(Math.max(...waits)).toBe(30_000);
  });

  test('is soon written beside however many of another namespace, also if these never use their turns', () => {
    const crowd = writer();
    const hostile = Array.from({ length: 2000 }, (_, index) => `hostile/web-${index}`);
    crowd.write([...hostile, 'shop/web']);
    crowd.pass(2000);
    for (const key of hostile) {
      crowd.pace.dueMs(key, changeOf(stored, progress.status), progress);
    }
    const waitMs = crowd.pace.dueMs('shop/web', changeOf(stored, progress.status), progress);
    expect(waitMs).toBeLessThan(1000);
  });

  test('leaves a turn that it does not need to the next one', () => {
    const { pace, write, pass } = writer();
    write(['a/web', 'b/web', 'c/web']);
    pass(2000);
    const waitMs = (key: string) => pace.dueMs(key, changeOf(stored, progress.status), progress);
    expect(waitMs('a/web')).toBe(0);
    const second = waitMs('b/web');
    pace.written('b/web');
    expect(waitMs('c/web')).toBe(second);
  });

  test('does not hold up what somebody may wait for', () => {
    const many = writer();
    const keys = keysOf(200);
    many.write(keys);
    many.pass(2000);
    for (const key of keys) {
      many.pace.dueMs(key, changeOf(stored, progress.status), progress);
      expect(many.pace.dueMs(key, changeOf(stored, transition.status), transition)).toBe(0);
    }
  });
});
