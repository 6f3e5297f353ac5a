/** What users of rollout tools and of Kubernetes' own controllers reported about pods, played here. Each names the public issue that it comes from. */
import { describe, expect, jest, test } from '@jest/globals';
import type { PodView } from '../../src/api/views.ts';
import { type Behaviour, exits } from './behaviour.ts';
import { isReady } from './controllers.ts';
import { played, three } from './played.ts';
import type { Run } from './run.ts';
import { bad, crashLoop, good, type KindName, NEW, NEWER, OLD, told, workloadOf } from './stories.ts';
import { afterSeconds, annotate, asked, phaseIs, type Story, target, wantImage } from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const said = (run: Run): readonly string[] =>
  run.writes.filter(({ kind }) => kind === 'patchStatus').map(({ what }) => what);
const SHORT = { postCheck: { deadlineSeconds: 60 } };

describe('what happens to a pod from outside is no evidence', () => {
  test.each(['init', 'sidecar', 'regular'] as const)(
    'an image that takes longer to pull than the deadline, behind a container with the role %s that has started (flagger#1898, kestra#17781)',
    async (role) => {
      const story = told(
        'slow pull',
        'Deployment',
        { startsAfterMs: 300_000, readyAfterMs: 20_000 },
        { spec: SHORT },
      );
      const images = { first: 'registry.example/first:1', web: OLD };
      const workload = { ...workloadOf('Deployment'), images, roles: { first: role } };
      const run = await played({ ...story, workload });
      expect(run.ending.outcomes).toEqual(['1 Succeeded']);
      expect(said(run).join('\n')).toContain('Inconclusive: No verdict on web:2.0 yet');
    },
  );

  test.each<KindName>(['Deployment', 'StatefulSet', 'DaemonSet'])(
    'a readiness gate of a %s whose controller is down (aws-load-balancer-controller#1205)',
    async (kind) => {
      const balanced = 'example.com/balanced';
      const balance = (world: World, pods: readonly PodView[]): void => {
        for (const pod of pods.filter(({ conditions }) => conditions[balanced] === undefined)) {
          const yes = { status: 'True', reason: '', message: '', since: world.clock.now() } as const;
          const conditions = { ...pod.conditions, [balanced]: yes };
          world.state.put('Pod', { ...pod, conditions });
          world.kubelet.patched(pod);
        }
      };
      let isUp = true;
      const run = await played({
        ...told('gate of others', kind, {}, { spec: SHORT }),
        arrange: (world) => {
          world.gates = [balanced];
          world.state.onChange(({ kind: changed, type, object }) => {
            if (changed === 'Pod' && type === 'upsert' && isUp && (object as PodView).ip === '') {
              world.clock.after(100, () => balance(world, isUp ? world.podsOf(target(world)) : []));
            }
          });
        },
        steps: [
          {
            when: phaseIs('Upgrading'),
            act: () => {
              isUp = false;
            },
          },
          {
            when: phaseIs('Inconclusive'),
            act: (world) => {
              isUp = true;
              balance(world, world.podsOf(target(world)));
            },
          },
        ],
      });
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
    },
  );
});

const evicted: Behaviour = { start: 'evicted', livesMs: 20_000, answer: () => 'broken' };
const EVICTED =
  /pod web-\S+ on node-\d: its node ended it \(PodEnded: Evicted: The node was low on resource: memory\)/;

describe('a version whose pods are evicted again and again (kubernetes#93649, kubernetes#108152)', () => {
  const loop = (onInconclusive: 'Wait' | 'Fallback'): Story =>
    told('evicted', 'Deployment', evicted, {
      spec: { postCheck: { deadlineSeconds: 60, onInconclusive }, progressDeadlineSeconds: 120 },
      losesPods: true,
    });

  test('is Inconclusive, and the message says what happens to them', async () => {
    const run = await played(loop('Wait'));
    expect(run.ending.phase).toBe('Inconclusive');
    expect(run.message).toMatch(EVICTED);
    expect(run.ending.pods.filter((pod) => pod === `${OLD} serves`)).toHaveLength(3);
  });

  test('falls back if that is wanted of pods without a result', async () => {
    const run = await played(loop('Fallback'));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
    expect(run.message).toMatch(EVICTED);
  });

  test('goes on when there is room again', async () => {
    const mended: Story['steps'] = [
      {
        when: phaseIs('Inconclusive'),
        act: (world) => {
          world.images[NEW] = {};
        },
      },
    ];
    const run = await played({ ...loop('Wait'), steps: mended });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  });
});

test('a StatefulSet whose next pod does not end on a lost node names it, and goes on when it is gone (kubernetes#72226)', async () => {
  const run = await played({
    ...told('stuck terminating', 'StatefulSet', {}, { spec: { ...SHORT, progressDeadlineSeconds: 120 } }),
    losesPods: true,
    steps: [
      {
        when: (world) => asked(world, NEW) >= 1,
        act: (world) => {
          const next = world.podsOf(target(world)).find(({ name }) => name === 'web-1') as PodView;
          world.setNodeReady(next.node, false);
          world.kubelet.terminate(next);
        },
      },
      {
        when: phaseIs('Inconclusive'),
        act: (world) => world.state.all('Node').forEach(({ name }) => void world.setNodeReady(name, true)),
      },
    ],
  });
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
  expect(said(run).join('\n')).toMatch(/pod web-1 on node-\d: still terminating \(PodTerminating\)/);
});

test.each<KindName>(['StatefulSet Parallel', 'StatefulSet'])(
  'a %s whose controller waits for its broken pods instead of replacing them comes back (kubernetes#137409)',
  async (kind) => {
    const run = await played({
      ...crashLoop(kind),
      arrange: (world) => {
        world.waitsForUnavailable = true;
      },
    });
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  },
);

test.each<KindName>(['Deployment', 'StatefulSet', 'StatefulSet OnDelete', 'DaemonSet'])(
  'a %s that is created anew with the version that is being verified falls back to the one before (nomad#3052)',
  async (kind) => {
    const run = await played({
      ...told('created anew', kind, exits(2), { spec: SHORT }),
      losesPods: true,
      steps: [
        { when: (world) => asked(world, NEW) >= 1, act: (world) => world.deleteWorkload(target(world)) },
        {
          when: afterSeconds(30),
          act: (world) => void world.addWorkload({ ...workloadOf(kind), images: { web: NEW } }),
        },
      ],
    });
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  },
);

describe('the version to go back to', () => {
  test.each<KindName>(['Deployment', 'StatefulSet', 'DaemonSet', 'DaemonSet OnDelete'])(
    'of a %s is never one that was aborted before (argo-rollouts#4281)',
    async (kind) => {
      const run = await played({
        ...bad(kind),
        name: `aborted, then a bad one, ${kind}`,
        images: { [NEW]: { answer: () => 'broken' }, [NEWER]: exits(17) },
        steps: [
          { when: (world) => asked(world, NEW) >= 1, act: (world) => annotate(world, 'abort', 'now') },
          { when: phaseIs('FellBack'), act: (world) => wantImage(world, NEWER) },
        ],
      });
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
      expect(run.ending.outcomes).toEqual(['2 FellBack', '1 FellBack']);
    },
  );

  test.each<KindName>(['Deployment', 'StatefulSet'])(
    'of a %s is left by a new version after an abort (argo-rollouts#2048)',
    async (kind) => {
      const run = await played({
        ...good(kind),
        name: `aborted, then a good one, ${kind}`,
        images: { [NEW]: { answer: () => 'broken' } },
        steps: [
          { when: (world) => asked(world, NEW) >= 1, act: (world) => annotate(world, 'abort', 'now') },
          { when: phaseIs('FellBack'), act: (world) => wantImage(world, NEWER) },
        ],
      });
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEWER) });
    },
  );

  test.each<KindName>(['Deployment', 'StatefulSet'])(
    'of a %s stays when nothing is under way that could be aborted (argo-rollouts#1292)',
    async (kind) => {
      const run = await played({
        ...good(kind),
        steps: [{ when: phaseIs('Succeeded'), act: (world) => annotate(world, 'abort', 'late') }],
      });
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    },
  );

  test('keeps its pods while those of a version that cannot start are taken away (kruise#376)', async () => {
    const run = await played({
      ...told('pending, then aborted', 'Deployment', { start: 'mountFails' }),
      workload: { ...workloadOf('Deployment'), replicas: 1 },
      steps: [{ when: afterSeconds(60), act: (world) => annotate(world, 'abort', 'now') }],
    });
    // The oracle insists that the one pod serves all the time.
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: [`${OLD} serves`] });
  });
});

test.each<KindName>(['Deployment', 'StatefulSet Parallel', 'DaemonSet', 'DaemonSet OnDelete'])(
  'a %s whose present version is broken gets the one that mends it (argo-rollouts#1774, flagger#639)',
  async (kind) => {
    const run = await played({
      ...good(kind),
      name: `mends, ${kind}`,
      images: { [OLD]: { start: 'crashes' } },
      losesPods: true,
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW) });
    expect(run.world.pods().every(isReady)).toBe(true);
  },
);

/** Only the leader is ready, and another pod leads only once that has gone. */
function elects(world: World): void {
  const running = world.podsOf(target(world)).filter(({ containers }) => containers[0]?.state === 'running');
  const [first] = running;
  if (first && !running.some(({ containers }) => containers[0]?.ready)) {
    world.kubelet.setReady(first, true);
  }
  world.clock.after(1000, () => elects(world));
}

test.each<[KindName, number, string]>([
  ['Deployment', 1, 'until the deadline of 1m'],
  ['Deployment', 2, 'before the upgrade 1 of 2 pods was not ready'],
  ['StatefulSet Parallel', 2, 'before the upgrade 1 of 2 pods was not ready'],
])(
  'standbys of a %s of %i are never ready, before the upgrade either, which its end says (llm-d-router#2568, plugin-barman-cloud#419)',
  async (kind, replicas, says) => {
    const standby = { readyAfterMs: false } as const;
    const run = await played({
      ...told('leader', kind, standby, { spec: SHORT }),
      workload: { ...workloadOf(kind), replicas },
      images: { [OLD]: standby, [NEW]: standby },
      arrange: elects,
      losesPods: true,
    });
    expect(run.ending.phase).toBe(replicas === 1 ? 'FellBack' : 'FallbackFailed');
    expect(run.message.endsWith(says)).toBe(true);
  },
);
