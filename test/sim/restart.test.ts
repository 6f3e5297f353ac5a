/** What a new process says and does about an Upgrade that the last one has finished with. */
import { expect, test } from '@jest/globals';
import { Operator } from './operator.ts';
import { play } from './run.ts';
import { good } from './stories.ts';
import { remembered } from './telemetry.ts';

test('a new process counts an Upgrade that is at rest by its phase, and writes nothing', async () => {
  const { world, writes } = await play(good('Deployment'));
  const memory = remembered();
  const before = writes.length;
  const options = {
    world,
    id: 2,
    faults: {},
    memory,
    writes: [...writes],
    events: [],
    wrote: () => {},
    died: () => {},
  };
  const operator = new Operator(options);
  operator.lead();
  await world.clock.runUntil(world.clock.now() + 10_000, () => {});
  expect(memory.phases.at(-1)).toBe('shop/web Succeeded');
  expect(options.writes).toHaveLength(before);
});
