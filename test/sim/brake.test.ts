/** The brake holds up what turns without getting anywhere, and nothing else. */
import { describe, expect, test } from '@jest/globals';
import type { WriteKind } from './operator.ts';
import { played, three } from './played.ts';
import { play } from './run.ts';
import { bad, good, KINDS, NEW } from './stories.ts';
import { type Step, type Story, wantImage } from './story.ts';
import type { World } from './world.ts';

const TAGS = [1, 2, 3, 4];
const quick = (tag: number): string => `registry.example/web:1.${tag}`;

function hasSucceeded(world: World): boolean {
  const { status, metadata } = world.upgrade() ?? {};
  return status?.phase === 'Succeeded' && status.observedGeneration === metadata?.generation;
}

const next = (image: string): Step => ({ when: hasSucceeded, act: (world) => wantImage(world, image) });

/** Good upgrades whose pods start in no time, each as soon as the one before has succeeded, and then a bad one. */
const badRightAfterGood = (kind: (typeof KINDS)[number]): Story => ({
  ...bad(kind),
  name: `bad right after good, ${kind}`,
  images: {
    ...Object.fromEntries(TAGS.map((tag) => [quick(tag), { readyAfterMs: 5 }])),
    [NEW]: { ...bad(kind).images[NEW], readyAfterMs: 5 },
  },
  spec: { ...bad(kind).spec, gate: 'Disabled', containers: [{ name: 'web', image: quick(1) }] },
  steps: [...TAGS.slice(1).map(quick), NEW].map(next),
});

describe.each(KINDS)('a bad upgrade of a %s right after good ones', (kind) => {
  test('is taken back without waiting for the brake', async () => {
    const run = await played(badRightAfterGood(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(quick(4)) });
    const evidence = run.world.kubelet.asked.find(({ image }) => image === NEW)?.at ?? Number.NaN;
    const takenBack = run.writes.find(
      ({ kind: written, at, what }) => written === 'patchImages' && at > evidence && what.includes(quick(4)),
    );
    // A status and a fresh look at the pod come first, of few milliseconds each.
    expect(takenBack?.at).toBeLessThan(evidence + 100);
    expect(run.memory.braked).toEqual([]);
  });
});

test('an Upgrade that is changed without end costs fewer writes than it takes', async () => {
  const changes = 1200;
  const run = await play(
    { ...good('Deployment'), minutes: 3 },
    {
      disturb: ({ world }) => {
        const change = (left: number): void => {
          wantImage(world, left % 2 === 0 ? NEW : quick(1));
          world.clock.after(50, () => left > 1 && change(left - 1));
        };
        world.clock.after(100, () => change(changes));
      },
    },
  );
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(quick(1)) });
  expect(run.memory.braked).toContain('rate');
  expect(run.writes.length).toBeLessThan(changes);
});

/** Twelve pods are asked at once, so that one answers every few milliseconds. */
const busyFleet = (maxParallel: string): Story => ({
  ...good('DaemonSet OnDelete'),
  nodes: Array.from({ length: 100 }, (_, i) => `node-${i}`),
  images: { [NEW]: { answer: ({ index }) => ({ code: 0, afterMs: 40 + ((index * 37) % 53) }) } },
  spec: { ...good('DaemonSet OnDelete').spec, gate: 'Disabled', strategy: { maxParallel } },
});

test('a fleet in which there is always something to do for some pod goes on without a rest', async () => {
  const run = await play(busyFleet('100%'));
  expect(run.ending.phase).toBe('Succeeded');
  expect(run.memory.braked).toEqual([]);
});

test('pods of a fleet are replaced while the results of others come in', async () => {
  const run = await play(busyFleet('30%'));
  expect(run.ending.phase).toBe('Succeeded');
  const longest = Math.max(0, ...rowsOf(run.writes.map(({ kind }) => kind)));
  expect(longest).toBeLessThan(10);
});

/** How many results were recorded before each deletion. */
function rowsOf(writes: readonly WriteKind[]): number[] {
  const rows: number[] = [];
  let row = 0;
  for (const kind of writes) {
    if (kind === 'patchVerified') {
      row++;
    } else if (kind === 'deletePod') {
      rows.push(row);
      row = 0;
    }
  }
  return rows;
}
