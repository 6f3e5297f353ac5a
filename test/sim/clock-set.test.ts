/** Somebody sets the operator's clock while it works: what it remembers and waits for are spans, and stay what they were. */
import { expect, test } from '@jest/globals';
import type { Upgrade } from '../../src/api/types.ts';
import { shareOf } from '../support/share.ts';
import { type Completion, play } from './run.ts';
import { KINDS, retryThenGood, slippedPod, swept } from './stories.ts';
import { phaseIs, type Story } from './story.ts';

const HOUR_MS = 3_600_000;
const START = Date.parse('2026-01-01T00:00:00Z');
/** The operator starts 8 s after the story; so soon, every story is in the middle of its rollout. */
const SET_AT = START + 11_000;

test.each(KINDS)('a clock that is set forward by half a minute fails nothing on a %s', async (kind) => {
  const faults = { clockAheadMs: (now: number) => (now >= SET_AT ? 30_000 : 0) };
  const run = await play(retryThenGood(kind), { faults });
  expect(run.ending.phase).toBe('Succeeded');
});

test('gates that nobody waits for are opened, whatever the clock shows', async () => {
  let deletedAt = Number.POSITIVE_INFINITY;
  const story: Story = {
    ...retryThenGood('Deployment'),
    steps: [
      {
        when: phaseIs('PostChecking'),
        act: (world) => {
          deletedAt = world.clock.now();
          // As with its finalizer taken away by hand.
          world.state.remove('Upgrade', world.upgrade() as Upgrade);
        },
      },
    ],
    minutes: 2,
  };
  const run = await play(story, {
    faults: { clockAheadMs: (now) => (now >= deletedAt + 300 ? -HOUR_MS : 0) },
  });
  expect(run.memory.gates).toContain('NoAttempt');
  expect(run.world.pods().every(({ conditions }) => conditions['Ready']?.status === 'True')).toBe(true);
});

test('a pod that slipped past the gate is noticed by a clock that is ahead of the API server, too', async () => {
  const run = await play(slippedPod('Auto'), { faults: { clockAheadMs: () => 30_000 } });
  expect(run.events.map(({ reason }) => reason)).toContain('GateMissed');
});

const STORIES = (['Deployment', 'StatefulSet', 'DaemonSet'] as const).flatMap(swept);

const undisturbed = new Map<string, Promise<Completion>>();

/** How the story ends with clocks that are right, played once. */
function endOf(story: Story): Promise<Completion> {
  const key = JSON.stringify([story.name, story.spec.postCheck]);
  const end = undisturbed.get(key) ?? play(story).then(({ ending }) => ending);
  undisturbed.set(key, end);
  return end;
}

/** How far the clock is ahead of the cluster's, by time since the start and by process. */
const CLOCKS: Readonly<Record<string, (sinceMs: number, operator: number) => number>> = {
  'an hour ahead': () => HOUR_MS,
  'an hour behind': () => -HOUR_MS,
  'a clock that runs 1.4 times as fast': (since) => since * 0.4,
  'a clock that runs 0.7 times as fast': (since) => since * -0.3,
  'a clock that swings by two seconds': (since) => (Math.floor(since / 3000) % 2 === 0 ? 2000 : -2000),
  'replicas that differ by two seconds': (_since, operator) => (operator % 2 === 0 ? 2000 : -2000),
};

/** The same end; whose clock runs faster may end a wait sooner, and have asked less often until then. */
test.each(Object.entries(CLOCKS))(
  '%s changes nothing about how attempts end',
  async (what, ahead) => {
    for (const story of shareOf(KINDS.flatMap(swept), what, ({ workload }) => workload.kind)) {
      const ending = await endOf(story);
      for (const options of what.startsWith('replicas') ? [{ operators: 2, stale: true }] : [{}]) {
        const clockAheadMs = (now: number, operator: number) => ahead(now - START, operator);
        const run = await play(story, { ...options, faults: { clockAheadMs } });
        const what = `${story.name}, ${JSON.stringify(options)}`;
        expect([what, run.violations, run.ending]).toEqual([what, [], ending]);
      }
    }
  },
  300_000,
);

/** kubelets write when a container started and a pod became ready, by their own clocks. */
test.each([
  ['an hour ahead', HOUR_MS],
  ['an hour behind', -HOUR_MS],
])(
  'nodes whose clocks are %s change nothing about how attempts end, nor whether waits are kept',
  async (what, aheadMs) => {
    const waits = { initialDelaySeconds: 4, readiness: { minReadySeconds: 6 } };
    for (const story of shareOf(STORIES, what, ({ workload }) => workload.kind)) {
      for (const postCheck of [story.spec.postCheck, { ...story.spec.postCheck, ...waits }]) {
        const told = { ...story, spec: { ...story.spec, ...(postCheck ? { postCheck } : {}) } };
        const ending = await endOf(told);
        const run = await play({
          ...told,
          arrange: (world) => {
            story.arrange?.(world);
            world.nodeAheadMs = aheadMs;
          },
        });
        expect([story.name, postCheck, run.violations, run.ending]).toEqual([
          story.name,
          postCheck,
          [],
          ending,
        ]);
      }
    }
  },
  300_000,
);
