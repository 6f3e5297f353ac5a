/** What several test files of stories play and look at. */
import { expect } from '@jest/globals';
import { play, type Run, type RunOptions } from './run.ts';
import type { Story } from './story.ts';

/** What a workload of three pods ends as, when all of them run this image. */
export const three = (image: string): readonly string[] => Array(3).fill(`${image} serves`);

/** Plays, and insists on every rule of the oracle. */
export async function played(story: Story, options: RunOptions = {}): Promise<Run> {
  const run = await play(story, options);
  expect(run.violations).toEqual([]);
  return run;
}

/** How far each stage came. */
export const statesOf = (run: Run): readonly string[] | undefined =>
  run.world.upgrade()?.status?.stages?.map(({ name, state }) => `${name} ${state}`);
