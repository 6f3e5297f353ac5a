/** What a pod costs the API server, and an Upgrade the log. */
import { expect, test } from '@jest/globals';
import { play } from './run.ts';
import { good, KINDS, NEW, NEWER, readinessOnly, superseded } from './stories.ts';
import { afterSeconds, wantImage } from './story.ts';
import type { World } from './world.ts';

test.each(KINDS)(
  'verifying a pod of a %s costs one write, and no look at it, also by readiness alone',
  async (kind) => {
    for (const story of [readinessOnly(kind), good(kind)]) {
      const { ending, writes, memory, violations } = await play(story);
      expect(violations).toEqual([]);
      expect(ending).toMatchObject({
        phase: 'Succeeded',
        pods: Array(3).fill(expect.stringContaining('serves')),
      });
      expect(writes.filter(({ kind: of }) => of === 'patchVerified')).toHaveLength(3);
      expect(memory.looks).toEqual([]);
    }
  },
);

test('whoever wants another image every few seconds does not fill the log', async () => {
  const steps = Array.from({ length: 120 }, (_, change) => ({
    when: afterSeconds(1),
    act: (world: World) => wantImage(world, change % 2 === 0 ? NEWER : NEW),
  }));
  const { memory, message } = await play({ ...superseded('Deployment'), steps });
  expect(memory.lines.length).toBeLessThan(120);
  expect(memory.lines.at(-1)).toBe(message);
});
