/** What people did to a workload or to its Upgrade around an attempt. Those that come from a public issue name it. */
import { describe, expect, jest, test } from '@jest/globals';
import { exits } from './behaviour.ts';
import { played, statesOf, three } from './played.ts';
import type { Run } from './run.ts';
import {
  bad,
  KINDS,
  type KindName,
  NEW,
  NEWER,
  neverReady,
  OLD,
  retryThenGood,
  STAGED_KINDS,
  staged,
  superseded,
  told,
  workloadOf,
} from './stories.ts';
import {
  afterSeconds,
  annotate,
  asked,
  changeSpec,
  phaseIs,
  type Story,
  scaleTo,
  target,
  wantImage,
} from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const SOME: readonly KindName[] = ['Deployment', 'StatefulSet', 'DaemonSet OnDelete'];

const PROXY = 'registry.example/proxy:1';
const NEWER_PROXY = 'registry.example/proxy:2';
const HOTFIX = 'registry.example/web:1.0.1';

const isAwaited = (world: World): boolean =>
  world.upgrade()?.status?.stages?.[0]?.state === 'AwaitingApproval';

const setImages =
  (images: Readonly<Record<string, string>>) =>
  (world: World): void =>
    void world.setImages(target(world), images, 'kubectl-set');

describe('what another team set meanwhile, in a container that is not upgraded (managed-gitops#467, kubernetes#75136)', () => {
  const withProxy = (kind: KindName, story: Story, steps: Story['steps']): Story => ({
    ...story,
    workload: { ...workloadOf(kind), images: { web: OLD, proxy: PROXY } },
    losesPods: true,
    steps,
  });

  test.each(SOME)('is not undone by a retry: %s', async (kind) => {
    const run = await played(
      withProxy(kind, bad(kind), [
        { when: phaseIs('FellBack'), act: setImages({ proxy: NEWER_PROXY }) },
        {
          when: afterSeconds(120),
          act: (world) => {
            world.images[NEW] = {};
            annotate(world, 'retry', 'again');
          },
        },
      ]),
    );
    expect(run.ending).toMatchObject({ phase: 'Succeeded', images: { web: NEW, proxy: NEWER_PROXY } });
  });

  test.each(SOME)('is undone neither by the next version nor by its fallback: %s', async (kind) => {
    for (const code of [0, 17]) {
      const story = superseded(kind, { answer: () => code });
      const run = await played(
        withProxy(kind, { ...story, spec: { ...bad(kind).spec, ...story.spec } }, [
          { when: (world) => asked(world, NEW) >= 1, act: setImages({ proxy: NEWER_PROXY }) },
          { when: afterSeconds(20), act: (world) => wantImage(world, NEWER) },
        ]),
      );
      expect(run.ending).toMatchObject({
        phase: code === 0 ? 'Succeeded' : 'FellBack',
        images: { web: code === 0 ? NEWER : OLD, proxy: NEWER_PROXY },
      });
    }
  });
});

describe('a further container that is named once an attempt has failed', () => {
  const PROXY_TOO = [
    { name: 'web', image: NEW },
    { name: 'proxy', image: PROXY },
  ];
  const beside = (kind: KindName, steps: Story['steps'], spec: Story['spec'] = {}): Story => ({
    ...bad(kind),
    workload: { ...workloadOf(kind), images: { web: OLD, proxy: PROXY } },
    spec: { ...bad(kind).spec, ...spec },
    losesPods: true,
    minutes: 60,
    steps,
  });
  const name = (containers: typeof PROXY_TOO) => (world: World) => changeSpec(world, { containers });
  const numberOf = (run: Run) => run.world.upgrade()?.status?.attempt?.number;
  const serving = (web: string, proxy = PROXY) => three(`${web}+${proxy}`);

  test.each(SOME)('and runs its image already does not bring the failed version back: %s', async (kind) => {
    const run = await played(beside(kind, [{ when: phaseIs('FellBack'), act: name(PROXY_TOO) }]));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: serving(OLD) });
    expect(numberOf(run)).toBe(1);
    expect(run.message).toMatch(/^web:1\.0 runs again, .*; web:2\.0 failed: /);
  });

  test.each(['Pause', 'None'] as const)(
    'nor does it where nothing was restored, by action %s',
    async (action) => {
      const steps = [{ when: phaseIs('Failed'), act: name(PROXY_TOO) }];
      const run = await played(beside('Deployment', steps, { fallback: { action } }));
      expect([run.ending.phase, numberOf(run)]).toEqual(['Failed', 1]);
    },
  );

  test('nor does it after an abort, nor over what others set since, also in that very container', async () => {
    const steps = [
      {
        when: (world: World) => asked(world, NEW) >= 1,
        act: (world: World) => annotate(world, 'abort', 'now'),
      },
      { when: phaseIs('FellBack'), act: setImages({ web: HOTFIX, proxy: NEWER_PROXY }) },
      {
        when: afterSeconds(60),
        act: name([
          { name: 'web', image: NEW },
          { name: 'proxy', image: NEWER_PROXY },
        ]),
      },
    ];
    const run = await played({ ...beside('Deployment', steps), images: { [NEW]: exits(2) } });
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: serving(HOTFIX, NEWER_PROXY) });
    expect(run.message).toContain('has since set container web to registry.example/web:1.0.1');
    expect(numberOf(run)).toBe(1);
  });

  test('and was set to that image since is not reported as changed by others', async () => {
    const run = await played(
      beside('Deployment', [
        { when: phaseIs('FellBack'), act: setImages({ proxy: NEWER_PROXY }) },
        {
          when: afterSeconds(60),
          act: name([
            { name: 'web', image: NEW },
            { name: 'proxy', image: NEWER_PROXY },
          ]),
        },
      ]),
    );
    expect(numberOf(run)).toBe(1);
    expect(run.message).toMatch(/^web:1\.0 runs again, .*; web:2\.0 failed: /);
  });

  test('does not wait for a window that is closed', async () => {
    const windows = [{ start: '00:00', durationSeconds: 300, timeZone: 'UTC' }];
    const steps = [
      { when: phaseIs('FellBack'), act: () => {} },
      { when: afterSeconds(900), act: name(PROXY_TOO) },
    ];
    const run = await played(beside('Deployment', steps, { windows }));
    expect(run.world.upgrade()?.status?.waiting).toBeUndefined();
    expect(numberOf(run)).toBe(1);
  });

  test.each(SOME)(
    'starts an attempt with an image of its own, or when the failed one is retried: %s',
    async (kind) => {
      const works = (world: World) => {
        world.images[NEW] = {};
      };
      const own = [
        { name: 'web', image: NEW },
        { name: 'proxy', image: NEWER_PROXY },
      ];
      const renewed = await played(
        beside(kind, [
          { when: phaseIs('FellBack'), act: name(PROXY_TOO) },
          { when: afterSeconds(60), act: works },
          { when: afterSeconds(60), act: name(own) },
        ]),
      );
      expect(renewed.ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW, NEWER_PROXY) });
      const retried = await played(
        beside(kind, [
          { when: phaseIs('FellBack'), act: name(PROXY_TOO) },
          { when: afterSeconds(60), act: works },
          { when: afterSeconds(60), act: (world) => annotate(world, 'retry', 'again') },
        ]),
      );
      expect(retried.ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW) });
    },
  );

  test('that failed with it starts one with the image of before, which is another set', async () => {
    const both = [
      { name: 'web', image: NEW },
      { name: 'proxy', image: NEWER_PROXY },
    ];
    const run = await played(
      beside('Deployment', [{ when: phaseIs('FellBack'), act: name(PROXY_TOO) }], { containers: both }),
    );
    expect(run.ending).toMatchObject({ phase: 'FellBack', outcomes: ['2 FellBack', '1 FellBack'] });
  });
});

test.each(SOME)('a retry that fails goes back to the hotfix that ran before it: %s', async (kind) => {
  const run = await played({
    ...bad(kind),
    losesPods: true,
    steps: [
      { when: phaseIs('FellBack'), act: setImages({ web: HOTFIX }) },
      { when: afterSeconds(120), act: (world) => annotate(world, 'retry', 'again') },
    ],
  });
  expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: HOTFIX } });
});

test('an approval that is given while the Upgrade is paused is not requested once more (argo-cd#25054)', async () => {
  const canary = { name: 'canary', pods: 1, approval: 'Manual' } as const;
  const said: string[] = [];
  const run = await played({
    ...staged('Deployment', {}, { spec: { strategy: { stages: [canary] } } }),
    steps: [
      { when: isAwaited, act: (world) => changeSpec(world, { paused: true }) },
      { when: afterSeconds(30), act: (world) => annotate(world, 'approve', '1/canary') },
      {
        when: afterSeconds(30),
        act: (world) => {
          said.push(world.upgrade()?.status?.message ?? '');
          changeSpec(world, { paused: false });
        },
      },
    ],
  });
  expect(said).toEqual([
    expect.stringMatching(/^Paused by .*; Stage canary .*: 1 of 1 verified and approved$/),
  ]);
  expect(run.ending.phase).toBe('Succeeded');
});

test.each(SOME)(
  'an abort that comes with another image, in one kubectl apply, is of the running attempt of a %s: the other image is rolled out after it',
  async (kind) => {
    const apply = (world: World): void => {
      wantImage(world, NEWER);
      annotate(world, 'abort', 'now');
    };
    const run = await played({
      ...superseded(kind),
      steps: [{ when: (world) => asked(world, NEW) >= 2, act: apply }],
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEWER) });
    const { commands, history } = run.world.upgrade()?.status ?? {};
    expect(commands?.abort).toMatchObject({ token: 'now', result: 'FallingBack' });
    expect(history?.map(({ outcome }) => outcome)).toEqual(['Succeeded', 'FellBack']);
  },
);

describe('kubectl rollout undo (tidb-operator#5204, argo-rollouts#1254)', () => {
  const undo = setImages({ web: OLD });
  const undone = {
    phase: 'FellBack',
    reason: 'Aborted',
    fallback: 'Verified PostCheck',
    gating: false,
  };
  const playedUndo = (story: Story, when: (world: World) => boolean, more: Partial<Story> = {}) =>
    played({ ...story, losesPods: true, steps: [{ when, act: undo }], ...more });
  const isAsked = (world: World): boolean => asked(world, NEW) >= 1;

  test.each(KINDS)('aborts the attempt: every pod of a %s goes back, and is verified', async (kind) => {
    const run = await playedUndo(retryThenGood(kind), isAsked);
    expect(run.ending).toMatchObject({ ...undone, pods: three(OLD) });
    expect(run.message).toMatch(/; web:2\.0 was aborted by kubectl-set, which set the previous image again$/);
  });

  test.each(KINDS)('also where a pod of a %s that never gets ready is in the way', async (kind) => {
    const run = await playedUndo({ ...neverReady(kind), spec: bad(kind).spec }, afterSeconds(20));
    expect(run.ending).toMatchObject({ ...undone, pods: three(OLD) });
  });

  test.each(STAGED_KINDS)('also between the stages of a %s', async (kind) => {
    const story = staged(
      kind,
      {},
      { spec: { strategy: { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] } } },
    );
    const run = await playedUndo(story, isAwaited);
    expect(run.ending).toMatchObject({ ...undone, pods: three(OLD) });
    expect(statesOf(run)).toEqual(['canary AwaitingApproval', 'rest Waiting']);
    expect(target(run.world)).toMatchObject(kind.startsWith('StatefulSet') ? { partition: 0 } : {});
  });

  test.each(SOME)(
    'twice, when the first attempt on a %s was overtaken, goes back to what ran before both',
    async (kind) => {
      const run = await played({
        ...superseded(kind, { answer: () => 2 }),
        losesPods: true,
        steps: [
          { when: isAsked, act: (world) => wantImage(world, NEWER) },
          { when: (world) => asked(world, NEWER) >= 1, act: undo },
        ],
      });
      expect(run.ending).toMatchObject({
        ...undone,
        pods: three(OLD),
        outcomes: ['2 FellBack', '1 Superseded'],
      });
    },
  );

  test('to the one that an attempt has overtaken ends as ImageConflict, and says which attempt that was', async () => {
    const run = await played({
      ...superseded('Deployment', { answer: () => 2 }),
      losesPods: true,
      steps: [
        { when: isAsked, act: (world) => wantImage(world, NEWER) },
        { when: (world) => asked(world, NEWER) >= 1, act: setImages({ web: NEW }) },
      ],
    });
    expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'ImageConflict' });
    expect(run.message).toContain('the image, which attempt 1 set before it was superseded, is not verified');
  });

  test('by a GitOps tool that restores what is in Git does so once an attempt, and is named', async () => {
    const run = await played({
      ...retryThenGood('Deployment'),
      losesPods: true,
      steps: [
        { when: isAsked, act: undo },
        { when: phaseIs('FellBack'), act: (world) => annotate(world, 'retry', 'again') },
        {
          when: (world) =>
            world.upgrade()?.status?.attempt?.number === 2 && target(world).containers[0]?.image === NEW,
          act: undo,
        },
      ],
    });
    expect(run.ending).toMatchObject({ ...undone, pods: three(OLD), outcomes: ['2 FellBack', '1 FellBack'] });
  });
});

test.each<KindName>(['StatefulSet', 'DaemonSet', 'DaemonSet OnDelete'])(
  'the pods of a %s whose revisions somebody deleted are still those of its controller',
  async (kind) => {
    const deleteRevisions = ({ state }: World): void => {
      for (const revision of state.all('ControllerRevision')) {
        state.remove('ControllerRevision', revision);
      }
    };
    const run = await played({
      ...told('revisions deleted', kind, { answer: ({ ageMs }) => (ageMs < 60_000 ? 2 : 0) }),
      losesPods: true,
      steps: [
        { when: (world) => asked(world, NEW) >= 1, act: () => {} },
        { when: afterSeconds(20), act: deleteRevisions },
        // Its controller creates them anew when it looks at the workload again.
        { when: afterSeconds(1), act: (world) => void world.changeSpec(target(world), {}) },
      ],
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  },
);

describe('what is scaled down after the end', () => {
  const scaled = async (kind: KindName, story: Story, ...to: readonly number[]): Promise<Run> =>
    played({
      ...story,
      workload: { ...workloadOf(kind), replicas: 6 },
      losesPods: true,
      steps: [
        { when: phaseIs('Succeeded', 'FellBack'), act: () => {} },
        ...to.map((desired) => ({
          when: afterSeconds(120),
          act: (world: World) => void scaleTo(world, desired),
        })),
      ],
    });
  const passed = (run: Run) => run.world.upgrade()?.status?.summary;

  test.each<KindName>(['Deployment', 'StatefulSet', 'StatefulSet Parallel'])(
    'is not verified on more pods than there are, nor on those that come later: %s',
    async (kind) => {
      const good = await scaled(kind, told('scaled down', kind, {}), 3);
      expect(good.message).toMatch(/ runs web:2\.0, verified on 3 of 3 pods/);
      const more = await scaled(kind, told('scaled down and up', kind, {}), 3, 5);
      expect([more.message, passed(more)]).toEqual([good.message, '3/3']);
      const back = await scaled(kind, bad(kind), 3);
      expect(back.message).toMatch(/^web:1\.0 runs again, verified on 3 pods; /);
    },
  );

  test('to nothing was verified before', async () => {
    const good = await scaled('Deployment', told('scaled to 0', 'Deployment', {}), 0);
    expect(good.message).toBe(
      'Deployment web is set to web:2.0, verified on 6 pods before it had 0 replicas',
    );
    const back = await scaled('Deployment', bad('Deployment'), 0);
    expect(back.message).toMatch(
      /^web:1\.0 is set again, verified on 6 pods before it had 0 replicas; web:2\.0 failed: /,
    );
  });
});
