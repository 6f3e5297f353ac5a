/** The operator ended at its writes to a real API server: before one is done, before its answer, after it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as stories from '../sim/stories.ts';
import { addFigure } from '../support/figures.ts';
import { sweepCrashes } from './crash.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { withShortTimes } from './short-times.ts';

let environment: Environment;
beforeAll(async () => {
  environment = await startEnvironment();
}, 900_000);
afterAll(() => environment.stop());

test('an operator that dies at any kind of its writes goes on where it was, and ends as in the simulation', async () => {
  const told = [stories.good('Deployment'), stories.bad('StatefulSet'), stories.bad('DaemonSet')].map(
    withShortTimes,
  );
  const { plans, points, existing, failures } = await sweepCrashes(environment, told, {
    atOnce: 8,
    sample: true,
  });
  addFigure('apiPlans', plans);
  addFigure('apiCrashPoints', points);
  addFigure('apiCrashExisting', existing);
  expect(failures).toEqual([]);
  expect(plans).toBeGreaterThan(40);
}, 600_000);
