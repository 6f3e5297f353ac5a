/** Attempts in stages in whose midst others scale, delete pods, add nodes and change the partition, under one leader and under two. */
import { describe, expect, jest, test } from '@jest/globals';
import { shareOf } from '../support/share.ts';
import { played, statesOf } from './played.ts';
import { play } from './run.ts';
import { type KindName, NEW, OLD, STAGED_KINDS, told, workloadOf } from './stories.ts';
import { afterSeconds, annotate, deleteUpgrade, type Step, type Story, scaleTo, target } from './story.ts';
import { sweep } from './sweep.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];
const STAGES = [
  { name: 'canary', pods: 1 },
  { name: 'half', pods: '50%', soakSeconds: 60 },
  { name: 'rest' },
];

const stageIs = (index: number, state: string) => (world: World) =>
  world.upgrade()?.status?.stages?.[index]?.state === state;

const inStages = (kind: KindName, name: string, more: Partial<Story> = {}): Story => ({
  ...told(name, kind, {}, more),
  workload: { ...workloadOf(kind), replicas: 5 },
  nodes: NODES,
  spec: { containers: [{ name: 'web', image: NEW }], strategy: { stages: STAGES }, ...more.spec },
});

const all = (count: number, image = NEW) => Array(count).fill(`${image} serves`);
const endPod =
  (isWanted: (image: string) => boolean): Step['act'] =>
  (world) => {
    const pod = world
      .podsOf(target(world))
      .find(({ deleting, containers }) => !deleting && isWanted(containers[0]?.image ?? ''));
    if (pod) {
      world.kubelet.terminate(pod);
    }
  };

interface Rival {
  readonly what: string;
  readonly act: Step['act'];
  readonly pods?: number;
  /** Others may bring pods of the new version by it, where the template alone decides what a new pod runs. */
  readonly losesPods?: boolean;
}

const RIVALS: readonly Rival[] = [
  { what: 'a verified pod is deleted', act: endPod((image) => image === NEW), losesPods: true },
  { what: 'a pod of before is deleted', act: endPod((image) => image === OLD), losesPods: true },
];
const SCALERS: readonly Rival[] = [
  { what: 'it is scaled up', act: (world) => void scaleTo(world, 7), pods: 7, losesPods: true },
  { what: 'it is scaled down', act: (world) => void scaleTo(world, 3), pods: 3, losesPods: true },
];
const NODE: Rival = {
  what: 'a node is added',
  act: (world) => world.addNodes('node-6'),
  pods: 6,
  losesPods: true,
};

interface Meeting {
  readonly rival: Rival;
  readonly stage: number;
}

/** Each rival in each stage. */
const meetingsOf = (kind: KindName): readonly Meeting[] =>
  [...RIVALS, ...(kind.startsWith('DaemonSet') ? [NODE] : SCALERS)].flatMap((rival) =>
    [0, 1, 2].map((stage) => ({ rival, stage })),
  );

describe.each(STAGED_KINDS)('an attempt on a %s in three stages', (kind) => {
  test('goes through them, under one leader and under two', async () => {
    const story = inStages(kind, 'three stages');
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: all(5) });
    expect(statesOf(run)).toEqual(['canary Done', 'half Done', 'rest Done']);
    const two = await play(story, { operators: 2, stale: true });
    expect(two.violations).toEqual([]);
    expect(two.ending).toEqual(run.ending);
  });

  test.each([0, 1, 2])(
    'and a version that fails in stage %i goes back, under two leaders too',
    async (stage) => {
      const story: Story = {
        ...inStages(kind, `bad in stage ${stage}`),
        images: { [NEW]: { answer: ({ index }) => (index === [1, 2, 5][stage] ? 17 : 0) } },
      };
      const run = await played(story);
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: all(5, OLD) });
      const two = await play(story, { operators: 2, stale: true });
      expect(two.violations).toEqual([]);
      expect(two.ending).toEqual(run.ending);
    },
  );

  const meeting = ({ rival: { what, act, losesPods = false }, stage }: Meeting): Story =>
    inStages(kind, what, {
      losesPods,
      minutes: 60,
      steps: [{ when: stageIs(stage, 'Rolling'), act }],
    });

  test.each(shareOf(meetingsOf(kind), `${kind}, alone`, ({ rival }) => rival.what))(
    'goes on when $rival.what in stage $stage',
    async (one) => {
      const run = await played(meeting(one));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: all(one.rival.pods ?? 5) });
    },
  );

  test.each(shareOf(meetingsOf(kind), kind, ({ rival }) => rival.what))(
    'goes on under two leaders, too, when $rival.what in stage $stage',
    async (one) => {
      const two = await play(meeting(one), { operators: 2, stale: true });
      expect(two.violations).toEqual([]);
      expect(two.ending).toMatchObject({ phase: 'Succeeded', pods: all(one.rival.pods ?? 5) });
    },
  );

  test('ends the same when the operator is cut at any write', async () => {
    const { failures, of } = await sweep(inStages(kind, 'cut'), 1, ['before', 'lost']);
    expect(failures).toEqual([]);
    expect(of).toBeGreaterThan(30);
  });

  test.each([0, 1, 2])(
    'that is deleted in stage %i is put back, wherever the operator is cut',
    async (stage) => {
      const story = inStages(kind, 'deleted', {
        steps: [{ when: stageIs(stage, 'Rolling'), act: (world) => deleteUpgrade(world) }],
      });
      const { failures } = await sweep(story, 1, ['lost']);
      expect(failures).toEqual([]);
      const run = await played(story);
      expect(run.world.upgrade()).toBeUndefined();
      expect(run.ending.pods).toEqual(all(5, OLD));
    },
  );
});

describe.each(['StatefulSet', 'StatefulSet Parallel'] as const)(
  'a rival who sets the partition of a %s',
  (kind) => {
    const set =
      (partition: number): Step['act'] =>
      (world) =>
        void world.setPartition(target(world), partition);
    const raised = (stage: number): Story =>
      inStages(kind, 'partition', {
        losesPods: true,
        minutes: 60,
        steps: [
          { when: stageIs(stage, 'Rolling'), act: set(5) },
          { when: afterSeconds(900), act: set(1) },
          { when: afterSeconds(900), act: set(0) },
        ],
      });

    test.each([0, 1, 2])('to and fro in stage %i is followed, and to the end', async (stage) => {
      const run = await played(raised(stage));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: all(5) });
      const two = await play(raised(stage), { operators: 2, stale: true });
      expect(two.violations).toEqual([]);
      expect(two.ending).toEqual(run.ending);
    });

    test('and aborts then has the pods put back, and finds the partition as it was set', async () => {
      const story: Story = {
        ...inStages(kind, 'aborted'),
        steps: [
          { when: stageIs(2, 'Rolling'), act: set(2) },
          { when: afterSeconds(60), act: (world) => annotate(world, 'abort', 'now') },
        ],
      };
      const run = await played(story);
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: all(5, OLD) });
      expect(target(run.world)).toMatchObject({ partition: 2 });
      expect((await sweep(story, 1, ['lost'])).failures).toEqual([]);
    });
  },
);
