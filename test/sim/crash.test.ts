import { describe, expect, test } from '@jest/globals';
import { KINDS, swept } from './stories.ts';
import { sweep } from './sweep.ts';

describe.each(KINDS)('an operator that dies while it upgrades a %s', (kind) => {
  test.each(swept(kind).map((story) => [story.name, story] as const))(
    'ends every plan of "%s" as the run without a crash, wherever and however it is cut',
    async (_name, story) => {
      const { plans, failures } = await sweep(story, 1);
      expect(failures).toEqual([]);
      expect(plans).toBeGreaterThan(25);
    },
    60_000,
  );
});
