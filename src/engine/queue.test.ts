import { describe, expect, test } from '@jest/globals';
import { drain, VirtualClock } from '../../test/sim/clock.ts';
import { Queue, type Result } from './queue.ts';

interface Bench {
  readonly clock: VirtualClock;
  readonly queue: Queue;
  readonly worked: string[];
  /** Lets the work under way end. */
  readonly finish: (result?: Result) => Promise<void>;
  readonly told: string[];
}

function benchOf(workers = 1, reservedWorkers = 0): Bench {
  const clock = new VirtualClock(0, 1);
  const worked: string[] = [];
  const told: string[] = [];
  const ends: ((result: Result) => void)[] = [];
  const tell = (what: string) => (value?: number) =>
    void told.push(value === undefined ? what : `${what} ${value}`);
  const queue = new Queue({
    clock,
    workers,
    reservedWorkers,
    begins: (key) => /\/(new|shown)$/.test(key),
    announces: (key) => key.endsWith('/shown'),
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
  const finish = async (result: Result = {}) => {
    await turn(clock);
    ends.shift()?.(result);
    await drain();
    await turn(clock);
  };
  return { clock, queue, worked, told, finish };
}
/** What is due now, and no later. */
const turn = (clock: VirtualClock): Promise<void> => clock.runUntil(clock.now(), () => {});
const run = (clock: VirtualClock, until: number): Promise<void> => clock.runUntil(until, () => {});

describe('a key', () => {
  test('is processed once, however often it was added while it waited', async () => {
    const { queue, worked, finish } = benchOf();
    queue.add('a');
    queue.add('b');
    queue.add('b');
    await finish();
    await finish();
    expect(worked).toEqual(['0 a', '0 b']);
  });

  test('is processed once more if it was added while it was processed', async () => {
    const { clock, queue, worked, finish } = benchOf(8);
    queue.add('a');
    await turn(clock);
    queue.add('a');
    queue.add('a');
    expect(worked).toEqual(['0 a']);
    await finish();
    await finish();
    expect(worked).toEqual(['0 a', '0 a']);
  });

  test('that was expensive rests, and is then processed once for all that was added meanwhile', async () => {
    const { clock, queue, worked, finish } = benchOf(8);
    queue.add('a');
    await finish({ busyMs: 20 });
    queue.add('a');
    queue.add('b');
    await run(clock, 150);
    queue.add('a');
    expect(worked).toEqual(['0 a', '0 b']);
    await run(clock, 1000);
    expect(worked).toEqual(['0 a', '0 b', '200 a']);
  });

  test('rests for a second at most, however expensive it was', async () => {
    const { clock, queue, worked, finish } = benchOf(8);
    queue.add('a');
    await finish({ busyMs: 300 });
    queue.add('a');
    await run(clock, 5000);
    expect(worked).toEqual(['0 a', '1000 a']);
  });

  test('rests not when it has priority, was cheap, or took long only because it waited', async () => {
    const { clock, queue, worked, finish } = benchOf(8);
    queue.add('urgent');
    await finish({ busyMs: 20 });
    queue.add('urgent', true);
    queue.add('cheap');
    await finish({ busyMs: 0.5 });
    await finish({ busyMs: 0.5 });
    queue.add('cheap');
    await finish();
    expect(worked).toEqual(['0 urgent', '0 cheap', '0 urgent', '0 cheap']);
    queue.add('waited');
    await run(clock, 500);
    await finish();
    await finish({ busyMs: 20 });
    queue.add('waited');
    await turn(clock);
    expect(worked.slice(4)).toEqual(['0 waited', '500 waited']);
  });

  test('never waits for another key while a worker is free', async () => {
    const { clock, queue, worked } = benchOf(2);
    for (const key of ['a', 'b', 'c']) {
      queue.add(key);
    }
    await turn(clock);
    expect(worked).toEqual(['0 a', '0 b']);
  });

  test('of one namespace never has all workers, with priority or without', async () => {
    const { clock, queue, worked, finish } = benchOf(4, 4);
    for (let i = 0; i < 20; i++) {
      queue.add(`hostile/${i}`, i < 10);
    }
    await turn(clock);
    expect(worked).toHaveLength(6);
    queue.add('shop/a');
    queue.add('shop/b', true);
    await turn(clock);
    expect(worked.slice(6).sort()).toEqual(['0 shop/a', '0 shop/b']);
    await finish();
    expect(worked).toHaveLength(9);
    expect(worked.at(-1)).toMatch(/hostile/);
  });

  test('whose write was held keeps its backoff', async () => {
    const { clock, queue, worked, finish } = benchOf();
    queue.add('a');
    for (let failures = 0; failures < 6; failures++) {
      await finish({ backoff: true });
      await run(clock, clock.now() + 60_000);
    }
    await finish({ requeueAfterMs: 1, held: true });
    await run(clock, clock.now() + 1);
    const before = worked.length;
    await finish({ backoff: true });
    await run(clock, clock.now() + 1000);
    expect(worked).toHaveLength(before);
    await run(clock, clock.now() + 60_000);
    expect(worked).toHaveLength(before + 1);
  });

  test('begins its backoff anew when something was done before it failed', async () => {
    const { clock, queue, worked, finish } = benchOf();
    queue.add('a');
    for (let i = 0; i < 5; i++) {
      await finish({ backoff: true, progressed: true });
      await run(clock, clock.now() + 63);
    }
    expect(worked).toHaveLength(6);
  });

  test('is requeued when requested, at once or later, and sooner if it was added meanwhile', async () => {
    const { clock, queue, worked, finish } = benchOf();
    queue.add('a');
    await finish({ requeueAfterMs: 3000 });
    await run(clock, 3000);
    await finish({ requeueAfterMs: 0 });
    expect(worked).toEqual(['0 a', '3000 a', '3000 a']);
    queue.add('a');
    await finish({ requeueAfterMs: 9000 });
    expect(worked).toHaveLength(4);
  });

  test('is requeued at the earliest requested time', async () => {
    const { clock, queue, worked } = benchOf();
    queue.addAfter('a', 5000);
    queue.addAfter('a', 2000);
    queue.addAfter('a', 9000);
    await run(clock, 10_000);
    expect(worked).toEqual(['2000 a']);
  });

  test('is retried with increasing delay up to half a minute, and at once after a success', async () => {
    const { clock, queue, worked, finish, told } = benchOf();
    queue.add('a');
    for (let i = 0; i < 12; i++) {
      await finish({ backoff: true });
      await run(clock, clock.now() + 40_000);
    }
    const times = worked.map((entry) => Number(entry.split(' ')[0]));
    const waits = times.slice(1).map((time, index) => time - 40_000 * index);
    expect(waits[0]).toBeLessThan(70);
    expect(waits.every((wait) => wait <= 37_500)).toBe(true);
    expect(waits.at(-1)).toBeGreaterThan(20_000);
    expect(told.filter((entry) => entry === 'retried')).toHaveLength(12);
    await finish();
    queue.add('a');
    await finish({ backoff: true });
    const before = clock.now();
    await run(clock, before + 1000);
    expect(Number(worked.at(-1)?.split(' ')[0])).toBeLessThan(before + 70);
  });
});

test('namespaces take turns: thousands of keys of one do not delay another', async () => {
  const { clock, queue, worked, finish } = benchOf();
  for (let i = 0; i < 1000; i++) {
    queue.add(`noisy/${i}`);
  }
  await turn(clock);
  queue.add('quiet/web');
  queue.add('quiet/api');
  for (let i = 0; i < 4; i++) {
    await finish();
  }
  expect(worked).toEqual(['0 noisy/0', '0 noisy/1', '0 quiet/web', '0 noisy/2', '0 quiet/api']);
});

describe('a key with priority', () => {
  test('overtakes, on a worker of its own, and only once', async () => {
    const { clock, queue, worked } = benchOf(1, 1);
    queue.add('noisy/0');
    await turn(clock);
    queue.add('noisy/1');
    queue.add('quiet/web');
    queue.add('quiet/web', true);
    queue.add('quiet/web', true);
    queue.add('quiet/web');
    await turn(clock);
    expect(worked).toEqual(['0 noisy/0', '0 quiet/web']);
  });

  test('keeps the others waiting no longer, however many there are of its kind', async () => {
    const { clock, queue, worked, finish } = benchOf(1, 1);
    for (let i = 0; i < 1000; i++) {
      queue.add(`noisy/${i}`, true);
    }
    await turn(clock);
    queue.add('quiet/web');
    await finish();
    await finish();
    expect(worked).toEqual(['0 noisy/0', '0 noisy/1', '0 noisy/2', '0 quiet/web']);
  });

  test.each([
    ['failed', { backoff: true }, true],
    ['had to wait', { requeueAfterMs: 60, held: true }, true],
    ['was done', { requeueAfterMs: 60 }, false],
  ] as const)('is kept for the next time when what was to be done %s: %o', async (_how, result, keeps) => {
    const { clock, queue, worked, finish } = benchOf(1, 1);
    queue.add('busy');
    await turn(clock);
    queue.add('fallback', true);
    await turn(clock);
    expect(worked).toEqual(['0 busy', '0 fallback']);
    queue.add('other');
    // The first that ends is `busy`, whose worker takes `other`; the reserved one is free then for keys with priority alone.
    await finish();
    await finish(result);
    await run(clock, 100);
    const again = worked.slice(3).map((line) => line.split(' ')[1]);
    expect(again).toEqual(keeps ? ['fallback'] : []);
  });

  test('is not lost when the key is added without it for an earlier time', async () => {
    const { clock, queue, worked } = benchOf(1, 1);
    queue.add('busy');
    queue.addAfter('fallback', 80, true);
    queue.addAfter('fallback', 30);
    await run(clock, 29);
    expect(worked).toEqual(['0 busy']);
    await run(clock, 30);
    expect(worked).toEqual(['0 busy', '30 fallback']);
  });

  test('that was given while the key was processed counts for the next time', async () => {
    const { clock, queue, worked, finish } = benchOf(1, 1);
    queue.add('shop/web');
    await turn(clock);
    queue.add('shop/web', true);
    queue.add('shop/web');
    queue.add('shop/api');
    await finish();
    expect(worked).toEqual(['0 shop/web', '0 shop/web', '0 shop/api']);
  });
});

describe('a key that begins something new', () => {
  test('waits until the one before it is done, whoever else is free', async () => {
    const { clock, queue, worked, finish } = benchOf(8);
    queue.add('first/new');
    queue.add('second/new');
    queue.add('third/new');
    await turn(clock);
    expect(worked).toEqual(['0 first/new']);
    await finish();
    await finish();
    expect(worked).toEqual(['0 first/new', '0 second/new', '0 third/new']);
  });

  test('is not held up for good by one that takes long, nor by all of one namespace', async () => {
    const { clock, queue, worked } = benchOf(8);
    for (let i = 0; i < 10; i++) {
      queue.add(`slow/${i}/new`);
    }
    await run(clock, 1000);
    expect(worked.map((line) => line.split(' ')[0])).toEqual(['0', '250', '500', '750', '1000']);
    await run(clock, 10_000);
    expect(worked).toHaveLength(6);
    queue.add('shop/new');
    await turn(clock);
    expect(worked.at(-1)).toBe('10000 shop/new');
  });

  test('has a worker of its kind, however much is under way', async () => {
    const { clock, queue, worked, finish } = benchOf(1);
    for (let i = 0; i < 1000; i++) {
      queue.add(`busy/${i}`);
    }
    queue.add('shop/new');
    await turn(clock);
    expect(worked).toEqual(['0 busy/0', '0 shop/new']);
    await finish();
    queue.add('other/new');
    await finish();
    expect(worked.slice(2)).toEqual(['0 busy/1', '0 other/new']);
  });

  test('says that it waits before its turn, one after the other, and is counted until then', async () => {
    const { clock, queue, worked, finish } = benchOf(8);
    queue.add('first/new');
    await turn(clock);
    queue.add('second/new');
    queue.add('third/shown');
    queue.add('fourth/shown');
    expect(queue.beginning).toBe(3);
    await turn(clock);
    expect(worked).toEqual(['0 first/new', '0 third/shown']);
    await finish();
    await finish();
    expect(worked.slice(2)).toEqual(['0 second/new', '0 fourth/shown']);
    expect(queue.beginning).toBe(0);
  });

  test('waits for nobody once it has priority', async () => {
    const { clock, queue, worked } = benchOf(1, 1);
    queue.add('first/new');
    queue.add('shop/0');
    queue.add('second/new');
    queue.add('third/shown');
    queue.add('fourth/shown');
    await turn(clock);
    queue.add('second/new', true);
    await turn(clock);
    expect(worked).toEqual(['0 shop/0', '0 third/shown', '0 first/new', '0 second/new']);
  });
});

describe('stopping', () => {
  test('waits for the keys in progress and takes no more', async () => {
    const { clock, queue, worked, finish } = benchOf();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 1000);
    await turn(clock);
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

  test('is immediate if no key is in progress', async () => {
    await expect(benchOf().queue.stop()).resolves.toBeUndefined();
  });
});

describe('timers and sockets', () => {
  const SILENT = { depth: () => {}, added: () => {}, retried: () => {}, waited: () => {}, worked: () => {} };

  test('are served before the key is processed: events that arrive together cause one reconcile', async () => {
    const { clock, queue, worked } = benchOf(8);
    for (let i = 0; i < 500; i++) {
      queue.add('a');
    }
    expect(worked).toEqual([]);
    await turn(clock);
    expect(worked).toEqual(['0 a']);
  });

  test('are served between two slices, and a slice takes no further key after ten milliseconds', async () => {
    const clock = new VirtualClock(0, 1);
    let spent = 0;
    let worked = 0;
    const seen: number[] = [];
    const queue = new Queue({
      clock: {
        now: () => clock.now(),
        random: () => 0,
        steady: () => spent,
        after: (ms, run) => clock.after(ms, run),
      },
      workers: 8,
      reservedWorkers: 0,
      begins: () => false,
      announces: () => false,
      telemetry: SILENT,
      work: () => {
        spent += 4;
        worked++;
        return Promise.resolve({});
      },
    });
    queue.start();
    for (let i = 0; i < 60; i++) {
      queue.add(String(i));
    }
    const look = () => {
      seen.push(worked);
      if (worked < 60) {
        clock.after(0, look);
      }
    };
    clock.after(0, look);
    await turn(clock);
    const turns = seen.slice(1).map((now, index) => now - (seen[index] ?? 0));
    expect(seen.at(-1)).toBe(60);
    expect(Math.max(...turns)).toBeLessThanOrEqual(3);
  });
});

test('nothing is processed before the start, and the depth is reported', () => {
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
    reservedWorkers: 0,
    begins: () => false,
    announces: () => false,
    telemetry,
    work: () => Promise.resolve({}),
  });
  queue.add('a');
  queue.add('b');
  expect(told).toEqual([1, 2]);
});
