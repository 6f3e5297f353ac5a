/** What a pod costs the API server. */
import { expect, test } from '@jest/globals';
import { play } from './run.ts';
import { good, KINDS, readinessOnly } from './stories.ts';

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
