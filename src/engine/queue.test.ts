import { describe, expect, test } from '@jest/globals';
import { drain, VirtualClock } from '../../test/sim/clock.ts';
import { Queue } from './queue.ts';

interface Bench {
  readonly clock: VirtualClock;
  readonly queue: Queue;
  readonly worked: string[];
  /** Lets the work under way end. */
  readonly finish: (result?: 'done' | 'retry') => Promise<void>;
  readonly told: string[];
}

function benchOf(workers = 1): Bench {
  const clock = new VirtualClock(0, 1);
  const worked: string[] = [];
  const told: string[] = [];
  const ends: ((result: 'done' | 'retry') => void)[] = [];
  const tell = (what: string) => (value?: number) =>
    void told.push(value === undefined ? what : `${what} ${value}`);
  const queue = new Queue({
    clock,
    workers,
    telemetry: {
      depth: tell('depth'),
      added: tell('added'),
      retried: tell('retried'),
      waited: () => {},
      worked: () => {},
    },
    work: (key) => {
      worked.push(`${clock.now()} ${key}`);
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  queue.start();
  const finish = async (result: 'done' | 'retry' = 'done') => {
    ends.shift()?.(result);
    await drain();
  };
  return { clock, queue, worked, told, finish };
}
const run = (clock: VirtualClock, until: number): Promise<void> => clock.runUntil(until, () => {});

describe('a key', () => {
  test('is worked on once, however often it was added while it waited', async () => {
    const { queue, worked, finish } = benchOf();
    queue.add('a');
    queue.add('b');
    queue.add('b');
    await finish();
    await finish();
    expect(worked).toEqual(['0 a', '0 b']);
  });

  test('is worked on once more when it was added while it was worked on', async () => {
    const { queue, worked, finish } = benchOf(8);
    queue.add('a');
    queue.add('a');
    queue.add('a');
    expect(worked).toEqual(['0 a']);
    await finish();
    await finish();
    expect(worked).toEqual(['0 a', '0 a']);
  });

  test('never waits for another one while there is a worker', () => {
    const { queue, worked } = benchOf(2);
    for (const key of ['a', 'b', 'c']) {
      queue.add(key);
    }
    expect(worked).toEqual(['0 a', '0 b']);
  });

  test('comes back at the earliest time that was asked for', async () => {
    const { clock, queue, worked } = benchOf();
    queue.addAt('a', 5000);
    queue.addAt('a', 2000);
    queue.addAt('a', 9000);
    await run(clock, 10_000);
    expect(worked).toEqual(['2000 a']);
  });

  test('comes back slower and slower while it fails, up to half a minute, and at once after a success', async () => {
    const { clock, queue, worked, finish, told } = benchOf();
    queue.add('a');
    for (let i = 0; i < 12; i++) {
      await finish('retry');
      await run(clock, clock.now() + 40_000);
    }
    const times = worked.map((entry) => Number(entry.split(' ')[0]));
    const waits = times.slice(1).map((time, index) => time - 40_000 * index);
    expect(waits[0]).toBeLessThan(70);
    expect(waits.every((wait) => wait <= 37_500)).toBe(true);
    expect(waits.at(-1)).toBeGreaterThan(20_000);
    expect(told.filter((entry) => entry === 'retried')).toHaveLength(12);
    await finish('done');
    queue.add('a');
    await finish('retry');
    const before = clock.now();
    await run(clock, before + 1000);
    expect(Number(worked.at(-1)?.split(' ')[0])).toBeLessThan(before + 70);
  });
});

describe('stopping', () => {
  test('waits for the work under way and takes no more', async () => {
    const { clock, queue, worked, finish } = benchOf();
    queue.add('a');
    queue.add('b');
    queue.addAt('c', 1000);
    let stopped = false;
    void queue.stop().then(() => {
      stopped = true;
    });
    await drain();
    expect(stopped).toBe(false);
    await finish();
    expect(stopped).toBe(true);
    await run(clock, 60_000);
    expect(worked).toEqual(['0 a']);
  });

  test('is at once when nothing is under way', async () => {
    await expect(benchOf().queue.stop()).resolves.toBeUndefined();
  });
});

test('nothing is worked on before the start, and the depth is told', () => {
  const told: number[] = [];
  const telemetry = {
    depth: (items: number) => void told.push(items),
    added: () => {},
    retried: () => {},
    waited: () => {},
    worked: () => {},
  };
  const queue = new Queue({
    clock: new VirtualClock(0, 1),
    workers: 1,
    telemetry,
    work: () => Promise.resolve('done' as const),
  });
  queue.add('a');
  queue.add('b');
  expect(told).toEqual([1, 2]);
});
