import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { drain } from '../../test/sim/clock.ts';
import { type Claimant, FairSemaphore } from './fair-semaphore.ts';

/** `namespace/upgrade@node`, with a number where a name is wanted more than once. */
function claimantOf(name: string): Claimant {
  const [, namespace = '', upgrade = '', node = ''] = /^(\w+)\/(\w+)@(\w+)/.exec(name) ?? [];
  return { namespace, upgrade, node };
}

function benchOf(overall: number, perNode: number) {
  const semaphore = new FairSemaphore(overall, perNode);
  const running: string[] = [];
  const started: string[] = [];
  const ends: { name: string; end: () => void }[] = [];
  const start = (...names: string[]): void => {
    for (const name of names) {
      void semaphore.run(claimantOf(name), async () => {
        running.push(name);
        started.push(name);
        await new Promise<void>((end) => ends.push({ name, end }));
        running.splice(running.indexOf(name), 1);
      });
    }
  };
  /** Ends the one of that name, or the oldest. */
  const end = async (name = ends[0]?.name) => {
    ends
      .splice(
        ends.findIndex((one) => one.name === name),
        1,
      )
      .map((one) => one.end());
    await drain();
  };
  const held = (namespace: string) => running.filter((name) => name.startsWith(`${namespace}/`)).length;
  return { semaphore, running, started, start, end, held };
}
const times = (count: number, name: string): string[] => Array.from({ length: count }, () => name);

test('the limits hold overall and on each node', async () => {
  const { semaphore, running, start, end } = benchOf(3, 2);
  start('a/u@x', 'b/u@x', 'c/u@x', 'd/u@y', 'e/u@y');
  await drain();
  expect(running).toEqual(['a/u@x', 'b/u@x', 'd/u@y']);
  expect(semaphore.inUse).toBe(3);
  await end('d/u@y');
  expect(running).toEqual(['a/u@x', 'b/u@x', 'e/u@y']);
  await end('a/u@x');
  expect(running).toEqual(['b/u@x', 'e/u@y', 'c/u@x']);
});

test('a full node does not delay tasks on other nodes', async () => {
  const { running, start } = benchOf(10, 1);
  start('a/u@x', 'a/u@x', 'a/u@y');
  await drain();
  expect(running).toEqual(['a/u@x', 'a/u@y']);
});

test('a failed task returns its slot and its error', async () => {
  const semaphore = new FairSemaphore(1, 1);
  const claimant = claimantOf('a/u@x');
  await expect(semaphore.run(claimant, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(semaphore.inUse).toBe(0);
  await expect(semaphore.run(claimant, () => Promise.resolve(7))).resolves.toBe(7);
});

describe('a namespace whose tasks never end', () => {
  test('leaves the last quarter of the slots to others', async () => {
    const { start, held } = benchOf(16, 16);
    start(...times(100, 'a/u@x'));
    await drain();
    expect(held('a')).toBe(12);
    start(...times(3, 'b/u@x'));
    await drain();
    expect(held('b')).toBe(3);
  });

  test('leaves the last quarter on each node too', async () => {
    const { start, held } = benchOf(16, 4);
    start(...times(100, 'a/u@x'), 'b/u@x');
    await drain();
    expect([held('a'), held('b')]).toEqual([3, 1]);
  });

  test('gets no more than half of the slots while another namespace could start a task', async () => {
    const { start, end, held } = benchOf(16, 16);
    start(...times(100, 'a/u@x'), ...times(100, 'b/u@x'));
    await drain();
    for (let i = 0; i < 20; i++) {
      await end();
    }
    expect([held('a'), held('b')]).toEqual([8, 8]);
  });

  test('is not limited by a namespace that waits for a full node', async () => {
    const { start, held } = benchOf(8, 2);
    start('b/u@x', 'c/u@x', 'b/u@x', ...times(4, 'a/u@y'), ...times(4, 'a/u@z'), ...times(4, 'a/u@w'));
    await drain();
    expect(held('a')).toBe(4);
    expect(held('b') + held('c')).toBe(2);
  });
});

describe('an Upgrade whose tasks never end', () => {
  test('leaves slots to the next Upgrade of its namespace, and both leave some to other namespaces', async () => {
    const { start, running, held } = benchOf(16, 16);
    start(...times(100, 'a/u@x'));
    await drain();
    start(...times(100, 'a/v@x'));
    await drain();
    expect(running.filter((name) => name === 'a/v@x')).toHaveLength(2);
    start(...times(3, 'b/w@x'));
    await drain();
    expect([held('a'), held('b')]).toEqual([14, 2]);
  });

  test('is passed over on a node where another Upgrade of its namespace may start', async () => {
    const { start, running } = benchOf(64, 16);
    start(...times(13, 'a/u@x'), 'a/v@x');
    await drain();
    expect([running.length, running.at(-1)]).toEqual([13, 'a/v@x']);
  });
});

test('namespaces take turns, and within one its Upgrades', async () => {
  const { started, start, end } = benchOf(1, 1);
  start('z/first@x', 'a/u@x', 'a/u@x', 'a/v@x', 'a/u@x', 'b/w@x', 'b/w@x');
  for (let i = 0; i < 7; i++) {
    await end();
  }
  expect(started.slice(1)).toEqual(['a/u@x', 'b/w@x', 'a/v@x', 'b/w@x', 'a/u@x', 'a/u@x']);
});

test('every task starts eventually, within the limits, in any order of events', async () => {
  const name = fc
    .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom('u', 'v'), fc.constantFrom('x', 'y'))
    .map(([namespace, upgrade, node]) => `${namespace}/${upgrade}@${node}`);
  await fc.assert(
    fc.asyncProperty(
      fc.array(name, { maxLength: 30 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (names, overall, perNode) => {
        const { semaphore, running, started, start, end } = benchOf(overall, perNode);
        start(...names);
        await drain();
        while (running.length > 0) {
          expect(running.length).toBeLessThanOrEqual(overall);
          for (const node of ['x', 'y']) {
            expect(running.filter((one) => one.endsWith(`@${node}`)).length).toBeLessThanOrEqual(perNode);
          }
          await end();
        }
        expect([...started].sort()).toEqual([...names].sort());
        expect(semaphore.inUse).toBe(0);
      },
    ),
    { numRuns: 60 },
  );
});
