/** An operator that is killed at every write of a status, for ever: each process gets a little further, or the attempt would never end. */
import { expect, jest, test } from '@jest/globals';
import { failedPods, withinBudget } from './fleet-stories.ts';
import { play, type RunOptions } from './run.ts';
import { bad, badInRest, badLate, deadline, good, staged } from './stories.ts';

/** Hundreds of processes take seconds where many others work. */
jest.setTimeout(120_000);

const FOR_EVER: RunOptions = {
  pauseMs: 1500,
  faults: { write: ({ kind }) => (kind === 'patchStatus' ? 'lost' : undefined) },
};

test.each([
  good('Deployment'),
  bad('Deployment'),
  bad('StatefulSet'),
  deadline('DaemonSet'),
  staged('StatefulSet'),
  badInRest('DaemonSet OnDelete'),
  withinBudget('DaemonSet OnDelete'),
  failedPods('StatefulSet OnDelete'),
])('$name ends as it does without that', async (story) => {
  const reference = await play(story);
  const run = await play({ ...story, minutes: 60 }, FOR_EVER);
  expect(run.violations).toEqual([]);
  expect(run.ending).toEqual(reference.ending);
});

test('a version that fails in its soak is not taken for good because nobody is there long enough to see it fail', async () => {
  const run = await play({ ...badLate('StatefulSet'), minutes: 20 }, FOR_EVER);
  expect(run.violations).toEqual([]);
  expect(run.world.upgrade()?.status?.stages?.[1]?.state).toBe('Waiting');
});
