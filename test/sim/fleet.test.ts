/** Fleets in which pods may fail: what the budget allows, what goes back, and what is told in the end. */
import { describe, expect, test } from '@jest/globals';
import {
  aborted,
  abortedAfter,
  beyondBudget,
  failedPod,
  failedPodDeleted,
  failedPodSlowly,
  failedPods,
  failedPodsAtOnce,
  failedPodsBeyond,
  failedPodsInStages,
  failsAfterTheEnd,
  HELD_UP,
  heldUpByFailed,
  imageSet,
  madeAnew,
  nodeAdded,
  nodeLost,
  nowhereVerified,
  ON_DELETE,
  oldPodDeleted,
  overtaken,
  paused,
  podDeleted,
  restarted,
  retried,
  scaled,
  takenBack,
  withdrawn,
  withinBudget,
  withinBudgetWithRoom,
} from './fleet-stories.ts';
import { played } from './played.ts';
import { play, type Run } from './run.ts';
import { NEW, OLD } from './stories.ts';
import { sweep } from './sweep.ts';

const pods = (old: number, verified: number) => [
  ...Array(old).fill(`${OLD} serves`),
  ...Array(verified).fill(`${NEW} serves`),
];

const leftOf = (run: Run) =>
  run.world.upgrade()?.status?.left?.map(({ name, node = name, state }) => `${node} ${state}`);
const told = (run: Run, reason: string) => run.events.filter((event) => event.reason === reason).length;
const WHY = 'readiness-probe in container web exited 17 (AsicUnsupported)';

describe('a budget', () => {
  test.each(
    ON_DELETE.map((kind) => withinBudget(kind)).concat([
      withinBudgetWithRoom('Deployment'),
      withinBudgetWithRoom('DaemonSet'),
    ]),
  )('keeps what is verified, and holds the pod that failed: $name', async (story) => {
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Partial', reason: 'AsicUnsupported', gating: true });
    expect(run.ending.pods).toEqual([`${NEW} does not serve`, ...pods(0, 4)]);
    expect(leftOf(run)).toEqual(['node-4 Failed']);
    expect(run.message).toContain('runs web:2.0, verified on 4 of 5 pods; 1 failed: ');
    expect(run.message).toContain(WHY);
  });

  test.each(ON_DELETE)('that is exceeded takes the whole version back: %s', async (kind) => {
    const run = await played(beyondBudget(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: pods(5, 0) });
    expect(leftOf(run)).toBeUndefined();
  });

  test.each(ON_DELETE)('is none where no pod at all is verified: %s', async (kind) => {
    expect((await played(nowhereVerified(kind))).ending).toMatchObject({
      phase: 'FellBack',
      pods: pods(5, 0),
    });
  });

  test('tells the nodes that were left out, also when a pod failed', async () => {
    const story = withinBudget('DaemonSet OnDelete');
    const run = await played({
      ...story,
      losesPods: true,
      arrange: (world) => {
        story.arrange?.(world);
        world.clock.after(6000, () => world.setNodeReady('node-1', false));
      },
    });
    expect(run.message).toMatch(
      / on 3 of 4 pods; 1 failed, 1 unreachable: node-4 \(and 1 more\): readiness-probe /,
    );
  });

  test.each(HELD_UP)(
    'does not wait for ever behind a pod that takes the only room of the controller of a %s',
    async (kind) => {
      const run = await played(heldUpByFailed(kind));
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: pods(5, 0) });
    },
  );

  test.each(HELD_UP)(
    'that is used up on a %s ends the same when the operator is cut',
    async (kind) => {
      const { failures } = await sweep(heldUpByFailed(kind), 1, ['lost']);
      expect(failures).toEqual([]);
    },
    240_000,
  );
});

describe.each(ON_DELETE)('pods of a %s that failed', (kind) => {
  test.each([failedPods(kind), failedPodsAtOnce(kind)])('go back, and they alone: $name', async (story) => {
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Partial', images: { web: NEW }, pods: pods(2, 3) });
    expect(leftOf(run)?.sort()).toEqual(['node-4 Back', 'node-5 Back']);
    expect(run.message).toContain('verified on 3 of 5 pods; 2 run web:1.0 again: ');
    expect(run.message).toMatch(
      /; all 2 failed pods are on nodes with asic=td3, but none of the 3 verified pods$/,
    );
    expect(told(run, 'PodFellBack')).toBe(2);
    expect(told(run, 'FallbackStarted')).toBe(0);
  });

  test('go back when their controller has seen the template of before', async () => {
    const run = await played(failedPodSlowly(kind));
    expect(run.ending).toMatchObject({ phase: 'Partial', images: { web: NEW }, pods: pods(1, 4) });
  });

  test('do not go back alone when there are more than the budget allows', async () => {
    const run = await played(failedPodsBeyond(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: OLD }, pods: pods(5, 0) });
  });

  test.each([paused(kind), podDeleted(kind), oldPodDeleted(kind), failedPodDeleted(kind), restarted(kind)])(
    'go back all the same: $name',
    async (story) => {
      const run = await played(story);
      expect(run.ending).toMatchObject({ phase: 'Partial', images: { web: NEW }, pods: pods(2, 3) });
    },
  );

  test.each([aborted(kind), withdrawn(kind)])('take all others with them: $name', async (story) => {
    const run = await played(story);
    expect(run.ending).toMatchObject({ images: { web: OLD }, pods: pods(5, 0) });
  });

  test('give way to another attempt', async () => {
    expect((await played(overtaken(kind))).ending.outcomes).toEqual(['2 Succeeded', '1 Superseded']);
    expect((await played(takenBack(kind))).ending).toMatchObject({ phase: 'Succeeded', pods: pods(5, 0) });
  });

  test('are left alone when somebody else sets an image', async () => {
    expect((await played(imageSet(kind))).ending).toMatchObject({ phase: 'Failed', reason: 'ImageConflict' });
  });

  test('are tried again by a retry, and they alone', async () => {
    const run = await played(retried(kind, true));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: pods(0, 5) });
    const asked = run.world.kubelet.asked.filter(({ image }) => image === NEW).map(({ podUid }) => podUid);
    // Three once, two that failed, and two that passed when they were tried again.
    expect(new Set(asked).size).toBe(7);
    expect((await played(retried(kind, false))).ending).toMatchObject({
      outcomes: ['2 Partial', '1 Partial'],
      pods: pods(2, 3),
    });
  });

  test('that are made anew after the end are verified like any other', async () => {
    const mended = await played(madeAnew(kind, true));
    expect(mended.ending).toMatchObject({ phase: 'Succeeded', pods: pods(0, 5), gating: false });
    expect((await played(madeAnew(kind, false))).ending).toMatchObject({
      phase: 'Partial',
      pods: pods(2, 3),
    });
  });

  test('after the end take no other with them, and all by an abort', async () => {
    expect((await played(failsAfterTheEnd(kind))).ending).toMatchObject({
      phase: 'Partial',
      pods: pods(3, 2),
    });
    expect((await played(abortedAfter(kind))).ending).toMatchObject({ phase: 'FellBack', pods: pods(5, 0) });
  });

  test('go back under two leaders', async () => {
    const run = await play(failedPods(kind, { losesPods: true }), { operators: 2 });
    expect(run.ending).toMatchObject({ phase: 'Partial', pods: pods(2, 3) });
  });

  test('go back the same when any write is cut', async () => {
    const { failures } = await sweep(failedPod(kind), 1);
    expect(failures).toEqual([]);
  }, 240_000);
});

test('a budget within which the operator is cut at any write ends the same', async () => {
  const { failures } = await sweep(withinBudget('DaemonSet OnDelete'), 1);
  expect(failures).toEqual([]);
}, 240_000);

test('a stage whose every pod failed is over when others are verified', async () => {
  const run = await played(failedPodsInStages());
  expect(run.ending).toMatchObject({ phase: 'Partial', pods: pods(2, 3) });
});

test('pods that come meanwhile, or are away, change nothing of it', async () => {
  expect((await played(scaled())).ending.pods).toEqual(pods(2, 5));
  expect((await played(nodeAdded())).ending.pods).toEqual(pods(2, 4));
  expect((await played(nodeLost())).ending.pods).toEqual(pods(2, 3));
});
