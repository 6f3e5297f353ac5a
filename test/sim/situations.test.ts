/** What users of other rollout tools ran into, played here. Each names the public issue that it comes from. */
import { describe, expect, jest, test } from '@jest/globals';
import type { Behaviour } from './behaviour.ts';
import { isReady } from './controllers.ts';
import { played, statesOf } from './played.ts';
import type { Run } from './run.ts';
import { type KindName, NEW, OLD, told, workloadOf } from './stories.ts';
import {
  afterSeconds,
  annotate,
  changeSpec,
  phaseIs,
  type Step,
  type Story,
  scaleTo,
  target,
  wantImage,
} from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const NEWER = 'registry.example/web:3.0';
const NODES = ['node-1', 'node-2', 'node-3', 'node-4', 'node-5'];
const FINAL = {
  checks: [
    {
      name: 'readiness-probe',
      exec: { command: ['/usr/bin/readiness_probe.sh'] },
      exitCodes: [{ codes: '17', class: 'Fail' as const, reason: 'AsicUnsupported' }],
    },
  ],
};
const failsOn = (...nodes: string[]): Behaviour => ({
  answer: ({ node }) => (nodes.includes(node) ? 17 : 0),
});

function fleet(kind: KindName, behaviour: Behaviour, spec: Story['spec'], more: Partial<Story> = {}): Story {
  return {
    ...told('situation', kind, behaviour),
    nodes: NODES,
    losesPods: true,
    minutes: 60,
    ...more,
    workload: { ...(more.workload ?? workloadOf(kind)), replicas: more.workload?.replicas ?? 5 },
    spec: { containers: [{ name: 'web', image: NEW }], postCheck: FINAL, ...spec },
  };
}

const serving = (image: string, count = 5) => Array(count).fill(`${image} serves`);
const left = (run: Run) => run.world.upgrade()?.status?.left?.map(({ name }) => name);
const stageIs = (index: number, state: string) => (world: World) =>
  world.upgrade()?.status?.stages?.[index]?.state === state;
const hasLeft = (world: World): boolean => (world.upgrade()?.status?.left?.length ?? 0) > 0;

/** The pod that failed is taken away; what comes in its place works. */
const mendAndDelete: Step['act'] = (world) => {
  world.images[NEW] = {};
  const [place] = world.upgrade()?.status?.left ?? [];
  const pod = world.podsOf(target(world)).find(({ name, node }) => [name, node].includes(place?.name ?? ''));
  if (pod) {
    world.kubelet.terminate(pod);
  }
};

test.each(['Deployment', 'DaemonSet OnDelete', 'StatefulSet OnDelete'] as const)(
  'a canary whose failed pod was replaced by a healthy one goes on, and ends well: %s (nomad#8150, nomad#6407)',
  async (kind) => {
    const story = fleet(
      kind,
      kind === 'Deployment' ? { answer: ({ index }) => (index === 2 ? 17 : 0) } : failsOn('node-4', 'node-5'),
      {
        strategy: { stages: [{ name: 'canary', pods: 3 }], failureBudget: { maxFailed: 2 } },
      },
      {
        steps: [{ when: hasLeft, act: mendAndDelete }],
        workload: { ...workloadOf(kind), replicas: 5, maxUnavailable: 2 },
      },
    );
    const run = await played(story);
    expect(run.ending).toMatchObject({ pods: serving(NEW) });
    expect(statesOf(run)).toEqual(['canary Done', 'rest Done']);
  },
);

test('failed pods take no room from those that are still to be tried (kops#11367)', async () => {
  const story = fleet('DaemonSet OnDelete', failsOn('node-1', 'node-2'), {
    strategy: { maxParallel: 1, failureBudget: { maxFailed: 3 } },
  });
  const run = await played(story);
  expect(run.ending).toMatchObject({ phase: 'Partial' });
  expect(run.ending.pods.filter((pod) => pod === `${NEW} serves`)).toHaveLength(3);
});

test('all may fail but one, and that one is kept (rancher/fleet#2891)', async () => {
  const story = fleet('DaemonSet OnDelete', failsOn('node-1', 'node-2', 'node-3', 'node-4'), {
    strategy: { maxParallel: '100%', failureBudget: { maxFailed: '100%' } },
  });
  const run = await played(story);
  expect(run.ending.phase).toBe('Partial');
  expect(left(run)?.sort()).toEqual(['node-1', 'node-2', 'node-3', 'node-4']);
});

test('an offline device does not keep the others from their upgrade, and is upgraded when it is back (rancher/fleet#192)', async () => {
  const story = fleet(
    'DaemonSet OnDelete',
    {},
    { strategy: { stages: [{ name: 'canary', pods: 1 }] } },
    {
      minutes: 180,
      steps: [
        { when: stageIs(1, 'Rolling'), act: (world) => world.setNodeReady('node-5', false) },
        {
          when: afterSeconds(3600),
          act: (world) => {
            const now = world.podsOf(target(world)).filter(({ containers }) => containers[0]?.image === NEW);
            expect(now).toHaveLength(4);
            expect(world.upgrade()?.status?.phase).toBe('Partial');
            world.setNodeReady('node-5', true);
          },
        },
      ],
    },
  );
  expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW) });
});

test.each([1, 2])(
  'a StatefulSet that is scaled to nothing and back at a partition comes to its end (kubernetes#121534), back to %i',
  async (back) => {
    const story = fleet(
      'StatefulSet',
      {},
      {},
      {
        workload: { ...workloadOf('StatefulSet'), replicas: 4, partition: 2 },
        steps: [
          {
            when: (world) => world.upgrade()?.status?.waiting?.reason === 'PartitionSet',
            act: (world) => void scaleTo(world, 0),
          },
          { when: afterSeconds(60), act: (world) => void scaleTo(world, back) },
          { when: afterSeconds(600), act: (world) => void world.setPartition(target(world), 0) },
        ],
      },
    );
    expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW, back) });
  },
);

test('a stage that is approved after hours has its whole time before it (nomad#7058)', async () => {
  const slow: Behaviour = { readyAfterMs: 8 * 60_000 };
  const story = fleet(
    'StatefulSet',
    slow,
    { strategy: { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] }, progressDeadlineSeconds: 900 },
    {
      minutes: 400,
      steps: [
        { when: stageIs(0, 'AwaitingApproval'), act: () => {} },
        { when: afterSeconds(3 * 3600), act: (world) => annotate(world, 'approve', '1/canary') },
      ],
    },
  );
  expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW) });
});

const MEASURED = {
  ...FINAL,
  rolloutChecks: [{ name: 'errors', query: 'errors', passWhen: '< 0.05' }],
};
const says =
  (value: (world: World) => number): Story['arrange'] =>
  (world) => {
    world.prometheus = () => ({ kind: 'values', values: [value(world)] });
  };

test('a check of the rollout is asked at its pace for as long as a stage waits (argo-rollouts#1107)', async () => {
  const story = fleet(
    'Deployment',
    {},
    { strategy: { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] }, postCheck: MEASURED },
    { minutes: 240, arrange: says((world) => (world.queried.length % 5) / 1000) },
  );
  const run = await played(story);
  expect(statesOf(run)).toEqual(['canary AwaitingApproval', 'rest Waiting']);
  expect(run.world.queried.length).toBeLessThanOrEqual((240 * 60) / 30 + 10);
  // A person may take days, and a status that says the same need not be written all the time.
  expect(run.writes.length).toBeLessThan(60);
});

test('an approval is not waited for again when it comes in the midst of the checks (flagger#1141)', async () => {
  let approvedAt = 0;
  const story = fleet(
    'Deployment',
    {},
    { strategy: { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] }, postCheck: MEASURED },
    {
      arrange: says(() => 0.01),
      steps: [
        { when: stageIs(0, 'AwaitingApproval'), act: () => {} },
        {
          when: afterSeconds(95),
          act: (world) => {
            approvedAt = world.clock.now();
            annotate(world, 'approve', '1/canary');
          },
        },
      ],
    },
  );
  const run = await played(story);
  expect(run.ending.phase).toBe('Succeeded');
  const begun = Date.parse(run.world.upgrade()?.status?.stages?.[1]?.startedAt ?? '');
  expect(begun - approvedAt).toBeLessThan(1000);
});

test('a check that turns bad after the last pod takes the version back (argo-rollouts#1411)', async () => {
  const story = fleet(
    'Deployment',
    {},
    { postCheck: { ...MEASURED, soakSeconds: 600 } },
    { arrange: says((world) => (stageIs(0, 'Soaking')(world) && world.queried.length > 4 ? 0.5 : 0.01)) },
  );
  expect((await played(story)).ending).toMatchObject({ phase: 'FellBack', pods: serving(OLD) });
});

test.each(['Deployment', 'StatefulSet', 'DaemonSet OnDelete'] as const)(
  'the version of before, asked for while the canary of a %s waits, stands everywhere in the end (kruise/rollouts#257)',
  async (kind) => {
    const story = fleet(
      kind,
      {},
      { strategy: { stages: [{ name: 'canary', pods: 1, approval: 'Manual' }] } },
      {
        steps: [
          { when: stageIs(0, 'AwaitingApproval'), act: (world) => wantImage(world, OLD) },
          {
            when: (world) =>
              world.upgrade()?.status?.attempt?.number === 2 && stageIs(0, 'AwaitingApproval')(world),
            act: (world) => annotate(world, 'approve', '2/canary'),
          },
        ],
      },
    );
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(OLD) });
    expect(run.world.upgrade()?.status?.attempt?.held).toBeUndefined();
  },
);

test.each([
  ['works', {}, { phase: 'Succeeded', pods: serving(NEWER) }],
  ['fails', { answer: () => 17 }, { phase: 'FellBack', pods: serving(OLD) }],
] as const)(
  'another version after Partial, that %s, leaves no place behind (metalk8s#5090)',
  async (_how, newer, end) => {
    for (const scope of ['All', 'FailedPods'] as const) {
      const story = fleet(
        'DaemonSet OnDelete',
        failsOn('node-4'),
        { strategy: { failureBudget: { maxFailed: 1 } }, fallback: { scope } },
        {
          images: { [NEW]: failsOn('node-4'), [NEWER]: newer as Behaviour },
          steps: [{ when: phaseIs('Partial'), act: (world) => wantImage(world, NEWER) }],
        },
      );
      const run = await played(story);
      expect(run.ending).toMatchObject(end);
      expect(left(run)).toBeUndefined();
    }
  },
);

test('where nothing shall be taken back, more failures than the budget stop it, and what is verified stays (cockroach-operator#202)', async () => {
  const story = fleet('DaemonSet OnDelete', failsOn('node-4', 'node-5'), {
    strategy: { failureBudget: { maxFailed: 1 } },
    fallback: { action: 'Pause' },
  });
  const run = await played(story);
  expect(run.ending).toMatchObject({ phase: 'Failed', reason: 'FallbackPaused' });
  expect(run.ending.pods.filter((pod) => pod === `${NEW} serves`).length).toBeGreaterThan(0);
});

test('versions that follow each other faster than they are verified end with the last (dokploy#3810)', async () => {
  const steps = [NEWER, NEW, NEWER, NEW, NEWER].map(
    (image, index): Step => ({ when: afterSeconds(index + 1), act: (world) => wantImage(world, image) }),
  );
  for (const kind of ['Deployment', 'StatefulSet', 'StatefulSet OnDelete', 'DaemonSet OnDelete'] as const) {
    const story = fleet(kind, {}, { strategy: { stages: [{ name: 'canary', pods: 1 }] } }, { steps });
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEWER) });
  }
});

test.each([
  ['StatefulSet OnDelete', 'RollingUpdate', { onDelete: false }],
  ['StatefulSet', 'OnDelete', { onDelete: true, partition: 0 }],
] as const)(
  'a %s that becomes %s in the midst of a stage is held by its new lever (kruise/rollouts#197)',
  async (kind, _type, change) => {
    for (const index of [0, 1]) {
      const story = fleet(
        kind,
        {},
        {
          strategy: {
            stages: [
              { name: 'canary', pods: 1, soakSeconds: 60 },
              { name: 'two', pods: 2, approval: 'Manual' },
            ],
          },
        },
        {
          losesPods: false,
          steps: [
            { when: stageIs(index, 'Rolling'), act: (world) => void world.changeSpec(target(world), change) },
            { when: stageIs(1, 'AwaitingApproval'), act: () => {} },
            { when: afterSeconds(300), act: (world) => annotate(world, 'approve', '1/two') },
          ],
        },
      );
      const run = await played(story, { stale: true });
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW) });
      expect(target(run.world)).toMatchObject({ partition: 0 });
    }
  },
);

test('a percentage of the budget is one of the pods that are wanted now (kruise/rollouts#101)', async () => {
  const story = fleet(
    'StatefulSet OnDelete',
    failsOn('node-4', 'node-5'),
    { strategy: { failureBudget: { maxFailed: '40%' } } },
    {
      steps: [
        { when: phaseIs('Partial'), act: (world) => changeSpec(world, {}) },
        { when: afterSeconds(60), act: (world) => void scaleTo(world, 3) },
      ],
    },
  );
  const run = await played(story);
  // The two that failed are no more.
  expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW, 3) });
});

const SHORT = { postCheck: { deadlineSeconds: 60 }, progressDeadlineSeconds: 100 };
const SLOW: Behaviour = { readyAfterMs: 20_000 };
const readyPods = (world: World, image: string) =>
  world.podsOf(target(world)).filter((pod) => isReady(pod) && pod.containers[0]?.image === image);
const hasReady =
  (count: number, image = NEW) =>
  (world: World): boolean =>
    readyPods(world, image).length >= count;
function restart(world: World): void {
  world.model(target(world)).stamp = `restarted at ${world.clock.now()}`;
  world.changeSpec(target(world), {});
}
function setReady(world: World, image: string, ready: boolean): void {
  for (const pod of world.podsOf(target(world)).filter(({ containers }) => containers[0]?.image === image)) {
    world.kubelet.setReady(pod, ready);
  }
}

test.each(['Deployment', 'StatefulSet', 'DaemonSet'] as const)(
  'pods that are all replaced once more have the time of the first ones: %s (argo-rollouts#1624)',
  async (kind) => {
    const story = fleet(kind, SLOW, SHORT, {
      nodes: Array.from({ length: 10 }, (_, index) => `node-${index}`),
      workload: { ...workloadOf(kind), replicas: 10 },
      steps: [{ when: hasReady(9), act: restart }],
    });
    expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW, 10) });
  },
);

test('a fallback whose pods are all replaced once more has its whole time as well', async () => {
  const story = fleet(
    'StatefulSet',
    { answer: ({ index }) => (index === 10 ? 17 : 0) },
    { ...SHORT, fallback: { deadlineSeconds: 60 } },
    {
      workload: { ...workloadOf('StatefulSet'), replicas: 12 },
      steps: [
        { when: hasReady(8), act: ({ images }) => Object.assign(images, { [OLD]: SLOW }) },
        { when: phaseIs('FallingBack'), act: () => {} },
        { when: hasReady(11, OLD), act: restart },
      ],
    },
  );
  expect((await played(story)).ending).toMatchObject({ phase: 'FellBack', pods: serving(OLD, 12) });
});

test.each([3, 0])(
  'pods that are created anew after a scale-down to %i have their time again (argo-rollouts#4047)',
  async (fewer) => {
    const story = fleet('StatefulSet', SLOW, SHORT, {
      workload: { ...workloadOf('StatefulSet'), replicas: 10 },
      steps: [
        { when: hasReady(6), act: (world) => void scaleTo(world, fewer) },
        { when: afterSeconds(30), act: (world) => void scaleTo(world, 10) },
      ],
    });
    expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW, 10) });
  },
);

test('a rollout that somebody restarts all the time is reported (Reloader#322)', async () => {
  const again = (world: World): void => {
    restart(world);
    world.clock.after(9000, () => again(world));
  };
  const story = fleet('StatefulSet', {}, SHORT, { steps: [{ when: hasReady(2), act: again }], minutes: 10 });
  expect((await played(story)).ending).toMatchObject({ phase: 'Inconclusive' });
});

test.each(['StatefulSet', 'DaemonSet'] as const)(
  'a %s whose pods are evicted all the time is reported for as long as it makes no progress (aws/karpenter-provider-aws#3059)',
  async (kind) => {
    const evict = (world: World): void => {
      const pods = world.podsOf(target(world)).filter(({ deleting }) => !deleting);
      const pod = pods[Math.floor(world.clock.now() / 15_000) % Math.max(1, pods.length)];
      if (pod) {
        world.kubelet.terminate(pod);
      }
      world.clock.after(15_000, () => evict(world));
    };
    const run = await played(fleet(kind, SLOW, SHORT, { arrange: evict, minutes: 15 }));
    expect(run.ending.phase).toBe('Inconclusive');
    const phases = run.writes
      .filter(({ kind: what }) => what === 'patchStatus')
      .map(({ what }) => what.split(':')[0]);
    const isReported = phases
      .slice(phases.indexOf('Inconclusive'))
      .filter((phase) => phase !== 'Inconclusive');
    expect(isReported.length).toBeLessThan(10);
  },
);

test.each(['Deployment', 'StatefulSet', 'DaemonSet', 'DaemonSet OnDelete'] as const)(
  'verified pods that are not ready any more, and hold the rollout up, count against the version: %s (flagger#523)',
  async (kind) => {
    const story = fleet(kind, {}, SHORT, {
      steps: [{ when: hasReady(2), act: (world) => setReady(world, NEW, false) }],
    });
    const run = await played(story);
    expect(run.ending).toMatchObject({ phase: 'FellBack', reason: 'NotReady', pods: serving(OLD) });
    expect(run.message).toMatch(
      /failed: no progress for 1m40s; pod \S+ on \S+: not ready: container web is running but not ready, after it had passed$/,
    );
  },
);

test.each([
  ['for a moment', 30],
  ['while pods of the previous version are not ready either', 3600],
] as const)('they do not if that is %s', async (_how, seconds) => {
  const isAlone = seconds < 60;
  const images = isAlone ? [NEW] : [NEW, OLD];
  const story = fleet('StatefulSet', {}, SHORT, {
    minutes: 120,
    steps: [
      {
        when: hasReady(2),
        act: (world) => images.forEach((image) => void setReady(world, image, false)),
      },
      {
        when: afterSeconds(seconds),
        act: (world) => {
          const text = /^(No verdict|Rolling) .* 2 (of 5 pods )?passed; pod web-\d .* after it had passed/;
          expect(world.upgrade()?.status?.message).toMatch(text);
          images.forEach((image) => void setReady(world, image, true));
        },
      },
    ],
  });
  expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW) });
});

test.each([
  'error looking up service account shop/web: serviceaccount "web" not found', // kubeblocks#4599
  'status unknown for quota: compute, resources: pods', // okd#1121
  'not yet ready to handle request',
  'exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3', // kubernetes#89209, cloud-platform#590
  'maximum memory usage per Container is 4Gi, but limit is 8Gi', // open-infra#9
  'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false', // pivotal/docs-tap#3100
])('a rejection that every version would meet is waited for: %s', async (why) => {
  for (const kind of ['StatefulSet', 'DaemonSet'] as const) {
    const story = fleet(kind, {}, SHORT, {
      steps: [
        {
          when: phaseIs('Upgrading'),
          act: (world) => {
            world.refusesPod = () => why;
          },
        },
        {
          when: phaseIs('Inconclusive'),
          act: (world) => {
            expect(world.upgrade()?.status?.message).toContain(`is forbidden: ${why}`);
            world.refusesPod = () => undefined;
            world.changeSpec(target(world), {});
          },
        },
      ],
    });
    expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW) });
  }
});

describe.each(['StatefulSet', 'DaemonSet'] as const)(
  'a fallback of a %s whose pods a quota rejects',
  (kind) => {
    const QUOTA = 'exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3';
    const ADVICE = `is forbidden: ${QUOTA}: resolve that, and its controller creates the pods`;
    const rejects = {
      when: phaseIs('FallingBack'),
      act: (world: World) => {
        world.refusesPod = (image) => (image === OLD ? QUOTA : undefined);
      },
    };
    const allow = (world: World): void => {
      world.refusesPod = () => undefined;
      world.changeSpec(target(world), {});
    };
    const fails = { answer: () => 17 };

    test('continues when the quota allows them, and says so before', async () => {
      const isSaid = (world: World): boolean => world.upgrade()?.status?.message?.includes(ADVICE) ?? false;
      const steps = [rejects, { when: isSaid, act: allow }];
      const story = { ...fleet(kind, fails, SHORT, { steps }), losesPods: true };
      expect((await played(story)).ending).toMatchObject({ phase: 'FellBack', pods: serving(OLD) });
    });

    test('fails at its deadline; the pods serve when the quota allows them, and their image verifies them', async () => {
      let message = '';
      const failed = {
        when: phaseIs('FallbackFailed'),
        act: (world: World) => {
          message = world.upgrade()?.status?.message ?? '';
          allow(world);
        },
      };
      const story = {
        ...fleet(kind, fails, SHORT, { steps: [rejects, failed], minutes: 60 }),
        losesPods: true,
      };
      expect((await played(story)).ending).toMatchObject({ phase: 'FallbackFailed', pods: serving(OLD) });
      expect(message).toContain(ADVICE);
      const want = { when: afterSeconds(1800), act: (world: World) => wantImage(world, OLD) };
      const wanted = { ...story, steps: [rejects, failed, want] };
      expect((await played(wanted)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(OLD) });
    });
  },
);

test.each([595, 605, 890])(
  'pods that wait %i s for a node have the time to start (ministryofjustice/modernisation-platform-environments#17679)',
  async (seconds) => {
    const late: Behaviour = { startsAfterMs: seconds * 1000, readyAfterMs: 120_000 };
    const story = fleet('Deployment', late, {}, { workload: { ...workloadOf('Deployment'), replicas: 1 } });
    expect((await played(story)).ending).toMatchObject({ phase: 'Succeeded', pods: serving(NEW, 1) });
  },
);

test('and a fallback whose pods do', async () => {
  const story = fleet(
    'StatefulSet',
    { answer: () => 17 },
    {},
    {
      steps: [
        {
          when: phaseIs('PostChecking', 'Upgrading'),
          act: ({ images }) =>
            Object.assign(images, { [OLD]: { startsAfterMs: 890_000, readyAfterMs: 120_000 } }),
        },
      ],
      minutes: 300,
    },
  );
  expect((await played(story)).ending).toMatchObject({ phase: 'FellBack', pods: serving(OLD) });
});
