/** What takes long: a day of nothing, days of upgrades under faults, at night a whole week, and somebody who never stops writing. */
import { describe, expect, jest, test } from '@jest/globals';
import { addFigure } from '../support/figures.ts';
import { isWhole } from '../support/share.ts';
import type { Fault, WriteRecord } from './operator.ts';
import { played, three } from './played.ts';
import { bad, good, KINDS, NEW } from './stories.ts';
import { afterSeconds, type Step, type Story, target, wantImage } from './story.ts';
import type { World } from './world.ts';

/** Days of virtual time take seconds, and more where many others work. */
jest.setTimeout(300_000);

const DAY_MINUTES = 24 * 60;
const HOUR_SECONDS = 3600;
const HOURS = (isWhole ? 7 : 2) * 24;

const FAULTS: readonly Fault[] = [
  'conflict',
  'unavailable',
  'unanswered',
  'throttled',
  'before',
  'lost',
  'after',
];
/** One write in twenty, each kind of fault in its turn; some of them end the process. */
const oneInTwenty = ({ number }: WriteRecord): Fault | undefined =>
  number % 20 === 0 ? FAULTS[(number / 20) % FAULTS.length] : undefined;

/** Each hour another image is wanted, a good one and a bad one in turn. */
const imageAt = (hour: number): string => `registry.example/web:${hour % 2 === 0 ? 'good' : 'bad'}-${hour}`;
const hours = Array.from({ length: HOURS }, (_, hour) => hour);

function days(kind: (typeof KINDS)[number], ends: string[]): Story {
  const { images, spec } = bad(kind);
  const next = (hour: number): Step => ({
    when: afterSeconds(HOUR_SECONDS),
    act: (world) => {
      ends.push(`${world.upgrade()?.status?.phase}`);
      wantImage(world, imageAt(hour));
    },
  });
  return {
    ...bad(kind),
    name: `days of upgrades, ${kind}`,
    images: Object.fromEntries(
      hours.map((hour) => [imageAt(hour), hour % 2 === 0 ? {} : (images[NEW] ?? {})]),
    ),
    spec: { ...spec, containers: [{ name: 'web', image: imageAt(0) }] },
    steps: hours.slice(1).map(next),
    minutes: HOURS * 60 + 30,
  };
}

describe.each(KINDS)('a %s', (kind) => {
  test('that has its version is left alone for a whole day', async () => {
    const run = await played({ ...good(kind), minutes: DAY_MINUTES });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  });

  // An annotation of a Deployment is a generation; other kinds have one for what is in the spec, such as the number of replicas.
  test.each([
    ['status of which a controller writes a hundred', 11, 0],
    ['spec of which somebody writes sixty', 16, 1],
  ])('the %s times a second gets its version all the same', async (_often, everyMs, generations) => {
    const note = (world: World, left: number): void => {
      const workload = target(world);
      const imageManagers = { ...workload.imageManagers, other: `write ${left}` };
      const generation = workload.generation + generations;
      world.state.put(workload.kind, { ...workload, generation, imageManagers });
      world.clock.after(2 * everyMs * world.clock.random(), () => left > 0 && note(world, left - 1));
    };
    const run = await played(good(kind), {
      stale: true,
      disturb: ({ world }) => note(world, 16_500 / everyMs),
      faults: { delayMs: () => 10 },
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    const met = run.writes.some(({ kind: what, result }) => what === 'patchImages' && result === 'conflict');
    expect(met).toBe(false);
    const landed = run.writes.find((write) => write.kind === 'patchImages' && write.result === 'ok')?.at;
    expect(landed).toBeLessThan((run.writes[0]?.at ?? 0) + 10_000);
  });
});

test.each(['Deployment', 'StatefulSet', 'DaemonSet OnDelete'] as const)(
  'a %s loses no upgrade of days on end, and none is taken back that was good, with a fault in every twentieth write',
  async (kind) => {
    const ends: string[] = [];
    const run = await played(days(kind, ends), { faults: { write: oneInTwenty } });
    expect(run.deaths).toBeGreaterThan(HOURS / 8);
    ends.push(run.ending.phase);
    const wanted = hours.map((hour) => (hour % 2 === 0 ? 'Succeeded' : 'FellBack'));
    addFigure('weekUpgrades', wanted.length);
    addFigure('weekWrong', wanted.filter((end, hour) => ends[hour] !== end).length);
    expect(ends).toEqual(wanted);
  },
);
