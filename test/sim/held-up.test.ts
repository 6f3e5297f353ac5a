/** A registry or a node that is in trouble, a Secret that is missing, or another container that holds a pod up, which pods of any other version would meet too, takes no version back. */
import { describe, expect, jest, test } from '@jest/globals';
import type { Behaviour, CannotStart } from './behaviour.ts';
import { played, three } from './played.ts';
import { play, type Run, type RunOptions, type Stage } from './run.ts';
import { bad, badLate, type KindName, NEW, OLD, told, workloadOf } from './stories.ts';
import { afterSeconds, phaseIs, type Story } from './story.ts';
import type { World } from './world.ts';

/** Minutes of virtual time take seconds where many others work. */
jest.setTimeout(120_000);

const said = (run: Run): string =>
  run.writes
    .filter(({ kind }) => kind === 'patchStatus')
    .map(({ what }) => what)
    .join('\n');

const held = (start: CannotStart, says: string): Behaviour => ({ start, says });
const failed = (what: string): string =>
  `failed to pull and unpack image "${NEW}": failed to resolve reference "${NEW}": ${what}`;

const TROUBLES: readonly (readonly [string, Behaviour])[] = [
  [
    'a registry that limits the rate of pulls (flyteorg/flyte#7362, cri-o/cri-o#5282)',
    held('pullFails', failed('unexpected status from HEAD request to https://x/v2: 429 Too Many Requests')),
  ],
  [
    'a registry that is down (kubernetes/k8s.io#5181, Shopify/krane#819)',
    held(
      'pullFails',
      failed('failed to do request: Head "https://x/v2": dial tcp 10.0.0.9:443: i/o timeout'),
    ),
  ],
  [
    'a registry behind a broken gateway (apache/airflow#65490)',
    held('pullFails', failed('failed to authorize: unexpected status: 502 Bad Gateway')),
  ],
  [
    'a node whose runtime still has the name of a container (containerd/containerd#4604)',
    held('createFails', 'failed to reserve container name "web_1": name "web_1" is reserved for "5f"'),
  ],
  [
    'a node whose disk is full (kubernetes/kubernetes#32542, tableau/tableau-server-in-kubernetes#14)',
    held(
      'pullFails',
      `failed to pull and unpack image "${NEW}": failed to extract layer sha256:5d: write /x/libc.so: no space left on device: unknown`,
    ),
  ],
  [
    'a node that has no room for another cgroup (containerd/containerd#1546, cloudfoundry/garden-runc-release#15)',
    held(
      'createFails',
      'OCI runtime create failed: unable to apply cgroup configuration: mkdir /sys/fs/cgroup/memory/5f: no space left on device',
    ),
  ],
  ['a node that is too slow (kubernetes/kubernetes#68885)', held('createFails', 'context deadline exceeded')],
  [
    'a kubelet that cannot read a ConfigMap (k3s-io/k3s#2644)',
    held('configError', 'failed to sync configmap cache: timed out waiting for the condition'),
  ],
  [
    'a Secret that does not exist (werf/kubedog#198, JiRaska/open-bank-oss#1232)',
    held('configError', 'secret "mysql" not found'),
  ],
  [
    'a Secret without the key (shieldworks/aegis#293)',
    held('configError', "couldn't find key VALUE in Secret default/web-secret"),
  ],
];

/** The trouble is over after so many seconds. */
const overAfter = (story: Story, seconds: number, image: string, then: Behaviour = {}): Story => ({
  ...story,
  minutes: 60,
  losesPods: true,
  steps: [
    ...(story.steps ?? []),
    {
      when: afterSeconds(seconds),
      act: (world) => {
        world.images[image] = then;
      },
    },
  ],
});

const turn =
  (behaviour: Behaviour) =>
  (world: World): void => {
    world.images[OLD] = behaviour;
  };

describe.each(TROUBLES)('%s', (_what, behaviour) => {
  test.each<KindName>(['Deployment', 'StatefulSet', 'DaemonSet'])(
    'takes no version of a %s back, and the attempt goes on when it is over',
    async (kind) => {
      const story = told('held up', kind, behaviour, { spec: { postCheck: { deadlineSeconds: 120 } } });
      const run = await played(overAfter(story, 1200, NEW));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
      expect(said(run)).toContain('Inconclusive: No verdict on web:2.0 yet');
      expect(said(run)).toContain(behaviour.says?.slice(-20));
    },
  );
});

describe.each([
  [
    'an init container that waits for a database (Ocelot-Social-Community/Ocelot-Social#9970)',
    'init',
    { readyAfterMs: false },
    'init container first has not ended',
  ],
  ['one that ends with an error', 'init', { start: 'crashes' }, 'container first is CrashLoopBackOff'],
  [
    'a sidecar that crashes before the application starts (SREGym/SREGym#881)',
    'sidecar',
    { start: 'crashes' },
    'container first is CrashLoopBackOff',
  ],
  ['a sidecar whose image is gone', 'sidecar', { start: 'pullFails' }, 'image first:1 cannot be pulled'],
  [
    'another container whose image is gone',
    'regular',
    { start: 'pullFails' },
    'image first:1 cannot be pulled',
  ],
] as const)('%s, and which is not upgraded', (_what, role, behaviour, says) => {
  const FIRST = 'registry.example/first:1';
  const heldBy = (kind: KindName, trouble: Behaviour): Story => ({
    ...told('held by another container', kind, {}, { spec: { postCheck: { deadlineSeconds: 120 } } }),
    workload: { ...workloadOf(kind), images: { first: FIRST, web: OLD }, roles: { first: role } },
    steps: [
      {
        when: phaseIs('Pending'),
        act: (world) => {
          world.images[FIRST] = trouble;
        },
      },
    ],
  });

  test.each<KindName>(['Deployment', 'StatefulSet', 'DaemonSet'])(
    'takes no version of a %s back, and the attempt goes on when it is over',
    async (kind) => {
      const run = await played(overAfter(heldBy(kind, behaviour), 1200, FIRST));
      expect(run.ending).toMatchObject({ phase: 'Succeeded', outcomes: ['1 Succeeded'] });
      expect(said(run)).toContain('Inconclusive: No verdict on web:2.0 yet');
      expect(said(run)).toContain(says);
    },
  );
});

const DOWN = held('pullFails', failed('unexpected status: 503 Service Unavailable'));

test.each<KindName>(['StatefulSet', 'DaemonSet'])(
  'a fallback of a %s is not given up because the registry is down meanwhile (kubernetes/kubernetes#111822)',
  async (kind) => {
    const down = { when: phaseIs('FallingBack'), act: turn(DOWN) };
    const run = await played(overAfter({ ...bad(kind), steps: [down] }, 400, OLD));
    expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD), fallback: 'Verified PostCheck' });
  },
);

describe('a kubelet that says why an image cannot be pulled only until it waits for its next try (Shopify/krane#124)', () => {
  const brief = (kind: KindName, what: string): Story => ({
    ...told('says why only for a moment', kind, held('pullFails', failed(what)), { minutes: 60 }),
    arrange: (world) => {
      world.pullBackOff = { ms: 300_000, saysWhy: false };
    },
  });
  /** While nothing is said. */
  const restarted = {
    disturb: (stage: Stage) =>
      stage.world.clock.after(30_000, () => {
        stage.operators[0]?.kill();
        stage.startOperator();
      }),
  };

  test.each<[string, RunOptions]>([
    ['', {}],
    [', also when the operator is restarted meanwhile', restarted],
  ])('is quoted by the version that goes back%s', async (_when, options) => {
    for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
      const run = await played(brief(kind, 'not found'), options);
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
      expect(run.message).toContain('not found');
    }
  });

  test.each<[string, RunOptions]>([
    ['', {}],
    [', nor when the operator is restarted meanwhile', restarted],
  ])('takes no version back for what the registry is to blame for%s', async (_when, options) => {
    for (const kind of ['Deployment', 'StatefulSet', 'DaemonSet'] as const) {
      const run = await played(overAfter(brief(kind, '503 Service Unavailable'), 700, NEW), options);
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
    }
  });
});

test('an image that may not run where root is forbidden takes the version back', async () => {
  const run = await played(told('root', 'Deployment', { start: 'configError' }));
  expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  expect(run.message).toContain('image will run as root');
});

test('a registry that stays down takes the version back at the deadline where that is wanted of pods without a result', async () => {
  const spec = { postCheck: { deadlineSeconds: 120, onInconclusive: 'Fallback' } } as const;
  const run = await played(told('registry down', 'Deployment', DOWN, { spec }));
  expect(run.ending).toMatchObject({ phase: 'FellBack', reason: 'InconclusiveAtDeadline', pods: three(OLD) });
  expect(run.message).toContain('503 Service Unavailable');
  expect(run.fellBackAfterSeconds).toBeGreaterThanOrEqual(120);
});

test.each<KindName>(['StatefulSet', 'DaemonSet'])(
  'a fallback of a %s to an image that its registry has pruned says so (gotempsh/temps#5)',
  async (kind) => {
    const pruned = held('pullFails', failed('not found'));
    const down = { when: phaseIs('FallingBack'), act: turn(pruned) };
    const run = await played({ ...bad(kind), steps: [down], losesPods: true });
    expect(run.ending.phase).toBe('FallbackFailed');
    expect(run.message).toMatch(/the fallback failed too: .*image web:1\.0 cannot be pulled .*not found/);
  },
);

test('an image that is missing once its registry is back takes the version back', async () => {
  const story = told('held up, then missing', 'Deployment', DOWN);
  const missing = held('pullFails', failed('not found'));
  const run = await played(overAfter(story, 300, NEW, missing));
  expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(OLD) });
  expect(run.message).toContain('not found');
});

describe('a container that is not upgraded, and crashes once the upgraded one runs beside it (fdb-kubernetes-operator#1495)', () => {
  const PROXY = 'registry.example/proxy:1';
  const set =
    (behaviour: Behaviour) =>
    (world: World): void => {
      world.images[PROXY] = behaviour;
    };
  const crashes = (kind: KindName): Story => ({
    ...told('a container beside crashes', kind, {}, { losesPods: true }),
    spec: {
      containers: [{ name: 'web', image: NEW }],
      postCheck: { deadlineSeconds: 60, periodSeconds: 5, successThreshold: 3 },
    },
    workload: { ...workloadOf(kind), images: { web: OLD, proxy: PROXY } },
    steps: [
      { when: phaseIs('Pending'), act: set({ start: 'crashes', livesMs: 3500 }) },
      { when: phaseIs('FallingBack'), act: set({}) },
    ],
  });

  test.each<KindName>(['Deployment', 'StatefulSet', 'DaemonSet OnDelete'])(
    'counts, because the pod would not serve, and is named: %s',
    async (kind) => {
      const run = await played(crashes(kind));
      expect(run.ending).toMatchObject({ phase: 'FellBack', pods: three(`${OLD}+${PROXY}`) });
      expect(run.message).toContain('not ready: container proxy is CrashLoopBackOff');
    },
  );
});

test('a proxy whose mesh is down, and which lets no check through, takes no version back (istio/istio#35569)', async () => {
  const proxy = 'mesh.example/proxy:1';
  const httpGet = { path: '/healthz', port: 8080 };
  const run = await play({
    ...told(
      'mesh down',
      'Deployment',
      {},
      {
        spec: { postCheck: { deadlineSeconds: 120, checks: [{ name: 'http', httpGet }] } },
      },
    ),
    arrange: (world) => {
      world.injected = { proxy };
      world.images[proxy] = { readyAfterMs: false };
    },
    steps: [
      {
        when: afterSeconds(600),
        act: (world) => {
          world.images[proxy] = {};
          world.network = { kind: 'answered', good: true, output: '' };
          for (const pod of world.pods()) {
            world.kubelet.setReady(pod, true);
          }
        },
      },
    ],
    losesPods: true,
    minutes: 60,
  });
  // The oracle knows of no network check.
  expect(run.violations.filter((violation) => !violation.startsWith('proof '))).toEqual([]);
  expect(said(run)).toContain('Inconclusive: No verdict on web:2.0 yet');
  expect(run.ending).toMatchObject({ phase: 'Succeeded', outcomes: ['1 Succeeded'] });
});

/** Whose readiness script says that it shuts down, once its node evicts it. */
const shutsDown: Behaviour = {
  start: 'evicted',
  livesMs: 40_000,
  endsMs: 120_000,
  answer: ({ ageMs }) => (ageMs < 40_000 ? 2 : 17),
};
const onceEvicted = {
  when: (world: World) => world.pods().some(({ phase }) => phase === 'Failed'),
  act: (world: World) => {
    world.images[NEW] = {};
  },
};

describe('what containers answer while their node ends them is no evidence (kubernetes/kubernetes#116965, #124648)', () => {
  test.each<KindName>(['Deployment', 'StatefulSet', 'DaemonSet'])(
    'of a %s, before they have passed',
    async (kind) => {
      const story = { ...bad(kind), images: { [NEW]: shutsDown }, losesPods: true, steps: [onceEvicted] };
      const run = await played({ ...story, minutes: 60 });
      expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
    },
  );

  test('nor while a stage soaks', async () => {
    const answer: Behaviour['answer'] = ({ ageMs }) => (ageMs < 40_000 ? 0 : 17);
    const run = await played({
      ...badLate('Deployment'),
      images: { [NEW]: { ...shutsDown, answer } },
      losesPods: true,
      steps: [onceEvicted],
      minutes: 60,
    });
    expect(run.ending).toMatchObject({ phase: 'Succeeded', pods: three(NEW), outcomes: ['1 Succeeded'] });
  });
});
