/** (d) A cluster full of pods that no Upgrade concerns: what an operator takes that starts there. */
import type { Json } from '../../fault/admin-client.ts';
import type { Part } from '../harness.ts';
import type { FigureSpec } from '../measure.ts';
import { type Fleet, inParallel } from './fleet.ts';

const NAMESPACE = 'others';
const LIMIT_MS = 15 * 60_000;
const SINCE = '2026-01-01T00:00:00Z';
const OWNERS = 500;
const CONTAINERS = ['app', 'proxy'];

function specsOf(pods: number) {
  const of = `(d) ${pods} pods of others, as many again of ended Jobs: an operator starts`;
  return {
    rss: { name: `${of}: most memory`, unit: 'MiB', aim: '≤ 250' },
    ready: { name: `${of}: until it is ready`, unit: 's' },
    cpu: { name: `${of}: CPU until then`, unit: 's' },
    lag: { name: `${of}: event-loop lag, longest`, unit: 'ms' },
  } as const satisfies Record<string, FigureSpec>;
}

/**
 * Operators that cache every pod of a cluster were killed for their memory when they started where there are thousands, most of them ended
 * (Mellanox/network-operator#3173, k8ssandra/cass-operator#947, flyteorg/flyte#7837).
 */
export function bystandersPart(fleet: () => Fleet, pods: number): Part<keyof ReturnType<typeof specsOf>> {
  return {
    name: `${pods} pods of others`,
    figures: specsOf(pods),
    needs: [],
    limitMs: LIMIT_MS,
    measure: async (sheet) => {
      // Their owners are only named: the garbage collector would take the pods away.
      fleet().stopControllers();
      const { rest } = fleet();
      await fleet().bareNamespace(NAMESPACE);
      const indices = Array.from({ length: pods }, (_, index) => index);
      for (const kind of ['ReplicaSet', 'Job'] as const) {
        await inParallel(indices, (index) => createPod(rest, kind, index));
      }
      const began = performance.now();
      const operator = fleet().startOperator();
      const cost = await operator.during(() => operator.isReady());
      sheet.note('ready', (performance.now() - began) / 1000);
      sheet.note('rss', cost.peakMiB);
      sheet.note('cpu', cost.cpuSeconds);
      sheet.note('lag', cost.lag.maxMs);
    },
    clear: async () => {},
  };
}

async function createPod(rest: Fleet['rest'], kind: 'ReplicaSet' | 'Job', index: number): Promise<void> {
  const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
  const pod = podOf(kind, index);
  await rest.create(pods, pod);
  await rest.patch(`${pods}/${pod.metadata.name}/status`, { status: statusOf(kind) }, 'strategic');
}

/** As large as pods are that run an application and a proxy. */
function podOf(kind: 'ReplicaSet' | 'Job', index: number): Json {
  const owner = index % OWNERS;
  const env = Array.from({ length: 20 }, (_, nth) => ({
    name: `SETTING_${nth}`,
    value: `http://service-${nth}.namespace.svc.cluster.local:8080/path`,
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${kind.toLowerCase()}-${index}`,
      labels: { app: `app-${owner}`, 'pod-template-hash': '5f5f5f5f' },
      annotations: { 'example.com/config': 'c'.repeat(300) },
      ownerReferences: [
        {
          apiVersion: kind === 'Job' ? 'batch/v1' : 'apps/v1',
          kind,
          name: `owner-${owner}`,
          uid: `00000000-0000-4000-8000-${String(owner).padStart(12, '0')}`,
          controller: true,
        },
      ],
    },
    spec: {
      restartPolicy: kind === 'Job' ? 'Never' : 'Always',
      nodeName: `elsewhere-${index % 200}`,
      containers: CONTAINERS.map((name) => ({
        name,
        image: `registry.example/team/${name}:v1.2.3`,
        env,
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      })),
      volumes: [{ name: 'data', emptyDir: {} }],
    },
  };
}

function statusOf(kind: 'ReplicaSet' | 'Job'): Json {
  const state =
    kind === 'Job'
      ? { terminated: { exitCode: 1, reason: 'Error', startedAt: SINCE, finishedAt: SINCE } }
      : { running: { startedAt: SINCE } };
  return {
    phase: kind === 'Job' ? 'Failed' : 'Running',
    podIP: '10.0.0.1',
    startTime: SINCE,
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: kind === 'Job' ? 'False' : 'True',
      lastTransitionTime: SINCE,
    })),
    containerStatuses: CONTAINERS.map((name) => ({
      name,
      image: `registry.example/team/${name}:v1.2.3`,
      imageID: `sha256:${'a'.repeat(64)}`,
      containerID: `containerd://${'b'.repeat(64)}`,
      restartCount: 0,
      ready: kind !== 'Job',
      started: kind !== 'Job',
      state,
    })),
  };
}
