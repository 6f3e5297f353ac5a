import { beforeEach, describe, expect, test } from '@jest/globals';
import { VERIFIED } from '../api/names.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView, RevisionView, WorkloadView } from '../api/views.ts';
import type { WatchEvent, Watched, WatchedKind } from './ports.ts';
import { type Listener, Store } from './store.ts';

type Sinks = { [K in WatchedKind]?: (event: WatchEvent<Watched[K]>) => void };

let store: Store;
let sinks: Sinks;
/** Whom the last event concerned. */
let concerned: string[];
let waiting: string[];
let released: string[];

const LISTENER: Listener = {
  upgradesChanged: (keys) => concerned.push(...keys),
  actingChanged: (keys) => waiting.push(...keys),
  podChanged: () => {},
  podGone: () => {},
  nodeChanged: () => {},
  nodeGone: () => {},
  gateReleased: ({ uid }) => released.push(uid),
};

beforeEach(() => {
  [sinks, concerned, waiting, released] = [{}, [], [], []];
  store = new Store();
  store.watch({ watch: (kind, sink) => Object.assign(sinks, { [kind]: sink }) }, LISTENER);
});

const list = <K extends WatchedKind>(kind: K, ...items: Watched[K][]): void =>
  sinks[kind]?.({ type: 'synced', items, resourceVersion: '100' });

/** Delivers one event; `concerned` is about it alone. */
function send<K extends WatchedKind>(kind: K, type: 'upsert' | 'delete', object: Watched[K]): void {
  [concerned, waiting, released] = [[], [], []];
  sinks[kind]?.({ type, object } as WatchEvent<Watched[K]>);
}

interface UpgradeChange {
  readonly kind?: WorkloadView['kind'];
  readonly target?: string;
  readonly createdAt?: string;
  readonly status?: object;
  readonly version?: string;
}
const upgradeOf = (name: string, change: UpgradeChange = {}): Upgrade =>
  ({
    metadata: {
      namespace: 'shop',
      name,
      uid: `upgrade-${name}`,
      resourceVersion: change.version ?? '1',
      creationTimestamp: change.createdAt ?? '2026-01-01T00:00:00Z',
    },
    spec: { targetRef: { kind: change.kind ?? 'DaemonSet', name: change.target ?? name } },
    status: change.status,
  }) as unknown as Upgrade;
const workloadOf = (kind: WorkloadView['kind'], name: string, namespace = 'shop') =>
  ({ kind, namespace, name, uid: `uid-${name}`, resourceVersion: '1' }) as WorkloadView;
const podOf = (name: string, node: string, change: Partial<PodView> = {}) =>
  ({
    namespace: 'shop',
    name: `${name}-${node}`,
    uid: `${name}-${node}`,
    node,
    resourceVersion: '1',
    owner: { kind: 'DaemonSet', name, uid: `uid-${name}` },
    imagesChanged: [],
    gates: [],
    conditions: {},
    containers: [],
    ...change,
  }) as unknown as PodView;
test('an image that was changed in a pod and changed back is remembered as long as the pod exists', () => {
  const at = (image: string, resourceVersion: string) =>
    podOf('web', 'node-1', {
      resourceVersion,
      containers: [{ name: 'web', image }] as unknown as PodView['containers'],
    });
  for (const [image, version] of [
    ['w:1', '1'],
    ['w:9', '2'],
    ['w:1', '3'],
    ['w:1', '4'],
  ] as const) {
    send('Pod', 'upsert', at(image, version));
  }
  expect(store.pods.get('web-node-1')?.imagesChanged).toEqual(['web']);
});

test('why an image was not pulled is remembered while its kubelet only waits for the next try (Shopify/krane#124)', () => {
  const image = 'registry.example/web:2.0';
  const waits = (reason: string, message: string, change: object = {}) => [
    { name: 'web', image, state: 'waiting', reason, message, ...change },
  ];
  const BACK_OFF = `Back-off pulling image "${image}"`;
  const said = (...steps: readonly object[][]): string | undefined => {
    for (const [index, containers] of steps.entries()) {
      const change = { resourceVersion: String(index + 1), containers } as unknown as Partial<PodView>;
      send('Pod', 'upsert', podOf('web', 'node-1', change));
    }
    const [web] = store.pods.get('web-node-1')?.containers ?? [];
    send('Pod', 'delete', podOf('web', 'node-1', { resourceVersion: '9' }));
    return web?.message;
  };
  const backOff = waits('ImagePullBackOff', BACK_OFF);
  const explained = `${BACK_OFF}: ErrImagePull: not found`;
  expect(said(waits('ErrImagePull', 'not found'), backOff, backOff)).toBe(explained);
  expect(said(waits('ErrImagePull', '503'), backOff, waits('ErrImagePull', 'not found'), backOff)).toBe(
    explained,
  );
  expect(said(waits('ErrImagePull', `${'x'.repeat(500)}: no such host`), backOff)).toMatch(
    /^Back-off .*….*: no such host$/,
  );
  expect(said(backOff)).toBe(BACK_OFF);
  expect(said(waits('ErrImagePull', 'not found', { image: 'other' }), backOff)).toBe(BACK_OFF);
  expect(said(waits('CrashLoopBackOff', 'back-off 10s'), backOff)).toBe(BACK_OFF);
  expect(said(backOff, waits('ImagePullBackOff', explained))).toBe(explained);
});

const replicaSetOf = (change: Partial<RevisionView> = {}) =>
  ({
    kind: 'ReplicaSet',
    namespace: 'shop',
    name: 'web-1',
    uid: 'rs',
    resourceVersion: '1',
    owner: { kind: 'Deployment', name: 'web', uid: 'uid-web' },
    ...change,
  }) as RevisionView;

describe('an Upgrade that depends on others', () => {
  const named = (name: string, dependsOn: string[], change: UpgradeChange = {}): Upgrade => {
    const upgrade = upgradeOf(name, change);
    return { ...upgrade, spec: { ...upgrade.spec, dependsOn: dependsOn.map((own) => ({ name: own })) } };
  };
  const phase = (own: string, version: string): UpgradeChange => ({ status: { phase: own }, version });

  test('is enqueued by each change of their phase, and by no other change', () => {
    list('Upgrade', named('web', ['database']), named('shop', ['web']), named('database', []));
    send('Upgrade', 'upsert', named('database', [], phase('Upgrading', '101')));
    expect(new Set(concerned)).toEqual(new Set(['shop/database', 'shop/web']));
    send('Upgrade', 'upsert', named('database', [], phase('Upgrading', '102')));
    expect(new Set(concerned)).toEqual(new Set(['shop/database']));
  });

  test('is enqueued when they are created, deleted, or depend on others, however far away', () => {
    list('Upgrade', named('web', ['database']), named('database', ['disk']), named('disk', []));
    const all = new Set(['shop/web', 'shop/database', 'shop/disk']);
    send('Upgrade', 'upsert', named('disk', ['web'], { version: '101' }));
    expect(new Set(concerned)).toEqual(all);
    send('Upgrade', 'delete', named('disk', ['web'], { version: '102' }));
    expect(new Set(concerned)).toEqual(all);
    send('Upgrade', 'upsert', named('disk', [], { version: '103' }));
    expect(new Set(concerned)).toEqual(all);
  });

  test('is no longer enqueued after it has removed the dependency', () => {
    list('Upgrade', named('web', ['database']), named('database', []));
    send('Upgrade', 'upsert', named('web', [], { version: '101' }));
    send('Upgrade', 'upsert', named('database', [], phase('Upgrading', '102')));
    expect(new Set(concerned)).toEqual(new Set(['shop/database']));
  });

  test('is enqueued also by a write of the operator, with the next event', () => {
    list('Upgrade', named('web', ['database']), named('database', []));
    const written = named('database', [], phase('Upgrading', '101'));
    store.upgrades.applyWrite(written);
    send('Upgrade', 'upsert', written);
    expect(concerned).toContain('shop/web');
  });
});

describe('a node', () => {
  const attempt = (ended: boolean) => ({ status: { attempt: ended ? { end: {} } : {}, pods: [] } });

  test('enqueues the running attempts that have a pod on it, also one that their status does not list', () => {
    list(
      'DaemonSet',
      workloadOf('DaemonSet', 'web'),
      workloadOf('DaemonSet', 'log'),
      workloadOf('DaemonSet', 'old'),
    );
    list(
      'Upgrade',
      upgradeOf('web', attempt(false)),
      upgradeOf('log', attempt(false)),
      upgradeOf('old', attempt(true)),
    );
    list(
      'Pod',
      podOf('web', 'node-1'),
      podOf('web', 'node-2'),
      podOf('log', 'node-2'),
      podOf('old', 'node-1'),
    );
    send('Node', 'upsert', { name: 'node-1', ready: false, labels: {}, resourceVersion: '101' });
    expect(concerned).toEqual(['shop/web']);
    send('Node', 'upsert', { name: 'node-2', ready: true, labels: {}, resourceVersion: '102' });
    expect(concerned).toEqual(['shop/web', 'shop/log']);
    send('Node', 'upsert', { name: 'node-3', ready: true, labels: {}, resourceVersion: '103' });
    expect(concerned).toEqual([]);
  });

  test('is listed before the first decision, because lost nodes are left out of an attempt when it starts', () => {
    for (const kind of [
      'Upgrade',
      'Deployment',
      'StatefulSet',
      'DaemonSet',
      'ReplicaSet',
      'ControllerRevision',
      'Pod',
    ] as const) {
      list(kind);
    }
    expect(store.synced).toBe(false);
    list('Node');
    expect(store.synced).toBe(true);
  });
});

describe('a workload of the same name and another kind', () => {
  test('is reported if the target is missing, and enqueues only such Upgrades', () => {
    list('DaemonSet', workloadOf('DaemonSet', 'log'));
    list('Deployment', workloadOf('Deployment', 'web'), workloadOf('Deployment', 'web', 'other'));
    list('Upgrade', upgradeOf('web'), upgradeOf('log'));
    expect(store.namesakesOf(upgradeOf('web'))).toEqual(['Deployment']);
    expect(store.namesakesOf(upgradeOf('log'))).toEqual([]);
    send('Deployment', 'upsert', { ...workloadOf('Deployment', 'log'), resourceVersion: '2' });
    expect(concerned).toEqual([]);
    send('StatefulSet', 'upsert', { ...workloadOf('StatefulSet', 'web'), resourceVersion: '2' });
    expect(concerned).toEqual(['shop/web']);
    expect(store.namesakesOf(upgradeOf('web'))).toEqual(['Deployment', 'StatefulSet']);
    send('Deployment', 'delete', workloadOf('Deployment', 'web'));
    expect(concerned).toEqual(['shop/web']);
  });
});

describe('what belongs to a Deployment', () => {
  const web = workloadOf('Deployment', 'web');
  const ours = podOf('web', 'node-1', { owner: { kind: 'ReplicaSet', name: 'web-1', uid: 'rs' } });

  beforeEach(() => {
    list('Deployment', web, workloadOf('Deployment', 'web', 'other'), workloadOf('Deployment', 'api'));
    list('StatefulSet', workloadOf('StatefulSet', 'web'));
    list('ReplicaSet', replicaSetOf());
    list('Pod', ours);
    list('Upgrade', upgradeOf('web', { kind: 'Deployment' }));
  });

  test('is what its ReplicaSets own', () => {
    expect(store.revisionsOf(web)).toEqual([replicaSetOf()]);
    expect(store.podsOf(web)).toEqual([ours]);
    send('Pod', 'upsert', { ...ours, resourceVersion: '101' });
    expect(concerned).toEqual(['shop/web']);
  });

  test.each<[string, Partial<PodView>]>([
    ['in another namespace', { namespace: 'evil' }],
    ['of the ReplicaSet by UID alone', { owner: { kind: 'ReplicaSet', name: 'other', uid: 'rs' } }],
    ['of the ReplicaSet by name alone', { owner: { kind: 'ReplicaSet', name: 'web-1', uid: 'forged' } }],
    ['of another kind of the same name and UID', { owner: { kind: 'DaemonSet', name: 'web-1', uid: 'rs' } }],
    ['of the Deployment itself', { owner: { kind: 'Deployment', name: 'web', uid: 'uid-web' } }],
    [
      'of a name that reads like the end of a key',
      { owner: { kind: 'ReplicaSet/web-1', name: 'rs', uid: '' } },
    ],
  ])('is never a pod %s', (_, change) => {
    const forged = podOf('forged', 'node-1', { owner: ours.owner, resourceVersion: '102', ...change });
    send('Pod', 'upsert', forged);
    expect(store.podsOf(web)).toEqual([ours]);
    expect(concerned).toEqual([]);
  });

  test.each<[string, Partial<RevisionView>]>([
    ['in another namespace', { namespace: 'evil' }],
    ['of the Deployment by UID alone', { owner: { kind: 'Deployment', name: 'api', uid: 'uid-web' } }],
    ['of the Deployment by name alone', { owner: { kind: 'Deployment', name: 'web', uid: 'forged' } }],
    ['of a StatefulSet of the same name', { owner: { kind: 'StatefulSet', name: 'web', uid: 'uid-web' } }],
  ])('is never a ReplicaSet %s, nor its pods', (_, change) => {
    const forged = replicaSetOf({ name: 'forged', uid: 'forged-rs', resourceVersion: '101', ...change });
    send('ReplicaSet', 'upsert', forged);
    expect(store.revisionsOf(web)).toEqual([replicaSetOf()]);
    const { namespace } = forged;
    const owner = { kind: 'ReplicaSet', name: 'forged', uid: 'forged-rs' };
    send('Pod', 'upsert', podOf('forged', 'node-1', { namespace, owner, resourceVersion: '102' }));
    expect(store.podsOf(web)).toEqual([ours]);
  });

  test('is not a StatefulSet of the same name and UID', () => {
    send('ControllerRevision', 'upsert', { ...replicaSetOf(), kind: 'ControllerRevision' });
    expect(store.revisionsOf(workloadOf('StatefulSet', 'web'))).toEqual([]);
  });
});

describe('Upgrades on one target', () => {
  const second = (n: number) => `2026-01-01T00:00:${String(n).padStart(2, '0')}Z`;
  const on = (name: string, n: number) => upgradeOf(name, { target: 'web', createdAt: second(n) });

  beforeEach(() => {
    list('DaemonSet', workloadOf('DaemonSet', 'web'));
    list('Upgrade', on('c', 3), on('b', 2), on('a', 2), on('d', 4));
  });

  test('act one at a time: the oldest, then by name', () => {
    expect(store.actingFor(on('d', 4))?.metadata.name).toBe('a');
    expect(waiting).toEqual(['shop/b', 'shop/c', 'shop/d']);
  });

  test('are not enqueued by changes of the target, except the acting one', () => {
    send('DaemonSet', 'upsert', { ...workloadOf('DaemonSet', 'web'), resourceVersion: '101' });
    expect([concerned, waiting]).toEqual([['shop/a'], []]);
    send('Pod', 'upsert', podOf('web', 'node-1', { resourceVersion: '102' }));
    expect([concerned, waiting]).toEqual([['shop/a'], []]);
  });

  test('pass the target on when the acting one is deleted, or gets another target', () => {
    send('Upgrade', 'delete', { ...on('a', 2) });
    expect([concerned, waiting]).toEqual([
      ['shop/a', 'shop/b'],
      ['shop/c', 'shop/d'],
    ]);
    send('Upgrade', 'upsert', upgradeOf('b', { target: 'log', createdAt: second(2), version: '102' }));
    expect([concerned, waiting]).toEqual([['shop/b', 'shop/c', 'shop/b'], ['shop/d']]);
    send('Upgrade', 'delete', on('d', 4));
    expect([concerned, waiting]).toEqual([['shop/d'], []]);
    expect(store.actingFor(on('c', 3))?.metadata.name).toBe('c');
  });

  test('pass it on when the acting one is deleted and created again between two lists', () => {
    const again = upgradeOf('a', { target: 'web', createdAt: second(9), version: '101' });
    list('Upgrade', { ...again, metadata: { ...again.metadata, uid: 'again' } }, on('b', 2), on('c', 3));
    expect(store.actingFor(on('c', 3))?.metadata.name).toBe('b');
  });

  const begun = { phase: 'Upgrading', attempt: { startedAt: second(5) } };
  const acting = () => store.actingFor(on('d', 4))?.metadata.name;

  test('that has begun goes on, whatever comes with an earlier name in the same second', () => {
    list('Upgrade', on('b', 2));
    store.upgrades.applyWrite(
      upgradeOf('b', { target: 'web', createdAt: second(2), status: begun, version: '101' }),
    );
    send('Upgrade', 'upsert', upgradeOf('a', { target: 'web', createdAt: second(2), version: '102' }));
    expect(acting()).toBe('b');
    expect(concerned).toEqual(['shop/a']);
    const ended = { phase: 'Succeeded', attempt: { startedAt: second(5), gating: false } };
    send(
      'Upgrade',
      'upsert',
      upgradeOf('b', { target: 'web', createdAt: second(2), status: ended, version: '103' }),
    );
    expect(acting()).toBe('a');
    expect([concerned, waiting]).toEqual([['shop/b', 'shop/a'], ['shop/b']]);
  });

  test('wake nobody when the one that acts begins', () => {
    send(
      'Upgrade',
      'upsert',
      upgradeOf('a', { target: 'web', createdAt: second(2), status: begun, version: '101' }),
    );
    expect([concerned, waiting]).toEqual([['shop/a'], []]);
  });

  test('do not wait for one that is being deleted and has nothing to restore, whatever keeps it', () => {
    const gone = upgradeOf('a', { target: 'web', createdAt: second(2), version: '101' });
    const metadata = { ...gone.metadata, deletionTimestamp: second(9), finalizers: ['example.com/backup'] };
    send('Upgrade', 'upsert', { ...gone, metadata });
    expect(acting()).toBe('b');
    expect([concerned, waiting]).toEqual([
      ['shop/a', 'shop/b'],
      ['shop/c', 'shop/d'],
    ]);
    send('Upgrade', 'delete', { ...gone, metadata });
    expect([concerned, waiting]).toEqual([['shop/a'], []]);
  });
});

test.each([2000, 5000])('with %d Upgrades on one target no event costs more than with one', (count) => {
  const all = Array.from({ length: count }, (_, n) =>
    upgradeOf(`u-${n}`, {
      target: 'web',
      createdAt: new Date(Date.UTC(2026, 0, 2) - n * 1000).toISOString(),
    }),
  );
  let looked = 0;
  for (const { metadata } of all) {
    const { creationTimestamp } = metadata;
    Object.defineProperty(metadata, 'creationTimestamp', {
      get: () => {
        looked++;
        return creationTimestamp;
      },
    });
  }
  list('DaemonSet', workloadOf('DaemonSet', 'web'));
  list('Upgrade', ...all);
  expect(looked).toBe(count);
  expect(waiting).toHaveLength(count - 1);
  looked = 0;

  send('DaemonSet', 'upsert', { ...workloadOf('DaemonSet', 'web'), resourceVersion: '101' });
  expect([concerned, waiting]).toEqual([[`shop/u-${count - 1}`], []]);
  for (const upgrade of all) {
    store.actingFor(upgrade);
  }
  send('Upgrade', 'upsert', { ...(all[7] as Upgrade), status: {} as never });
  expect([concerned, waiting]).toEqual([['shop/u-7'], []]);
  expect(looked).toBe(1);
});

describe('a closed gate is enqueued', () => {
  const closed = (change: Partial<PodView> = {}) => podOf('web', 'node-1', { gates: [VERIFIED], ...change });
  const gating = (on: boolean) =>
    upgradeOf('web', {
      status: { targetUID: 'uid-web', attempt: { gating: on } },
      version: on ? '1' : '110',
    });

  beforeEach(() => {
    list('DaemonSet', workloadOf('DaemonSet', 'web'));
    list('Pod', closed());
    list('Upgrade', gating(true));
    released = [];
  });

  test('when the attempt ends, also by our own write', () => {
    store.upgrades.applyWrite(gating(false));
    expect(released).toEqual(['web-node-1']);
  });

  test('when the Upgrade is deleted', () => {
    send('Upgrade', 'delete', gating(true));
    expect(released).toEqual(['web-node-1']);
  });

  test('but not at every status of a running attempt', () => {
    send('Upgrade', 'upsert', {
      ...gating(true),
      metadata: { ...gating(true).metadata, resourceVersion: '105' },
    });
    expect(released).toEqual([]);
  });

  test('when the ReplicaSet that owns the pod becomes known', () => {
    const owner = { kind: 'ReplicaSet', name: 'web-1', uid: 'rs' } as const;
    list('Pod', closed({ owner, resourceVersion: '101' }));
    send('ReplicaSet', 'upsert', replicaSetOf({ resourceVersion: '102' }));
    expect(released).toEqual(['web-node-1']);
  });
});
