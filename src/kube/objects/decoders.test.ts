/** What is kept of objects that users make as long as etcd stores them. */
import { expect, test } from '@jest/globals';
import type { WatchedKind } from '../../engine/ports.ts';
import { PROJECTIONS } from './decoders.ts';

const KIB = 1024;
const WORKLOAD_KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
const fill = (count: number, one: (nth: number) => unknown): unknown[] =>
  Array.from({ length: count }, (_, nth) => one(nth));

const containers = fill(200, (nth) => ({ name: `c${nth}`, image: 'x'.repeat(5 * KIB) }));
const mounted = fill(150, (nth) => ({
  name: `c${nth}`,
  image: 'x',
  volumeMounts: [{ name: 'v', mountPath: `/${'x'.repeat(7 * KIB)}` }],
}));
const ports = fill(20_000, (nth) => ({ name: `p${nth}`, containerPort: 80 }));
const LONG: Readonly<Record<string, unknown>> = {
  images: { containers },
  'init images': { initContainers: containers },
  mounts: { containers: mounted },
  'named ports': { containers: [{ name: 'c', image: 'x', ports }] },
  gates: { readinessGates: fill(4000, (nth) => ({ conditionType: `x.example/${'x'.repeat(240)}${nth}` })) },
};
const metadata = {
  name: 'web-1',
  ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true }],
};

function kept(kind: WatchedKind, raw: unknown): number {
  const { project, keeps } = PROJECTIONS[kind] as {
    project: (raw: unknown) => unknown;
    keeps: (view: unknown) => boolean;
  };
  const view = project(raw);
  return keeps(view) ? JSON.stringify(view).length : 0;
}

test.each(Object.keys(LONG))('no pod fills the memory by its %s', (by) => {
  expect(kept('Pod', { metadata, spec: LONG[by] })).toBeLessThan(256 * KIB);
});

test.each(Object.keys(LONG))('no workload fills the memory by its %s', (by) => {
  for (const kind of WORKLOAD_KINDS) {
    expect(kept(kind, { metadata, spec: { template: { spec: LONG[by] } } })).toBeLessThan(256 * KIB);
  }
});

test.each(
  ['name', 'uid', 'kind'].flatMap((field) =>
    ['Deployment', 'ReplicaSet'].map((kind) => [field, kind] as const),
  ),
)('no object fills the memory by the %s of the %s that owns it', (field, kind) => {
  const [reference] = metadata.ownerReferences;
  const ownerReferences = [{ ...reference, kind, [field]: 'x'.repeat(1024 * KIB) }];
  for (const of of Object.keys(PROJECTIONS) as WatchedKind[]) {
    expect(kept(of, { metadata: { ...metadata, ownerReferences } })).toBeLessThan(2 * KIB);
  }
});

test('a template with more values than any is not read: with short patches it would be compared many times a second', () => {
  const template = (variables: number) => ({
    metadata: { labels: { app: 'web' } },
    spec: {
      containers: [
        { name: 'c', image: 'x', env: fill(variables, (nth) => ({ name: `V${nth}`, value: '' })) },
      ],
    },
  });
  const owned = (kind: string) => ({
    ...metadata,
    ownerReferences: [{ ...metadata.ownerReferences[0], kind }],
  });
  for (const [variables, isRead] of [
    [10_000, true],
    [20_000, false],
  ] as const) {
    const spec = { template: template(variables) };
    for (const kind of WORKLOAD_KINDS) {
      expect(PROJECTIONS[kind].project({ metadata, spec }).isTooLong).toBe(isRead ? undefined : true);
    }
    expect(kept('ReplicaSet', { metadata: owned('Deployment'), spec }) > 0).toBe(isRead);
    expect(kept('ControllerRevision', { metadata: owned('DaemonSet'), data: { spec } }) > 0).toBe(isRead);
  }
});

test.each(['containers', 'initContainers'])(
  'of a pod with thousands of %s not all are decoded, and none is kept',
  (field) => {
    for (const [count, decoded] of [
      [1000, 1000],
      [20_000, 1000],
    ] as const) {
      const raw = { metadata, spec: { [field]: fill(count, () => ({})) } };
      expect(PROJECTIONS.Pod.project(raw).containers).toHaveLength(decoded);
      expect(kept('Pod', raw)).toBe(0);
    }
  },
);

test('a pod of a hundred containers with long images is kept', () => {
  const spec = {
    containers: fill(100, (nth) => ({ name: `c${nth}`, image: `registry.example/${'x'.repeat(500)}:1` })),
  };
  expect(kept('Pod', { metadata, spec })).toBeGreaterThan(50 * KIB);
  expect(kept('Deployment', { metadata, spec: { template: { spec } } })).toBeGreaterThan(50 * KIB);
});

test('of a workload that is too long it is kept that it exists, and nothing of its containers', () => {
  const status = { updateRevision: 'x'.repeat(140 * KIB) };
  for (const kind of WORKLOAD_KINDS) {
    const { project, keeps } = PROJECTIONS[kind];
    for (const raw of [
      { metadata, spec: { template: { spec: { containers } } } },
      { metadata, spec: {}, status },
    ]) {
      const view = project(raw);
      const isLong = raw.status === undefined || kind === 'StatefulSet';
      expect([view.name, view.isTooLong, view.containers]).toEqual(['web-1', isLong ? true : undefined, []]);
      expect(keeps(view as never)).toBe(true);
      expect(JSON.stringify(view).length).toBeLessThan(KIB);
    }
  }
});

/** A pod as its node reports it while all its containers crash. */
const crashing = (all: readonly { readonly name: string; readonly image: string }[]) => ({
  metadata: { ...metadata, labels: { 'pod-template-hash': '5bdc6fd8bf' } },
  spec: { containers: all, nodeName: 'node-1' },
  status: {
    containerStatuses: all.map(({ name, image }) => ({
      name,
      image,
      containerID: `containerd://${'f'.repeat(64)}`,
      restartCount: 12,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'x'.repeat(KIB) } },
      lastState: { terminated: { exitCode: 137, reason: 'OOMKilled', message: 'y'.repeat(KIB) } },
    })),
  },
});

test.each([5, 50, 500, 1000])(
  'every pod of a workload that is kept is kept, whatever its node says of it: images of %d characters',
  (length) => {
    const made = (count: number) =>
      fill(count, (nth) => ({ name: `c${nth}`, image: 'x'.repeat(length) })) as {
        name: string;
        image: string;
      }[];
    const isTooLong = (count: number) =>
      PROJECTIONS.Deployment.project({ metadata, spec: { template: { spec: { containers: made(count) } } } })
        .isTooLong;
    let most = 1;
    while (!isTooLong(most + 1)) {
      most++;
    }
    expect(most).toBeGreaterThan(80);
    expect(kept('Pod', crashing(made(most)))).toBeGreaterThan(0);
  },
);

test('a pod keeps the messages of its containers as long as there is room for them', () => {
  const view = PROJECTIONS.Pod.project(crashing([{ name: 'web', image: 'web:1' }]));
  expect(view.containers[0]).toMatchObject({
    message: expect.stringMatching(/^x+…x+$/),
    ended: { message: expect.stringMatching(/^y+…y+$/) },
  });
});
