/** Whose pods and revisions are whose, by what a real API server lets anybody write into an owner reference. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { PodView, RevisionView, WorkloadKind, WorkloadView } from '../../src/api/views.ts';
import { Store } from '../../src/engine/store.ts';
import type { Cluster } from '../../src/kube/cluster.ts';
import {
  type ApiServer,
  createNamespaces,
  eventually,
  installCrd,
  type KubeObject,
  startApiServer,
} from './api-server.ts';
import { connectTo } from './connect.ts';

jest.setTimeout(60_000);

const KINDS: readonly WorkloadKind[] = ['Deployment', 'StatefulSet', 'DaemonSet'];
/** Keeps the garbage collector from clearing away at once what it, too, takes for forged. */
const HELD = { finalizers: ['postcheck.dev/test'] };

let api: ApiServer;
let cluster: Cluster;
const store = new Store();

beforeAll(async () => {
  api = startApiServer();
  await installCrd(api);
  await createNamespaces(api, 'shop', 'evil');
  cluster = await connectTo(api);
  store.watch(cluster.watcher, {
    upgradesChanged: () => {},
    actingChanged: () => {},
    podChanged: () => {},
    podGone: () => {},
    nodeChanged: () => {},
    nodeGone: () => {},
    gateReleased: () => {},
  });
  await eventually(() => store.synced);
}, 120_000);
afterAll(async () => {
  await cluster.close();
  api.stop();
});

const create = (object: object): KubeObject => api.json(['create', '-f', '-'], object);

function manifest(kind: WorkloadKind, name: string, labels: object = {}): object {
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: 'shop' },
    spec: {
      ...(kind === 'DaemonSet' ? {} : { replicas: 2 }),
      ...(kind === 'StatefulSet' ? { serviceName: name, podManagementPolicy: 'Parallel' } : {}),
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, ...labels } },
        spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
      },
    },
  };
}

/** Without nodes a DaemonSet makes no pods, but a revision. */
async function made(kind: WorkloadKind, name: string, labels: object = {}): Promise<WorkloadView> {
  create(manifest(kind, name, labels));
  return await eventually(() => {
    const found = store.workloads[kind].get(`${kind}/shop/${name}`);
    const there = found && store.revisionsOf(found).length === 1;
    return there && store.podsOf(found).length === (kind === 'DaemonSet' ? 0 : 2) ? found : undefined;
  });
}

interface Reference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}
const forgedPod = (namespace: string, name: string, labels: object, ...references: Reference[]): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace,
    labels,
    ...HELD,
    ownerReferences: references.map((reference) => ({ ...reference, controller: true })),
  },
  spec: { containers: [{ name: 'web', image: 'never.local/x:1', imagePullPolicy: 'Never' }] },
});

const names = (objects: readonly { name: string }[]): string[] => objects.map(({ name }) => name).sort();

describe.each(KINDS)('a %s', (kind) => {
  let workload: WorkloadView;
  let revision: RevisionView;
  let owner: Reference;
  let pods: string[];

  beforeAll(async () => {
    workload = await made(kind, `own-${kind.toLowerCase()}`);
    revision = store.revisionsOf(workload)[0] as RevisionView;
    const { name, uid } = kind === 'Deployment' ? revision : workload;
    owner = { apiVersion: 'apps/v1', kind: kind === 'Deployment' ? 'ReplicaSet' : kind, name, uid };
    pods = names(store.podsOf(workload));
  });

  const labels = () => ({
    [kind === 'Deployment' ? 'pod-template-hash' : 'controller-revision-hash']: revision.hash,
  });

  test.each<[string, string, (real: Reference) => Reference]>([
    ['in another namespace', 'evil', (real) => real],
    ['of an API that does not exist', 'shop', (real) => ({ ...real, apiVersion: 'bogus.example/v1' })],
    ['of another group', 'shop', (real) => ({ ...real, apiVersion: 'batch/v1' })],
    ['of another kind of the same name', 'shop', (real) => ({ ...real, kind: 'Job' })],
    ['with the right name and another UID', 'shop', (real) => ({ ...real, uid: 'forged' })],
    ['with the right UID and another name', 'shop', (real) => ({ ...real, name: 'forged' })],
  ])('has no pod %s', async (_, namespace, forge) => {
    create(forgedPod(namespace, `forged-${Math.random()}`, labels(), forge(owner)));
    // Some are not even kept; one that comes after it tells that the watch is past it.
    const last = create(
      forgedPod('shop', `last-${Math.random()}`, {}, { ...owner, name: 'last', uid: 'last' }),
    );
    await eventually(() => store.pods.get(last.metadata['uid'] as string));
    expect(names(store.podsOf(workload))).toEqual(pods);
  });

  test('has no revision that another namespace or a wrong reference makes up', async () => {
    const real = api.json<{ metadata: Record<string, unknown>; spec?: object; data?: object }>([
      'get',
      revision.kind === 'ReplicaSet' ? 'replicaset' : 'controllerrevision',
      revision.name,
      '-n',
      'shop',
    ]);
    const [reference] = real.metadata['ownerReferences'] as Reference[];
    const forge = (namespace: string, change: object) =>
      create({
        ...real,
        ...(revision.kind === 'ReplicaSet' ? { spec: { ...real.spec, replicas: 0 } } : {}),
        metadata: {
          ...HELD,
          namespace,
          name: `forged-${Math.random()}`,
          labels: real.metadata['labels'],
          ownerReferences: [{ ...reference, ...change }],
        },
      });
    forge('evil', {});
    forge('shop', { apiVersion: 'bogus.example/v1' });
    forge('shop', { uid: 'forged' });
    const last = forge('shop', { name: 'forged' });
    const revisions = store.revisions[revision.kind];
    await eventually(() => [...revisions.all()].some(({ uid }) => uid === last.metadata['uid']));
    expect(names(store.revisionsOf(workload))).toEqual([revision.name]);
    expect(names(store.podsOf(workload))).toEqual(pods);
  });
});

test('two controllers of one object are refused by the API server itself', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'a' };
  expect(() => create(forgedPod('shop', 'two', {}, owner, { ...owner, uid: 'b' }))).toThrow(
    /Only one reference can have Controller set to true/,
  );
});

test('the pods of a StatefulSet are of its revision, also with a label copied from the pod of a Deployment', async () => {
  const workload = await made('StatefulSet', 'copied', { 'pod-template-hash': 'copied' });
  const updated = await eventually(() => {
    const now = store.workloads.StatefulSet.get('StatefulSet/shop/copied');
    return now?.kind === 'StatefulSet' ? now.updateRevision : undefined;
  });
  const pods: readonly PodView[] = store.podsOf(workload);
  expect(pods.map(({ revision }) => revision)).toEqual([updated, updated]);
});
