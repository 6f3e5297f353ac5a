/** The reference stories on a real API server, the operator behind a proxy that does nothing: they end as in the simulation. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import * as stories from '../sim/stories.ts';
import { KINDS, type KindName } from '../sim/stories.ts';
import type { Story } from '../sim/story.ts';
import { differences } from './compare-with-simulation.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { mapConcurrently } from './map-concurrently.ts';
import { withShortTimes } from './short-times.ts';

let environment: Environment;
beforeAll(async () => {
  environment = await startEnvironment();
}, 900_000);
afterAll(() => environment.stop());

const AT_ONCE = 12;

/** For every kind of workload. */
const SWEPT = [stories.good, stories.retryThenGood, stories.bad, stories.deadline];
/** What is no different for the other kinds. */
const ODD: readonly ((kind: KindName) => Story)[] = [
  stories.neverReady,
  stories.crashLoop,
  stories.commandMissing,
  stories.hang,
  stories.diesUnderTheCheck,
  stories.threeInARow,
  stories.secondIsBad,
  stories.fallbackFailsToo,
  stories.unverified,
  (kind) => stories.withFallback('Pause', kind),
  (kind) => stories.withFallback('None', kind),
  (kind) => stories.cannotBeAsked('Wait', kind),
  (kind) => stories.cannotBeAsked('Fallback', kind),
  stories.everythingSkipped,
  stories.readinessOnly,
  stories.adoptedGood,
  stories.adoptedBad,
];

test.each([
  ['every kind of workload', KINDS, SWEPT],
  ['Deployments and StatefulSets', ['Deployment', 'StatefulSet'] as const, ODD],
] as const)(
  'upgrades of %s end as in the simulation, write nothing unguarded, and log no bug',
  async (_which, kinds, told) => {
    const all = kinds.flatMap((kind) => told.map((tell) => withShortTimes(tell(kind))));
    const found = await mapConcurrently(all, AT_ONCE, (story) =>
      differences(environment, story, 'without a fault'),
    );
    expect(found.flatMap(({ wrong }) => wrong)).toEqual([]);
  },
  400_000,
);
