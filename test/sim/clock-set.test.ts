/** Somebody sets the operator's clock while it works: what it remembers and waits for are spans, and stay what they were. */
import { expect, test } from '@jest/globals';
import type { Upgrade } from '../../src/api/types.ts';
import { play } from './run.ts';
import { KINDS, retryThenGood, slippedPod } from './stories.ts';
import { phaseIs, type Story } from './story.ts';

const HOUR_MS = 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');
/** The operator starts 8 s after the story; so soon, every story is in the middle of its rollout. */
const SET_AT = START + 11_000;

test.each(KINDS)('a clock that is set forward by half a minute fails nothing on a %s', async (kind) => {
  const faults = { clockAheadMs: (now: number) => (now >= SET_AT ? 30_000 : 0) };
  const run = await play(retryThenGood(kind), { faults });
  expect(run.ending.phase).toBe('Succeeded');
});

test('gates that nobody waits for are opened, whatever the clock shows', async () => {
  let deletedAt = Number.POSITIVE_INFINITY;
  const story: Story = {
    ...retryThenGood('Deployment'),
    steps: [
      {
        when: phaseIs('PostChecking'),
        act: (world) => {
          deletedAt = world.clock.now();
          // As with its finalizer taken away by hand.
          world.state.remove('Upgrade', world.upgrade() as Upgrade);
        },
      },
    ],
    minutes: 2,
  };
  const run = await play(story, {
    faults: { clockAheadMs: (now) => (now >= deletedAt + 300 ? -HOUR_MS : 0) },
  });
  expect(run.memory.gates).toContain('NoAttempt');
  expect(run.world.pods().every(({ conditions }) => conditions['Ready']?.status === 'True')).toBe(true);
});

test('a pod that slipped past the gate is noticed by a clock that is ahead of the API server, too', async () => {
  const run = await play(slippedPod('Auto'), { faults: { clockAheadMs: () => 30_000 } });
  expect(run.events.map(({ reason }) => reason)).toContain('GateMissed');
});
