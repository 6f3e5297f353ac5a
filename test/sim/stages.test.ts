/** Attempts that go in stages: how far each may go, what it waits for, and how it ends. */
import { describe, expect, test } from '@jest/globals';
import { played, statesOf, three } from './played.ts';
import type { Run } from './run.ts';
import { approved, bad, badInRest, badLate, NEW, OLD, STAGED_KINDS, staged } from './stories.ts';
import { afterSeconds, annotate, asked, changeSpec, deleteUpgrade, type Story, target } from './story.ts';
import { sweep } from './sweep.ts';
import type { World } from './world.ts';

const partitionOf = (run: Run, story: Story) => {
  const workload = run.world.workload(story.workload.kind, 'web');
  return workload?.kind === 'StatefulSet' ? workload.partition : 0;
};

describe.each(STAGED_KINDS)('an attempt on a %s in stages', (kind) => {
  test('verifies the canary before the rest begins', async () => {
    const story = staged(kind);
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(statesOf(run)).toEqual(['canary Done', 'rest Done']);
    expect(partitionOf(run, story)).toBe(0);
    expect(run.world.upgrade()?.status?.attempt?.held).toBeUndefined();
  });

  test('falls back when the rest fails, and puts the strategy back', async () => {
    const story = badInRest(kind);
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(partitionOf(run, story)).toBe(0);
  });

  test('falls back when the canary fails while it soaks', async () => {
    const run = await played(badLate(kind));
    expect(run.ending).toMatchObject({ phase: 'FellBack', reason: 'ProbeFailed', pods: three(OLD) });
    expect(run.fellBackAfterSeconds).toBeGreaterThan(60);
  });

  test('waits for approval, past every deadline', async () => {
    const waiting = await played({ ...approved(kind, 'never'), steps: [], minutes: 60 });
    expect(waiting.ending.phase).not.toBe('Succeeded');
    expect(statesOf(waiting)).toEqual(['canary AwaitingApproval', 'rest Waiting']);
    expect(waiting.ending.pods.filter((pod) => pod === `${NEW} serves`)).toHaveLength(1);
  }, 300_000);

  test.each([
    ['when it waits', '1/canary', false],
    ['before it waits', '1/canary', true],
  ])('goes on when it is approved %s', async (_when, token, isEarly) => {
    const run = await played(approved(kind, token, isEarly));
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.world.upgrade()?.status?.commands?.approve?.result).toBe('Approved');
  });

  test.each([
    ['another attempt', '2/canary', 'OtherAttempt'],
    ['no attempt at all', '-1/canary', 'OtherAttempt'],
    ['more than a stage', '1/canary/x', 'NoSuchStage'],
    ['a stage that it does not have', '1/nothing', 'NoSuchStage'],
  ])('does not take an approval for %s', async (_what, token, result) => {
    const run = await played(approved(kind, token));
    expect(statesOf(run)).toEqual(['canary AwaitingApproval', 'rest Waiting']);
    expect(run.world.upgrade()?.status?.commands?.approve?.result).toBe(result);
  });

  test.each([staged(kind), badInRest(kind)])(
    'that is cut at any write ends the same: $name',
    async (story) => {
      const { failures } = await sweep(story, 1);
      expect(failures).toEqual([]);
    },
    120_000,
  );
});

describe.each(['StatefulSet', 'StatefulSet Parallel'] as const)(
  'when somebody takes the partition away from a %s in the middle of a stage',
  (kind) => {
    const toOnDelete = {
      when: (world: World) => world.upgrade()?.status?.stages?.[0]?.state === 'Rolling',
      act: (world: World) => void world.changeSpec(target(world), { onDelete: true, partition: 0 }),
    };

    test.each([
      ['a bad version', bad(kind), 'FellBack', OLD],
      ['a good version', staged(kind), 'Succeeded', NEW],
    ] as const)('%s is driven by deletion to its end', async (_what, story, phase, image) => {
      const run = await played({
        ...story,
        spec: { ...story.spec, strategy: { stages: [{ name: 'canary', pods: 1 }] } },
        steps: [toOnDelete],
      });
      expect(run.ending).toMatchObject({ phase, pods: three(image) });
      expect(run.world.upgrade()?.status?.attempt?.held).toBeUndefined();
    });

    test('an Upgrade that is deleted then has its images put back, and goes', async () => {
      const run = await played({
        ...bad(kind),
        spec: { ...bad(kind).spec, strategy: { stages: [{ name: 'canary', pods: 1 }] } },
        steps: [toOnDelete, { when: afterSeconds(1), act: (world) => deleteUpgrade(world) }],
      });
      expect(run.world.upgrade()).toBeUndefined();
      expect(run.ending.pods).toEqual(three(OLD));
    });
  },
);

test.each(STAGED_KINDS)(
  'a container that %s does not have, named in the middle of an attempt, holds it, and an abort takes it back',
  async (kind) => {
    let held = '';
    const run = await played({
      ...bad(kind),
      name: `mistyped in mid-attempt, ${kind}`,
      images: { [NEW]: { answer: () => 17 } },
      spec: { containers: [{ name: 'web', image: NEW }] },
      steps: [
        {
          when: (world) => asked(world, NEW) > 1,
          act: (world) => changeSpec(world, { containers: [{ name: 'wbe', image: NEW }] }),
        },
        {
          when: afterSeconds(30),
          act: (world) => {
            held = world.upgrade()?.status?.message ?? '';
            annotate(world, 'abort', 'now');
          },
        },
      ],
    });
    expect(held).toContain(`has no container wbe`);
    expect(run.world.upgrade()?.status?.commands?.abort?.result).toBe('FallingBack');
    expect(run.ending.pods).toEqual(three(OLD));
  },
);
