/** What users of other tools and of Kubernetes ran into around retries, scaling, pods that take long to end, and several containers, by public issue. */
import { describe, expect, jest, test } from '@jest/globals';
import { exits } from './behaviour.ts';
import { isLive, isReady } from './controllers.ts';
import { played, three } from './played.ts';
import { bad, type KindName, NEW, OLD, staged, told, workloadOf } from './stories.ts';
import {
  afterSeconds,
  annotate,
  asked,
  changeSpec,
  phaseIs,
  type Step,
  type Story,
  scaleTo,
  target,
  wantImage,
} from './story.ts';
import { sweep } from './sweep.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const SOME: readonly KindName[] = ['Deployment', 'StatefulSet', 'DaemonSet OnDelete'];
const numberOf = (world: World): number | undefined => world.upgrade()?.status?.attempt?.number;
const PROXY = 'registry.example/proxy:1';

test.each(SOME)(
  'a version that fails again each time that it is retried falls back each time, and never by itself: %s (flux2#5916, helm-operator#241)',
  async (kind) => {
    const retry = (token: string): Step => ({
      when: afterSeconds(300),
      act: (world) => annotate(world, 'retry', token),
    });
    const run = await played({
      ...bad(kind),
      minutes: 60,
      losesPods: true,
      steps: [{ when: phaseIs('FellBack'), act: () => {} }, retry('one'), retry('two')],
    });
    expect(run.ending).toMatchObject({
      phase: 'FellBack',
      pods: three(OLD),
      outcomes: ['3 FellBack', '2 FellBack', '1 FellBack'],
    });
  },
);

test.each(SOME)(
  'nothing that happens to a workload after its fallback begins another: %s (helm-operator-plugins#224)',
  async (kind) => {
    const touch: Step = {
      when: afterSeconds(60),
      act: (world) => {
        void world.changeSpec(target(world), {});
        changeSpec(world, { historyLimit: 5 });
      },
    };
    const run = await played({
      ...bad(kind),
      losesPods: true,
      steps: [{ when: phaseIs('FellBack'), act: () => {} }, touch, touch, touch],
    });
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD), outcomes: ['1 FellBack'] });
    expect(run.writes.filter(({ kind: write }) => write === 'patchImages')).toHaveLength(2);
  },
);

describe('an autoscaler that scales a Deployment while its canary waits', () => {
  const canary = { strategy: { stages: [{ name: 'canary', pods: '25%', approval: 'Manual' as const }] } };
  const isAwaited = (world: World): boolean =>
    world.upgrade()?.status?.stages?.[0]?.state === 'AwaitingApproval';
  const serving = (world: World) => world.podsOf(target(world)).filter((pod) => isLive(pod) && isReady(pod));

  test.each([
    ['up (argo-rollouts#2857, argo-rollouts#3849)', 12],
    ['down (argo-rollouts#1415)', 2],
  ])('%s keeps as many pods serving as are desired, and has all of them verified', async (_how, desired) => {
    const run = await played({
      ...staged('Deployment', {}, { spec: canary }),
      workload: { ...workloadOf('Deployment'), replicas: 4 },
      losesPods: true,
      steps: [
        { when: isAwaited, act: (world) => void scaleTo(world, desired) },
        {
          when: afterSeconds(120),
          act: (world) => {
            expect(serving(world).length).toBeGreaterThanOrEqual(desired);
            annotate(world, 'approve', '1/canary');
          },
        },
      ],
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: Array(desired).fill(`${NEW} serves`) });
  });

  test('to nothing and back verifies what it has then (flagger#1526)', async () => {
    const run = await played({
      ...staged('Deployment', {}, { spec: canary }),
      losesPods: true,
      minutes: 60,
      steps: [
        { when: isAwaited, act: (world) => void scaleTo(world, 0) },
        { when: afterSeconds(300), act: (world) => void scaleTo(world, 2) },
        { when: isAwaited, act: () => {} },
        { when: afterSeconds(60), act: (world) => annotate(world, 'approve', '1/canary') },
      ],
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: Array(2).fill(`${NEW} serves`) });
  });
});

describe('a Deployment whose pods take minutes to end', () => {
  const slow = (behaviour: Story['images'][string], awaits: boolean, maxUnavailable: number): Story => ({
    ...told('slow to end', 'Deployment', behaviour, { losesPods: true, minutes: 90 }),
    workload: { ...workloadOf('Deployment'), maxSurge: 0, maxUnavailable },
    spec: { ...bad('Deployment').spec, progressDeadlineSeconds: 300 },
    arrange: (world) => {
      world.terminatesMs = 240_000;
      world.awaitsTermination = awaits;
    },
  });

  test.each([
    ['and are not counted (kubernetes#37955)', false, 1],
    ['before others are created (kubernetes#123430)', true, 1],
    ['all at once, before others are created', true, 3],
  ])('%s is verified once it has its pods, and not before', async (_how, awaits, maxUnavailable) => {
    const good = await played(slow({}, awaits, maxUnavailable));
    expect(good.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
    expect(good.message).toMatch(/verified on 3 of 3 pods/);
    const back = await played(slow(exits(17), awaits, maxUnavailable));
    expect(back.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  });

  test('is said to wait for them when they take longer than the deadline', async () => {
    const story = slow({}, true, 3);
    const run = await played({
      ...story,
      arrange: (world) => {
        world.terminatesMs = 900_000;
        world.awaitsTermination = true;
      },
      steps: [
        {
          when: phaseIs('Inconclusive'),
          act: (world) => expect(world.upgrade()?.status?.message).toMatch(/pod \S+ on \S+: .*terminating/),
        },
      ],
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  });
});

describe('a StatefulSet with two containers', () => {
  const two = (role: 'regular' | 'sidecar', steps: Story['steps']): Story => ({
    ...told('two containers', 'StatefulSet', {}, { losesPods: true, minutes: 60 }),
    workload: { ...workloadOf('StatefulSet'), images: { web: OLD, proxy: PROXY }, roles: { proxy: role } },
    images: { 'registry.example/proxy:2': { start: 'crashes' } },
    spec: {
      containers: [{ name: 'proxy', image: 'registry.example/proxy:2' }],
      postCheck: { deadlineSeconds: 120 },
    },
    steps,
  });
  const mend: Step['act'] = (world) =>
    changeSpec(world, { containers: [{ name: 'proxy', image: 'registry.example/proxy:3' }] });
  const mended = three(`${OLD}+registry.example/proxy:3`);

  test.each(['regular', 'sidecar'] as const)(
    'whose broken %s container is replaced by a working one rolls on, in the midst and after the fallback (kubernetes#92701, rollout-operator#466)',
    async (role) => {
      const midst = await played(two(role, [{ when: afterSeconds(15), act: mend }]));
      expect(midst.ending).toMatchObject({ phase: 'Succeeded', pods: mended });
      const after = await played(two(role, [{ when: phaseIs('FellBack'), act: mend }]));
      expect(after.ending).toMatchObject({ phase: 'Succeeded', pods: mended });
    },
  );
});

test('a node that is tainted once its pod is verified keeps that (piraeus-operator#846)', async () => {
  const run = await played({
    ...told('tainted late', 'DaemonSet OnDelete', {}, {}),
    steps: [
      {
        when: (world) => asked(world, NEW) >= 1 && (world.upgrade()?.status?.counts?.passed ?? 0) >= 1,
        act: (world) => {
          const [pod] = world.podsOf(target(world)).filter(({ containers }) => containers[0]?.image === NEW);
          world.taint(pod?.node ?? '', 'example.com/removing');
        },
      },
    ],
  });
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  expect(numberOf(run.world)).toBe(1);
});

test('the result of a pod is recorded once, however often a container restarts that is neither upgraded nor checked (flagger#1578)', async () => {
  const run = await played({
    ...told('a log shipper that crashes', 'DaemonSet OnDelete', {}, { losesPods: true, minutes: 20 }),
    workload: { ...workloadOf('DaemonSet OnDelete'), images: { web: OLD, log: 'registry.example/log:1' } },
    images: { 'registry.example/log:1': { start: 'crashes', livesMs: 8000 } },
    spec: {
      containers: [{ name: 'web', image: NEW }],
      postCheck: { readiness: { required: false } },
    },
  });
  const { phase, counts, message } = run.world.upgrade()?.status ?? {};
  expect({ phase, passed: counts?.passed }).toEqual({ phase: 'Inconclusive', passed: 1 });
  expect(message).toMatch(/not ready: container log is CrashLoopBackOff .*, after it had passed/);
  expect(run.writes.filter(({ kind, result }) => kind === 'patchVerified' && result === 'ok')).toHaveLength(
    1,
  );
});

describe('a DaemonSet that creates each new pod beside the old one (ray-project/ray#63382)', () => {
  const surging = (story: Story): Story => ({
    ...story,
    name: `${story.name}, with maxSurge`,
    workload: { ...story.workload, maxSurge: 1, maxUnavailable: 0 },
  });
  const live = (world: World, image: string) =>
    world.podsOf(target(world)).filter((pod) => isLive(pod) && pod.containers[0]?.image === image);
  /** As soon as the operator says that it has ended. */
  const atTheEnd = (story: Story, look: (world: World) => void): Story => ({
    ...story,
    steps: [{ when: phaseIs('Succeeded', 'FellBack'), act: look }],
  });

  test('serves on every node all the time, and has no old pod once it is verified', async () => {
    let least = 3;
    const story = surging(told('good', 'DaemonSet', {}));
    const run = await played({
      ...atTheEnd(story, (world) => expect(live(world, OLD)).toEqual([])),
      arrange: (world) => {
        world.state.onChange(() => {
          const nodes = new Set(
            world
              .pods()
              .filter((pod) => isLive(pod) && isReady(pod))
              .map(({ node }) => node),
          );
          least = world.upgrade() ? Math.min(least, nodes.size) : 3;
        });
      },
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(least).toBe(3);
  });

  test.each([true, false])(
    'is back only when no pod of the failed version is left, with verify %s',
    async (verify) => {
      for (const failsAs of [1, 2]) {
        const behaviour = { answer: ({ index }: { index: number }) => (index >= failsAs ? 17 : 0) };
        const { spec } = bad('DaemonSet');
        const story = surging(
          told('bad', 'DaemonSet', behaviour, { spec: { ...spec, fallback: { verify } } }),
        );
        const run = await played(
          atTheEnd(story, (world) => {
            expect(live(world, NEW)).toEqual([]);
            expect(live(world, OLD).filter(isReady)).toHaveLength(3);
          }),
        );
        expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
      }
    },
  );

  test('ends the same when any write is cut', async () => {
    expect((await sweep(surging(bad('DaemonSet')), 1)).failures).toEqual([]);
  });
});

test.each(SOME)(
  'the previous version, requested while the first pod of the new one starts, runs again on a %s however the operator is cut (sgl-project/rbg#482)',
  async (kind) => {
    const story: Story = {
      ...told('back at once', kind, { startsAfterMs: 5000, readyAfterMs: 5000 }),
      steps: [
        {
          when: (world) => world.pods().some(({ containers }) => containers[0]?.image === NEW),
          act: (world) => wantImage(world, OLD),
        },
      ],
    };
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(OLD) });
    expect(run.ending.outcomes).toEqual(['2 Succeeded', '1 Superseded']);
    expect((await sweep(story, 1)).failures).toEqual([]);
  },
);

test.each(SOME)(
  'a command that never answers over a connection that stays open neither passes nor fails a %s, and is named (kubernetes#67457)',
  async (kind) => {
    const spec = { postCheck: { deadlineSeconds: 60 } };
    const run = await played(told('silent', kind, { answer: () => 'silent' }, { spec }));
    expect(run.ending.phase).toBe('Inconclusive');
    expect(run.message).toMatch(
      /returned no result \(NoEvidence: the command had not started within \d+ ms\)/,
    );
  },
);
