/** Stories on a real API server while something goes wrong with their requests: they end as the simulation without a fault. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as stories from '../sim/stories.ts';
import { differences } from './compare.ts';
import { type Lab, startLab } from './lab.ts';
import { quick } from './quick.ts';
import { ROWS } from './rows.ts';
import { sideBySide } from './side-by-side.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await startLab();
}, 900_000);
afterAll(() => lab.stop());

const TOLD = [stories.good('Deployment'), stories.bad('Deployment')].map(quick);

test.each(TOLD.map((story) => [story.name, story] as const))(
  'whatever happens to its requests, "%s" ends as the simulation does without a fault',
  async (_name, story) => {
    const found = await sideBySide(ROWS, 8, async ({ id, name, options, holds }) => {
      const { played, wrong } = await differences(lab, story, `${id}, ${name}`, options());
      const broken = holds?.(played.asked);
      return broken ? [...wrong, `${id}, ${name}: ${broken}`] : wrong;
    });
    expect(found.flat()).toEqual([]);
  },
  900_000,
);
