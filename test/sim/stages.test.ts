/** Attempts that go in stages: how far each may go, what it waits for, and how it ends. */
import { describe, expect, test } from '@jest/globals';
import type { Behaviour } from './behaviour.ts';
import { played, statesOf, three } from './played.ts';
import type { Run } from './run.ts';
import {
  approved,
  bad,
  badInRest,
  badLate,
  NEW,
  OLD,
  STAGED_KINDS,
  staged,
  told,
  workloadOf,
} from './stories.ts';
import {
  afterSeconds,
  annotate,
  asked,
  changeSpec,
  deleteUpgrade,
  type Step,
  type Story,
  target,
} from './story.ts';
import { sweep } from './sweep.ts';
import type { World } from './world.ts';

function partitionOf(run: Run, story: Story) {
  const workload = run.world.workload(story.workload.kind, 'web');
  return workload?.kind === 'StatefulSet' ? workload.partition : 0;
}

describe.each(STAGED_KINDS)('an attempt on a %s in stages', (kind) => {
  test('verifies the canary before the rest begins', async () => {
    const story = staged(kind);
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(statesOf(run)).toEqual(['canary Done', 'rest Done']);
    expect(partitionOf(run, story)).toBe(0);
    expect(run.world.upgrade()?.status?.attempt?.held).toBeUndefined();
  });

  test('that the user takes away on the way goes to its end, and tells of no stage any more', async () => {
    const run = await played({
      ...approved(kind, 'never'),
      steps: [
        {
          when: (world) => world.upgrade()?.status?.stages?.[0]?.state === 'AwaitingApproval',
          act: (world) => changeSpec(world, { strategy: {} }),
        },
        {
          when: (world) => world.upgrade()?.status?.counts?.updated === 2,
          act: (world) => expect(world.upgrade()?.status?.message).not.toContain('Stage canary'),
        },
      ],
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(statesOf(run)).toBeUndefined();
    expect(partitionOf(run, staged(kind))).toBe(0);
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

describe.each(['StatefulSet', 'StatefulSet Parallel'] as const)(
  'a partition that the user of a %s set',
  (kind) => {
    const partitioned = (partition: number, behaviour: Behaviour = {}, more: Partial<Story> = {}): Story => ({
      ...told('partitioned', kind, behaviour, more),
      workload: { ...workloadOf(kind), partition },
    });
    const lowerTo =
      (partition: number): Step['act'] =>
      (world) =>
        void world.setPartition(target(world), partition);
    const isAtPartition = (world: World): boolean =>
      world.upgrade()?.status?.waiting?.reason === 'PartitionSet';
    const mixed = (verified: number) => [
      ...Array(3 - verified).fill(`${OLD} serves`),
      ...Array(verified).fill(`${NEW} serves`),
    ];

    test('is where the attempt stops, past every deadline', async () => {
      const run = await played({ ...partitioned(2), minutes: 60 });
      expect(run.ending).toMatchObject({ phase: 'Upgrading', pods: mixed(1) });
      expect(run.message).toBe(
        'StatefulSet web has updateStrategy.rollingUpdate.partition 2: web:2.0 is verified on 1 of 3 pods, still probed; the attempt continues when the partition is lowered',
      );
      expect(partitionOf(run, partitioned(2))).toBe(2);
      expect(run.events.filter(({ reason }) => reason === 'PartitionSet')).toHaveLength(1);
    });

    test('is followed down, also long after, and to the end', async () => {
      const story = partitioned(
        3,
        {},
        {
          minutes: 90,
          steps: [
            { when: isAtPartition, act: () => {} },
            { when: afterSeconds(1800), act: lowerTo(2) },
            { when: afterSeconds(1200), act: lowerTo(0) },
          ],
        },
      );
      const run = await played(story);
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
      expect(run.events.map(({ reason }) => reason)).not.toContain('Inconclusive');
      expect(run.writes.filter(({ kind: write }) => write === 'patchPartition')).toEqual([]);
    });

    test('does not keep a bad version from going back, also when it fails late', async () => {
      for (const behaviour of [
        { answer: () => 17 },
        { answer: ({ ageMs }: { ageMs: number }) => (ageMs < 300_000 ? 0 : 17) },
      ]) {
        const story = partitioned(2, behaviour);
        const run = await played(story);
        expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
        expect(partitionOf(run, story)).toBe(2);
      }
    });

    test('bounds the stages of an attempt, and stands again at the end', async () => {
      const story = partitioned(1, {}, { spec: { strategy: { stages: [{ name: 'canary', pods: 1 }] } } });
      const run = await played(story);
      expect(statesOf(run)).toEqual(['canary Done', 'rest Rolling']);
      expect(run.ending.pods).toEqual(mixed(2));
      const lowered = await played({ ...story, steps: [{ when: isAtPartition, act: lowerTo(0) }] });
      expect(lowered.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
      expect(partitionOf(lowered, story)).toBe(0);
    });

    test.each([
      ['raised, stops a stage', 3, 1],
      ['raised a little, stops it later', 1, 2],
    ])('that is %s in the middle of it, and is kept', async (_what, partition, verified) => {
      const story = {
        ...staged(kind),
        steps: [
          {
            when: (world: World) => world.upgrade()?.status?.stages?.[1]?.state === 'Rolling',
            act: lowerTo(partition),
          },
        ],
      };
      const run = await played(story);
      expect(run.world.upgrade()?.status?.waiting?.reason).toBe('PartitionSet');
      expect(run.ending.pods).toEqual(mixed(verified));
      const aborted = await played({
        ...story,
        steps: [...story.steps, { when: isAtPartition, act: (world) => annotate(world, 'abort', 'now') }],
      });
      expect(partitionOf(aborted, story)).toBe(partition);
    });

    test('is what keeps the pods of a version that failed, and the fallback says so', async () => {
      const story = partitioned(
        0,
        {},
        {
          steps: [
            { when: (world) => world.upgrade()?.status?.counts?.passed === 2, act: lowerTo(3) },
            { when: isAtPartition, act: (world) => annotate(world, 'abort', 'now') },
            {
              when: afterSeconds(1800),
              act: (world) =>
                expect(world.upgrade()?.status?.message).toMatch(
                  /^Blocked: StatefulSet web has updateStrategy.rollingUpdate.partition 3, which keeps 3 pods on the version that failed: set it to 0; Falling back/,
                ),
            },
            { when: afterSeconds(1), act: lowerTo(0) },
          ],
          minutes: 90,
        },
      );
      const run = await played(story);
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
      expect(partitionOf(run, story)).toBe(0);
    });

    test('goes on when the Upgrade is deleted at it', async () => {
      const story = partitioned(
        2,
        {},
        { steps: [{ when: isAtPartition, act: (world) => deleteUpgrade(world) }] },
      );
      const run = await played(story);
      expect(run.world.upgrade()).toBeUndefined();
      expect(run.ending.pods).toEqual(three(OLD));
      expect(partitionOf(run, story)).toBe(2);
    });

    test('and a cut at any write end the same', async () => {
      const lowered = partitioned(2, {}, { steps: [{ when: isAtPartition, act: lowerTo(0) }] });
      expect((await sweep(lowered, 1)).failures).toEqual([]);
      const failing = { ...bad(kind), workload: lowered.workload };
      expect((await sweep(failing, 1)).failures).toEqual([]);
    }, 120_000);
  },
);

describe('a stage by label whose node loses the label while it soaks', () => {
  const label = (world: World, ring: string) => {
    const node = world.node('node-1');
    world.state.put('Node', {
      name: 'node-1',
      resourceVersion: '',
      ready: true,
      labels: { ...node?.labels, ring },
    });
  };
  const stageOf = (world: World) => world.upgrade()?.status?.stages?.[0];
  const emptied: Story = {
    ...staged('DaemonSet OnDelete'),
    name: 'a stage that has lost its nodes',
    arrange: (world) => label(world, 'lab'),
    spec: {
      ...staged('DaemonSet OnDelete').spec,
      strategy: {
        stages: [
          { name: 'lab', nodes: { matchLabels: { ring: 'lab' } }, soakSeconds: 600 },
          { name: 'rest' },
        ],
      },
    },
  };
  const relabelled: Step = {
    when: (world) => stageOf(world)?.state === 'Soaking',
    act: (world) => label(world, 'rest'),
  };

  test('does not wait for a time to pass: it is overdue, and says what is missing', async () => {
    const run = await played({ ...emptied, steps: [relabelled], minutes: 90 });
    expect(run.world.upgrade()?.status?.waiting).toBeUndefined();
    expect(run.ending.phase).toBe('Inconclusive');
    expect(run.message).toContain('stage lab has no pods');
    expect(run.world.pods().filter(({ containers }) => containers[0]?.image === NEW)).toHaveLength(1);
  });

  test('goes on when a node has it again', async () => {
    const again: Step = {
      when: (world) => stageOf(world)?.desired === 0,
      act: (world) => label(world, 'lab'),
    };
    const run = await played({ ...emptied, steps: [relabelled, again], minutes: 90 });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  });
});
