/** Stories on a real API server while something goes wrong with their requests: they end as the simulation without a fault. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as stories from '../sim/stories.ts';
import { addFigure, addRecovery } from '../support/figures.ts';
import { differences } from './compare-with-simulation.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { ROWS } from './fault-rows.ts';
import { tooMuchLogged } from './logged.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { withShortTimes } from './short-times.ts';

let environment: Environment;
beforeAll(async () => {
  environment = await startEnvironment();
}, 900_000);
afterAll(() => environment.stop());

const TOLD = [stories.good('Deployment'), stories.bad('Deployment')].map(withShortTimes);

test.each(TOLD.map((story) => [story.name, story] as const))(
  'whatever happens to its requests, "%s" ends as the simulation does without a fault, and the log stays short',
  async (_name, story) => {
    const undisturbed = await differences(environment, story, 'without a fault');
    expect(undisturbed.wrong).toEqual([]);
    const found = await mapConcurrently(ROWS, 8, async ({ id, name, options, holds }) => {
      const { played, wrong } = await differences(environment, story, `${id}, ${name}`, options());
      addRecovery(id, 'real', played.seconds - undisturbed.played.seconds);
      const broken = [...[holds?.(played.sent) ?? []].flat(), ...tooMuchLogged(played.logged)];
      return [...wrong, ...broken.map((what) => `${id}, ${name}: ${what}`)];
    });
    addFigure('apiPlans', found.length);
    expect(found.flat()).toEqual([]);
  },
  900_000,
);
