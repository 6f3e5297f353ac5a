/**
 * Which pods get the readiness gate, and which must not: one table, in a real API server, for each thing that can put the gate on. The policy says it in
 * CEL, the webhook by src/core/gate.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ApiServer, eventually, startApiServer } from './api-server.ts';

const GATE = 'postcheck.dev/verified';
const HASH = '6d5f9c7b88';

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly containers: readonly { readonly image: string }[];
    readonly readinessGates?: readonly { readonly conditionType: string }[];
  };
}
interface PodOptions {
  readonly namespace?: string;
  readonly owner?: {
    readonly kind?: string;
    readonly name?: string;
    readonly apiVersion?: string;
    readonly controller?: boolean;
  } | null;
  readonly labels?: Record<string, string> | null;
  readonly images?: Record<string, string>;
  readonly initImages?: Record<string, string>;
  readonly gates?: readonly string[];
}
interface Target {
  readonly kind: string;
  readonly name: string;
}

/** The longest name, from which the Deployment controller takes what its ReplicaSets' hash needs. */
const LONG = `long.${'name-'.repeat(49)}end`;
const OLD = { web: 'registry.example/web:1', proxy: 'registry.example/proxy:1' };
const NEW = { ...OLD, web: 'registry.example/web:2' };

let api: ApiServer;

const containers = (images: Record<string, string>) =>
  Object.entries(images).map(([name, image]) => ({ name, image }));

function podOf({
  namespace = 'shop',
  owner = {},
  labels = { 'pod-template-hash': HASH },
  images = NEW,
  initImages = {},
  gates = [],
}: PodOptions) {
  const reference = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    name: `web-${HASH}`,
    uid: '0aee6794-d55e-4569-97c1-91f81b2bf71f',
    controller: true,
    ...owner,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'pod',
      namespace,
      ...(labels && { labels }),
      ...(owner && { ownerReferences: [reference] }),
    },
    spec: {
      containers: containers(images),
      initContainers: containers(initImages),
      ...(gates.length > 0 && { readinessGates: gates.map((conditionType) => ({ conditionType })) }),
    },
  };
}

/** The readiness gates of a pod that is created like this; nothing is stored, but admission is run in full. */
function gatesOf(options: PodOptions): string[] {
  const pod = api.json<Pod>(['create', '--dry-run=server', '-f', '-'], podOf(options));
  return (pod.spec.readinessGates ?? []).map((gate) => gate.conditionType);
}

function createNamespace(name: string): Promise<unknown> {
  api.kubectl(['create', 'namespace', name]);
  return eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '--namespace', name]));
}

/** An Upgrade whose attempt gates unless told otherwise; `status` replaces the whole status. */
function createUpgrade(
  namespace: string,
  name: string,
  targetRef: Target,
  status: object = attempt(true),
): void {
  const upgrade = {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name, namespace },
    spec: { targetRef: { apiVersion: 'apps/v1', ...targetRef }, containers: containers({ web: NEW.web }) },
  };
  api.kubectl(['apply', '-f', '-'], JSON.stringify(upgrade));
  setStatus(namespace, name, status);
}

function attempt(gating: boolean, images: Record<string, string> = OLD) {
  const now = '2026-01-01T00:00:00Z';
  const counters = { number: 1, targetGeneration: 1, maxUpdated: 0, maxPassed: 0 };
  return {
    attempt: {
      id: '1-abc',
      trigger: 'Created',
      adopted: false,
      gating,
      startedAt: now,
      progressAt: now,
      ...counters,
    },
    from: { images },
  };
}

/** With the generation that an operator has seen: without it a status counts as nobody's. */
function setStatus(namespace: string, name: string, status: object): void {
  api.kubectl([
    'patch',
    'upgrade',
    name,
    '--namespace',
    namespace,
    '--subresource=status',
    '--type=merge',
    '--patch',
    JSON.stringify({ status: { observedGeneration: 1, ...status } }),
  ]);
}

const databasePod: PodOptions = {
  namespace: 'data',
  owner: { kind: 'StatefulSet', name: 'db' },
  labels: null,
};
const agentPod: PodOptions = {
  namespace: 'nodes',
  owner: { kind: 'DaemonSet', name: 'agent' },
  labels: null,
};

/** Puts the carrier and the CRD into the API server; gives how to end what it started. */
export type Install = (api: ApiServer) => Promise<() => unknown>;

/** Registers every case. */
export function describeGate(install: Install): void {
  let uninstall: () => unknown = () => {};

  beforeAll(async () => {
    api = startApiServer();
    uninstall = await install(api);
    await Promise.all(
      ['shop', 'other', 'idle', 'bare', 'data', 'nodes', 'twice', 'long'].map(createNamespace),
    );
    await eventually(() => createUpgrade('shop', 'web', { kind: 'Deployment', name: 'web' }) === undefined);
    createUpgrade('idle', 'web', { kind: 'Deployment', name: 'web' }, attempt(false));
    createUpgrade('bare', 'web', { kind: 'Deployment', name: 'web' }, { attempt: attempt(true).attempt });
    createUpgrade('long', 'long', { kind: 'Deployment', name: LONG });
    createUpgrade('data', 'db', { kind: 'StatefulSet', name: 'db' });
    createUpgrade('nodes', 'agent', { kind: 'DaemonSet', name: 'agent' });
    createUpgrade('twice', 'one', { kind: 'Deployment', name: 'web' });
    createUpgrade('twice', 'two', { kind: 'Deployment', name: 'web' });
    // The policy is compiled, and its Upgrades are watched, a moment after they are stored.
    for (const namespace of ['shop', 'twice']) {
      await eventually(() => gatesOf({ namespace }).length > 0);
    }
  }, 900_000);

  afterAll(async () => {
    await uninstall();
    api?.stop();
  });

  describe('a new pod of the version that an attempt tries gets the gate', () => {
    test.each<[string, PodOptions]>([
      ['of a Deployment', {}],
      ['of a StatefulSet', databasePod],
      ['of a DaemonSet', agentPod],
      [
        'of a Deployment with the longest name',
        { namespace: 'long', owner: { name: `${LONG.slice(0, 242)}-${HASH}` } },
      ],
      [
        'when only another container than the first has changed',
        { images: { web: OLD.web, proxy: 'registry.example/proxy:2' } },
      ],
      ['when it lacks a container of the old version', { images: { web: OLD.web } }],
      [
        'when the old image sits in a container of another name',
        { images: { web: OLD.proxy, proxy: OLD.web } },
      ],
      ['when its init containers are as before', { initImages: { setup: 'registry.example/setup:1' } }],
    ])('%s', (_, options) => {
      expect(gatesOf(options)).toEqual([GATE]);
    });

    test('beside the gates that it has, in their order', () => {
      expect(gatesOf({ gates: ['example.com/load-balancer', 'example.com/quorum'] })).toEqual([
        'example.com/load-balancer',
        'example.com/quorum',
        GATE,
      ]);
    });

    test('once, when its template has it already', () => {
      expect(gatesOf({ gates: [GATE] })).toEqual([GATE]);
    });

    test('once, when two Upgrades name the same target', () => {
      expect(gatesOf({ namespace: 'twice' })).toEqual([GATE]);
    });
  });

  describe('a pod gets no gate', () => {
    test.each<[string, PodOptions]>([
      ['of the old version, as in a fallback or an adoption', { images: OLD }],
      [
        'of the old version with another template and one more container',
        { images: { ...OLD, debug: 'registry.example/debug:1' } },
      ],
      [
        'of the old version whose container has become an init container',
        { images: { web: OLD.web }, initImages: { proxy: OLD.proxy } },
      ],
      [
        'of a Deployment whose name begins with the name of the target',
        { owner: { name: `web-api-${HASH}` } },
      ],
      [
        'of a Deployment whose name the target begins with, and that is not cut',
        { namespace: 'long', owner: { name: `${LONG.slice(0, 241)}-${HASH}` } },
      ],
      ['of a Deployment whose name the target begins with', { owner: { name: `we-${HASH}` } }],
      ['whose hash is not that of its ReplicaSet', { labels: { 'pod-template-hash': '7c7c7c7c7c' } }],
      ['without labels', { labels: null }],
      ['in another namespace', { namespace: 'other' }],
      ['while the attempt does not gate', { namespace: 'idle' }],
      ['when the status does not say what ran before', { namespace: 'bare' }],
      ['without an owner', { owner: null }],
      ['of an owner that does not control it', { owner: { controller: false } }],
      ['of a ReplicaSet that is no apps/v1', { owner: { apiVersion: 'example.com/v1' } }],
      ['of a StatefulSet named like the Deployment', { owner: { kind: 'StatefulSet', name: 'web' } }],
      [
        'of a ReplicaSet named like the StatefulSet',
        { ...databasePod, owner: { kind: 'ReplicaSet', name: 'db' } },
      ],
      [
        'of a StatefulSet whose name begins with the name of the target',
        { ...databasePod, owner: { kind: 'StatefulSet', name: 'db-replica' } },
      ],
      [
        'of a DaemonSet whose name begins with the name of the target',
        { ...agentPod, owner: { kind: 'DaemonSet', name: 'agent-windows' } },
      ],
    ])('%s', (_, options) => {
      expect(gatesOf(options)).toEqual([]);
    });

    test('once the attempt has ended', async () => {
      await createNamespace('ended');
      createUpgrade('ended', 'web', { kind: 'Deployment', name: 'web' });
      await eventually(() => gatesOf({ namespace: 'ended' }).length === 1);
      setStatus('ended', 'web', { attempt: { gating: false } });
      await eventually(() => gatesOf({ namespace: 'ended' }).length === 0);
    });

    test('once the Upgrade is deleted', async () => {
      await createNamespace('deleted');
      createUpgrade('deleted', 'web', { kind: 'Deployment', name: 'web' });
      await eventually(() => gatesOf({ namespace: 'deleted' }).length === 1);
      api.kubectl(['delete', 'upgrade', 'web', '--namespace', 'deleted']);
      await eventually(() => gatesOf({ namespace: 'deleted' }).length === 0);
    });
  });

  describe('as the controllers of Kubernetes create pods', () => {
    const podsOf = (namespace: string) =>
      api
        .json<{ items: (Pod & { metadata: { deletionTimestamp?: string } })[] }>([
          'get',
          'pods',
          '--namespace',
          namespace,
          '-l',
          'app=web',
        ])
        .items.filter((pod) => pod.metadata.deletionTimestamp === undefined)
        .map((pod) => ({
          image: pod.spec.containers[0]?.image,
          gates: (pod.spec.readinessGates ?? []).length,
        }));

    const specs: Record<string, object> = {
      Deployment: { replicas: 2, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '100%' } } },
      StatefulSet: { replicas: 2, serviceName: 'web', podManagementPolicy: 'Parallel' },
      DaemonSet: { updateStrategy: { rollingUpdate: { maxUnavailable: '100%' } } },
    };

    const setImage = (namespace: string, workload: string, image: string) =>
      api.kubectl(['set', 'image', workload, `web=${image}`, '--namespace', namespace]);

    test.each([
      ...Object.keys(specs).map((kind) => [kind, kind.toLowerCase(), 'web'] as const),
      ['Deployment', 'longest', LONG] as const,
    ])(
      'a %s in namespace %s: old pods keep out, new ones are gated, those of the fallback are not',
      async (kind, namespace, name) => {
        const workload = `${kind.toLowerCase()}/${name}`;
        await createNamespace(namespace);
        if (kind === 'DaemonSet') {
          api.kubectl(
            ['create', '-f', '-'],
            JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } }),
          );
        }
        const labels = { app: 'web' };
        const template = {
          metadata: { labels },
          spec: { terminationGracePeriodSeconds: 0, containers: containers({ web: OLD.web }) },
        };
        const spec = { selector: { matchLabels: labels }, template, ...specs[kind] };
        createUpgrade(namespace, 'web', { kind, name }, attempt(true, { web: OLD.web }));
        api.kubectl(
          ['create', '-f', '-'],
          JSON.stringify({ apiVersion: 'apps/v1', kind, metadata: { name, namespace }, spec }),
        );
        const before = await eventually(() => (podsOf(namespace).length > 0 ? podsOf(namespace) : undefined));
        expect(before.filter((pod) => pod.gates > 0)).toEqual([]);

        setImage(namespace, workload, NEW.web);
        const rolled = await eventually(() => podsOf(namespace).find((pod) => pod.image === NEW.web));
        expect(rolled.gates).toBe(1);

        setImage(namespace, workload, OLD.web);
        const restored = await eventually(
          () => podsOf(namespace).every((pod) => pod.image === OLD.web) && podsOf(namespace)[0],
        );
        expect(restored.gates).toBe(0);
      },
      60_000,
    );
  });

  describe('it never keeps a pod from being created', () => {
    test('neither when an Upgrade in its namespace cannot be made sense of', async () => {
      await createNamespace('odd');
      createUpgrade('odd', 'web', { kind: 'Deployment', name: 'web' }, { from: { images: {} } });
      expect(gatesOf({ namespace: 'odd' })).toEqual([]);
    });

    test('nor when the CRD is gone', () => {
      api.kubectl(['delete', 'crd', 'upgrades.postcheck.dev']);
      expect(gatesOf({})).toEqual([]);
    }, 60_000);
  });
}
