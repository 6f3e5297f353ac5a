/** Nodes that are lost, before an attempt or in the middle of it: they neither pass nor fail it, and are finished when they are back. */
import { describe, expect, test } from '@jest/globals';
import type { NodeView, PodView } from '../../src/api/views.ts';
import { isReady } from './controllers.ts';
import { play, type Run } from './run.ts';
import { KINDS, type KindName, NEW, OLD, workloadOf } from './stories.ts';
import { afterSeconds, phaseIs, type Step, type Story, target, wantImage } from './story.ts';
import { sweep } from './sweep.ts';
import type { World } from './world.ts';

const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];
const WORST = 'registry.example/web:3.0';

const onDelete = (name: string, steps: readonly Step[], more: Partial<Story> = {}): Story => ({
  name: `${name}, DaemonSet OnDelete`,
  workload: { ...workloadOf('DaemonSet OnDelete'), replicas: 5 },
  images: {},
  nodes: NODES,
  losesPods: true,
  minutes: 60,
  steps,
  ...more,
  spec: {
    containers: [{ name: 'web', image: NEW }],
    postCheck: { deadlineSeconds: 60 },
    ...more.spec,
  },
});

const imageOf = ({ containers }: PodView): string => containers[0]?.image ?? '';
const podsOf = (world: World, image: string): PodView[] =>
  world.pods().filter((pod) => !pod.deleting && imageOf(pod) === image);
const hasServing =
  (count: number) =>
  (world: World): boolean =>
    podsOf(world, NEW).filter(isReady).length >= count;
const lose = (world: World, node: string): void => world.setNodeReady(node, false);
function bringBack(world: World): void {
  for (const { name, ready } of world.state.all('Node')) {
    if (!ready) {
      world.setNodeReady(name, true);
    }
  }
}
/** The node of a pod of the new version that is not decided yet, or whose old pod is on its way out. */
function nodeInWork(world: World): string | undefined {
  return world.pods().find((pod) => pod.deleting || (imageOf(pod) === NEW && !isReady(pod)))?.node;
}
const isInWork =
  (serving: number) =>
  (world: World): boolean =>
    hasServing(serving)(world) && nodeInWork(world) !== undefined;
const loseNodeInWork = (world: World): void => lose(world, nodeInWork(world) as string);
/** The last node whose old pod nobody has touched yet. */
const loseUntouched = (world: World): void =>
  lose(
    world,
    podsOf(world, OLD)
      .map(({ node }) => node)
      .sort()
      .at(-1) as string,
  );

/** The node goes first, and its pod when the garbage collector has seen that. */
function removeLost(world: World): void {
  for (const node of world.state.all('Node').filter(({ ready }) => !ready)) {
    world.state.remove('Node', node);
    world.clock.after(20_000, () => {
      for (const pod of world.pods().filter((one) => one.node === node.name)) {
        world.state.remove('Pod', pod);
      }
    });
  }
}

const backLater: Step = { when: phaseIs('Partial'), act: bringBack };

async function played(story: Story): Promise<Run> {
  const run = await play(story);
  expect(run.violations).toEqual([]);
  return run;
}
const leftOf = (run: Run) =>
  run.world.upgrade()?.status?.left?.map(({ name, state, reason }) => `${name} ${state} ${reason}`);
const serving = (count: number): string[] => Array(count).fill(`${NEW} serves`);

describe('a node that is lost in mid-attempt', () => {
  test.each([
    onDelete('lost before its turn', [{ when: hasServing(2), act: loseUntouched }]),
    onDelete('lost in its turn', [{ when: isInWork(2), act: loseNodeInWork }]),
  ])('is left, the others go on, and it is named: $name', async (story) => {
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Partial', reason: 'NodeUnreachable' });
    expect(run.ending.pods.filter((pod) => pod === `${NEW} serves`)).toEqual(serving(4));
    expect(leftOf(run)).toEqual([expect.stringMatching(/^node-\d Unreachable NodeUnreachable$/)]);
    expect(run.message).toMatch(
      /^DaemonSet web runs web:2.0, verified on 4 of 4 pods; 1 unreachable: node-\d: node node-\d is not Ready$/,
    );
  });

  test.each([
    onDelete('lost before its turn, and back', [{ when: hasServing(2), act: loseUntouched }, backLater]),
    onDelete('lost in its turn, and back', [{ when: isInWork(2), act: loseNodeInWork }, backLater]),
    onDelete('lost before its turn, and back in mid-attempt', [
      { when: hasServing(2), act: loseUntouched },
      { when: afterSeconds(20), act: bringBack },
    ]),
    onDelete('verified and lost, and back', [
      {
        when: hasServing(3),
        act: (world) => lose(world, podsOf(world, NEW).filter(isReady)[0]?.node as string),
      },
      backLater,
    ]),
  ])('is finished when it is back: $name', async (story) => {
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(5), gating: false });
    expect(leftOf(run)).toBeUndefined();
    expect(run.world.upgrade()?.status?.counts).toMatchObject({ desired: 5, passed: 5 });
  });

  test('and is taken out of the cluster after the end is not missed', async () => {
    const run = await played(
      onDelete('removed after the end', [
        { when: hasServing(2), act: loseUntouched },
        { when: phaseIs('Partial'), act: removeLost },
      ]),
    );
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(4) });
    expect(leftOf(run)).toBeUndefined();
  });

  test('and fails when it is back has failed there, and takes no verified pod with it', async () => {
    const run = await played(
      onDelete('back and bad', [
        { when: hasServing(2), act: loseUntouched },
        {
          when: phaseIs('Partial'),
          act: (world) => {
            world.images[NEW] = { answer: () => 17 };
            bringBack(world);
          },
        },
      ]),
    );
    expect(run.ending).toMatchObject({ phase: 'Partial' });
    expect(leftOf(run)).toEqual([expect.stringMatching(/ Failed ProbeFailed$/)]);
    expect(run.ending.pods.filter((pod) => pod === `${NEW} serves`)).toEqual(serving(4));
  });

  test('leaves the version what the next one falls back to', async () => {
    const run = await played(
      onDelete(
        'the next version is bad',
        [
          { when: hasServing(2), act: loseUntouched },
          { when: phaseIs('Partial'), act: (world) => wantImage(world, WORST) },
        ],
        { images: { [WORST]: { answer: () => 17 } } },
      ),
    );
    expect(run.ending).toMatchObject({ phase: 'FellBack', images: { web: NEW } });
    expect(run.message).toMatch(/; not reached, because not Ready: node-\d$/);
  });

  test('is the same when the operator is cut at any write', async () => {
    const story = onDelete('lost in its turn, and back, cut', [
      { when: isInWork(2), act: loseNodeInWork },
      backLater,
    ]);
    const { failures } = await sweep(story, 1, ['lost']);
    expect(failures.filter((failure) => !failure.includes('it took'))).toEqual([]);
  }, 240_000);
});

/** Each node that gets the new version is lost so long after its pod runs it. */
function takesNodesDown(afterMs: number, kind: KindName = 'DaemonSet OnDelete'): Story {
  const story = onDelete('takes its nodes down', []);
  return {
    ...story,
    name: `takes its nodes down after ${afterMs} ms, ${kind}`,
    workload: { ...workloadOf(kind), replicas: 5 },
    minutes: 120,
    arrange: (world) => {
      const doomed = new Set<string>();
      world.state.onChange(({ kind, object }) => {
        const pod = object as PodView;
        if (
          kind === 'Pod' &&
          imageOf(pod) === NEW &&
          pod.containers[0]?.state === 'running' &&
          !doomed.has(pod.node)
        ) {
          doomed.add(pod.node);
          world.clock.after(afterMs, () => lose(world, pod.node));
        }
      });
    },
  };
}

test.each([0, 1000, 5000])(
  'a version that takes its nodes down stops at the first ones: after %d ms',
  async (afterMs) => {
    const run = await played(takesNodesDown(afterMs));
    expect(run.ending.phase).toBe('Inconclusive');
    expect(podsOf(run.world, OLD).length).toBeGreaterThanOrEqual(2);
    expect(run.message).toMatch(
      /; \d unreachable: node-\d.* is not Ready; the new version may be the cause, so no further node is upgraded until they are back$/,
    );
  },
);

test.each<[KindName, RegExp]>([
  ['Deployment', /; pod \S+ on (node-\d): node \1 is not Ready, after it had passed$/],
  ['StatefulSet', /; pod \S+ on (node-\d): node \1 is not Ready, after it had passed$/],
  [
    'DaemonSet',
    /; \d unreachable: .*; the controller of DaemonSet web replaces no further pod, most likely because they use up its maxUnavailable: recover or delete the nodes, or, if the new version is not the cause, raise it$/,
  ],
])(
  'and the nodes are named, where the controller of a %s is what stops (kubernetes#117658)',
  async (kind, says) => {
    const run = await played(takesNodesDown(5000, kind));
    expect(run.ending.phase).toBe('Inconclusive');
    expect(podsOf(run.world, OLD).length).toBeGreaterThanOrEqual(2);
    expect(run.message).toMatch(says);
  },
);

test.each<[string, Step['act']]>([
  [
    'maxUnavailable is raised',
    (world) => {
      const workload = target(world);
      world.models.set(workload.uid, { ...world.model(workload), maxUnavailable: 3 });
      world.changeSpec(workload, {});
    },
  ],
  ['the nodes are deleted', removeLost],
])(
  'nodes that were lost before use up what may be unavailable, which is said, and the attempt goes on when %s (kubernetes/test-infra#31706)',
  async (_what, act) => {
    const story = onDelete('lost before', [{ when: phaseIs('Inconclusive'), act }], {
      arrange: (world) =>
        world.clock.after(7000, () => ['node-1', 'node-2'].forEach((node) => void lose(world, node))),
    });
    const run = await played({ ...story, workload: { ...workloadOf('DaemonSet'), replicas: 5 } });
    expect(run.writes.map(({ what }) => what).join()).toContain('because they use up its maxUnavailable');
    expect(run.ending).toMatchObject({
      pods: serving(3),
      outcomes: [expect.stringMatching(/Partial|Succeeded/)],
    });
  },
);

test.each<KindName>(['StatefulSet', 'StatefulSet OnDelete'])(
  'a %s whose controller waits for a pod on a lost node says which node, and goes on when that is deleted (rancher/rke2#3913, kubernetes/community#7060)',
  async (kind) => {
    const story = onDelete('lost before', [{ when: phaseIs('Inconclusive'), act: removeLost }], {
      arrange: (world) => world.clock.after(7000, () => void lose(world, 'node-1')),
    });
    const run = await played({ ...story, workload: { ...workloadOf(kind), replicas: 5 } });
    const said = run.writes.map(({ what }) => what).filter((what) => what.startsWith('Inconclusive'));
    expect(said[0]).toMatch(
      /; its controller waits for web-0: node node-1 is not Ready: recover the node, or delete it if it is lost for good$/,
    );
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(5) });
  },
);

test('all nodes lost at once are no lost nodes: the attempt goes on when they are back', async () => {
  const during: unknown[] = [];
  const run = await played(
    onDelete('all lost', [
      { when: hasServing(2), act: (world) => NODES.forEach((node) => void lose(world, node)) },
      {
        when: afterSeconds(1800),
        act: (world) => {
          const { counts, left, phase } = world.upgrade()?.status ?? {};
          during.push({ desired: counts?.desired, left, phase });
          bringBack(world);
        },
      },
    ]),
  );
  expect(during).toEqual([{ desired: 5, left: undefined, phase: 'Inconclusive' }]);
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(5) });
  expect(run.ending.outcomes).toEqual(['1 Succeeded']);
});

test.each(KINDS)(
  'all nodes lost during the fallback of a %s do not end it: it goes on when they are back (kops#6349)',
  async (kind) => {
    const during: unknown[] = [];
    const story = onDelete(
      'all lost while falling back',
      [
        { when: phaseIs('FallingBack'), act: () => {} },
        { when: afterSeconds(1), act: (world) => NODES.forEach((node) => void lose(world, node)) },
        {
          when: afterSeconds(3600),
          act: (world) => {
            during.push(world.upgrade()?.status?.message);
            bringBack(world);
          },
        },
      ],
      { images: { [NEW]: { answer: ({ index }) => (index > 2 ? 17 : 0) } }, minutes: 180 },
    );
    const postCheck = { deadlineSeconds: 60 };
    const run = await played({
      ...story,
      workload: { ...workloadOf(kind), replicas: 5 },
      spec: { ...story.spec, postCheck },
    });
    expect(during).toEqual([
      expect.stringMatching(
        /^Falling back to web:1.0, which is blocked: pod \S+ on \S+: node \S+ is not Ready; /,
      ),
    ]);
    expect(run.ending).toMatchObject({ phase: 'FellBack', fallback: 'Verified PostCheck' });
    expect(run.ending.pods).toEqual(Array(5).fill(`${OLD} serves`));
  },
);

test.each(KINDS.flatMap((kind) => [1, 5].map((replicas) => [kind, replicas] as const)))(
  'a controller that is down during the fallback of a %s of %i does not end it: it goes on with the controller (kubermatic#2692)',
  async (kind, replicas) => {
    const during: unknown[] = [];
    const story = onDelete(
      'controller down',
      [
        {
          when: phaseIs('FallingBack'),
          act: ({ controllers }) => {
            controllers.syncAfterMs = 3_600_000;
          },
        },
        {
          when: afterSeconds(3500),
          act: (world) => {
            during.push(world.upgrade()?.status?.message);
            world.controllers.syncAfterMs = 15;
          },
        },
      ],
      { images: { [NEW]: { answer: () => 17 } }, minutes: 180, nodes: NODES.slice(0, replicas) },
    );
    const run = await played({ ...story, workload: { ...workloadOf(kind), replicas } });
    expect(during).toEqual([
      expect.stringMatching(
        /^Falling back to web:1.0, which is blocked: the controller of \S+ web has not observed/,
      ),
    ]);
    expect(run.ending).toMatchObject({ phase: 'FellBack', fallback: 'Verified PostCheck' });
    expect(run.ending.pods).toEqual(Array(replicas).fill(`${OLD} serves`));
  },
);

function labelled(world: World): void {
  for (const name of NODES) {
    const ring = name < 'node-3' ? 'lab' : 'rest';
    world.state.put('Node', { name, resourceVersion: '', ready: name !== 'node-1', labels: { ring, name } });
    if (name === 'node-1') {
      world.kubelet.nodeChanged(name, false);
    }
  }
}

test('a stage by label goes on without its node that was lost before', async () => {
  const run = await played(
    onDelete('a stage with a lost node', [], {
      arrange: (world) => world.clock.after(7000, () => labelled(world)),
      spec: {
        strategy: { stages: [{ name: 'lab', nodes: { matchLabels: { ring: 'lab' } } }, { name: 'rest' }] },
      },
    }),
  );
  expect(run.ending).toMatchObject({ phase: 'Partial' });
  expect(leftOf(run)).toEqual(['node-1 Unreachable NodeUnreachable']);
});

test('a stage none of whose nodes can be reached is not over', async () => {
  const run = await played(
    onDelete('a stage of lost nodes', [], {
      arrange: (world) => world.clock.after(7000, () => labelled(world)),
      spec: {
        strategy: {
          stages: [{ name: 'one', nodes: { matchLabels: { name: 'node-1' } } }, { name: 'rest' }],
        },
      },
    }),
  );
  expect(run.ending.phase).not.toBe('Succeeded');
  expect(podsOf(run.world, NEW)).toEqual([]);
  expect(run.message).toContain('stage one has no pods: no reachable node');
});

const removed: Step = {
  when: phaseIs('Upgrading', 'PostChecking'),
  act: (world) => {
    for (const pod of world.pods().filter(({ node }) => node === 'node-3')) {
      world.state.remove('Pod', pod);
    }
    world.state.remove('Node', world.node('node-3') as NodeView);
  },
};

test.each<KindName>(['DaemonSet', 'DaemonSet OnDelete'])(
  'a node that was lost before a %s was upgraded, and is then taken out of the cluster, is not missed',
  async (kind) => {
    const story = onDelete('a lost node is removed', [removed], {
      arrange: (world) => world.clock.after(7000, () => lose(world, 'node-3')),
      // The second pod takes its time, so that an end after the first would be seen.
      images: { [NEW]: { answer: ({ index, ageMs }) => (index === 1 || ageMs > 30_000 ? 0 : 1) } },
      nodes: NODES.slice(0, 3),
    });
    const run = await played({ ...story, workload: { ...workloadOf(kind), replicas: 3 } });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(2) });
    expect(run.world.upgrade()?.status?.counts).toMatchObject({ desired: 2, passed: 2 });
  },
);
