import { expect, test } from '@jest/globals';
import { drain } from '../../test/sim/clock.ts';
import { Slots } from './slots.ts';

function benchOf(overall: number, perGroup: number) {
  const slots = new Slots(overall, perGroup);
  const running: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, group: string): Promise<string> =>
    slots.with(group, async () => {
      running.push(name);
      await new Promise<void>((resolve) => ends.set(name, resolve));
      running.splice(running.indexOf(name), 1);
      return name;
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await drain();
  };
  return { slots, running, start, end };
}

test('no more run than overall, and no more than per group', async () => {
  const { slots, running, start, end } = benchOf(3, 2);
  for (const [name, group] of [
    ['a1', 'a'],
    ['a2', 'a'],
    ['a3', 'a'],
    ['b1', 'b'],
    ['c1', 'c'],
  ] as const) {
    void start(name, group);
  }
  await drain();
  expect(running).toEqual(['a1', 'a2', 'b1']);
  expect(slots.inUse).toBe(3);
  await end('b1');
  expect(running).toEqual(['a1', 'a2', 'c1']);
  await end('a1');
  expect(running).toEqual(['a2', 'c1', 'a3']);
});

test('a full group does not keep others waiting', async () => {
  const { running, start } = benchOf(10, 1);
  void start('a1', 'a');
  void start('a2', 'a');
  void start('b1', 'b');
  await drain();
  expect(running).toEqual(['a1', 'b1']);
});

test('a task that fails gives its slot back, and its error', async () => {
  const slots = new Slots(1, 1);
  await expect(slots.with('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(slots.inUse).toBe(0);
  await expect(slots.with('a', () => Promise.resolve(7))).resolves.toBe(7);
});
