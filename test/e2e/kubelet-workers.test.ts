/** Our workers run beside a real kubelet's, on the same pods with the same thresholds: what kubelet makes ready, restarts or lets start, ours must judge alike. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type ProbeJob, ProbeManager } from '../../packages/kubelet-prober/src/manager.ts';
import { type ProbeType, probe, verdictOf } from '../../packages/kubelet-prober/src/prober.ts';
import type { ProbeHandler } from '../../packages/kubelet-prober/src/spec.ts';
import type { ProbedContainer, ProbedPod } from '../../packages/kubelet-prober/src/worker.ts';
import { onConnection } from './kubelet/servers.ts';
import { Api, type Json, run } from './support/api.ts';
import { createFreshNamespace, removeNamespace } from './support/namespace.ts';
import { waitFor } from './support/wait.ts';

const namespace = 'kubelet-workers';
const pods = `/api/v1/namespaces/${namespace}/pods`;
const thresholds = { initialDelaySeconds: 2, successThreshold: 1, failureThreshold: 2 };
const periodSeconds = 2;
const testMs = 180_000;

const good: ProbeHandler = { httpGet: { port: 8080 } };
const bad: ProbeHandler = { httpGet: { port: 9 } };
/** 200, or 500 while there is a file /tmp/bad. */
const server = onConnection(
  8080,
  `while read -r line; do [ \${#line} -gt 1 ] || break; done
[ -e /tmp/bad ] && status='500 Bad' || status='200 OK'
printf "HTTP/1.1 $status\\r\\nConnection: close\\r\\n\\r\\n"`,
);

const api = new Api();
const stop = new AbortController();
/** The newest form of each pod, and every readiness it has had. */
const seen = new Map<string, Json>();
const readiness = new Map<string, boolean[]>();
/** Every result that our worker has published, by pod and probe. */
const published = new Map<string, string[]>();

const clock = {
  now: () => Date.now(),
  random: () => 0,
  after: (delayMs: number, call: () => void) => {
    const timer = setTimeout(call, delayMs);
    return () => clearTimeout(timer);
  },
};

const manager = new ProbeManager({ clock, podOf: (name) => seenAs(seen.get(name)), probe: tryOnce });

async function tryOnce({ podUid: name, type }: ProbeJob) {
  sample();
  const pod = seen.get(name);
  const handler = pod.spec.containers[0][`${type}Probe`] as ProbeHandler;
  return verdictOf(type, await probe(handler, { podIp: pod.status.podIP }, { timeoutMs: 3000 }));
}

function seenAs(pod: Json): ProbedPod | undefined {
  if (pod === undefined) {
    return undefined;
  }
  const status = pod.status.containerStatuses?.[0];
  const { phase } = pod.status;
  const deleting = pod.metadata.deletionTimestamp !== undefined;
  return status?.containerID ? { phase, deleting, container: containerAs(status) } : { phase, deleting };
}

function containerAs({ containerID: id, started = false, state }: Json): ProbedContainer {
  if (state.running) {
    return { id, started, state: { kind: 'running', startedAtMs: Date.parse(state.running.startedAt) } };
  }
  return {
    id,
    started,
    state: state.terminated
      ? { kind: 'terminated', exitCode: state.terminated.exitCode }
      : { kind: 'waiting' },
  };
}

function remember<K, V>(all: Map<K, V[]>, key: K, value: V): void {
  const values = all.get(key) ?? [];
  if (values.at(-1) !== value) {
    all.set(key, [...values, value]);
  }
}

/** Notes what is published now. Also asked before each try, so that an initial value is seen however soon the first verdict comes. */
function sample(): void {
  for (const name of seen.keys()) {
    for (const type of ['liveness', 'readiness', 'startup'] as const) {
      const result = manager.result({ podUid: name, container: 'main', type });
      if (result !== undefined) {
        remember(published, `${name}/${type}`, result);
      }
    }
  }
}

/** Runs a pod with these probes, and our workers on it. */
async function start(name: string, probes: Partial<Record<ProbeType, ProbeHandler>>): Promise<void> {
  const types = Object.keys(probes) as ProbeType[];
  const asked = Object.fromEntries(
    types.map((type) => [
      `${type}Probe`,
      { ...probes[type], ...thresholds, periodSeconds, timeoutSeconds: 3 },
    ]),
  );
  const command = ['sh', '-c', `${server}\nsleep 3600 & wait $!`];
  const container = { name: 'main', image: 'postcheck.local/app:v1', command, ...asked };
  await api.create(pods, {
    metadata: { name },
    spec: { containers: [container], terminationGracePeriodSeconds: 1 },
  });
  const spec = { ...thresholds, restartPolicy: 'Always' } as const;
  manager.add(
    types.map((type) => ({ podUid: name, container: 'main', type, periodSeconds, spec: { ...spec, type } })),
  );
}

const restarts = (name: string): number => seen.get(name)?.status.containerStatuses?.[0]?.restartCount ?? 0;
const history = (name: string, type: ProbeType) => published.get(`${name}/${type}`) ?? [];
const waitUntil = (what: string, holds: () => boolean) =>
  waitFor(what, async () => holds(), Boolean, { timeoutSeconds: 90, everyMs: 200 });

let sampler: NodeJS.Timeout;

beforeAll(async () => {
  await createFreshNamespace(api, namespace);
  const { metadata } = await api.get(pods);
  api.watch(pods, metadata.resourceVersion, stop.signal, (_, pod) => {
    if (pod.kind === 'Pod') {
      seen.set(pod.metadata.name, pod);
      remember(readiness, pod.metadata.name, pod.status.containerStatuses?.[0]?.ready === true);
    }
  });
  sampler = setInterval(sample, 50);
}, testMs);

afterAll(async () => {
  clearInterval(sampler);
  manager.keepOnly(new Set());
  stop.abort();
  await removeNamespace(api, namespace);
}, testMs);

test(
  'a pod that becomes ready, loses it and gets it back does so to kubelet and to us',
  async () => {
    await start('ready', { readiness: good });
    const after = (length: number) =>
      waitUntil(
        `step ${length}`,
        () => readiness.get('ready')?.length === length && history('ready', 'readiness').length === length,
      );
    await after(2);
    run('kubectl', ['-n', namespace, 'exec', 'ready', '--', 'touch', '/tmp/bad']);
    await after(3);
    run('kubectl', ['-n', namespace, 'exec', 'ready', '--', 'rm', '/tmp/bad']);
    await after(4);
    expect(readiness.get('ready')).toEqual([false, true, false, true]);
    expect(history('ready', 'readiness')).toEqual(['failure', 'success', 'failure', 'success']);
  },
  testMs,
);

test(
  'a live pod is not restarted by kubelet, and has always been a success to us',
  async () => {
    await start('alive', { liveness: good, readiness: good });
    await waitUntil(
      'ready',
      () => history('alive', 'readiness').includes('success') && readiness.get('alive')?.at(-1) === true,
    );
    await new Promise((next) => setTimeout(next, 3 * periodSeconds * 1000));
    expect([restarts('alive'), history('alive', 'liveness')]).toEqual([0, ['success']]);
  },
  testMs,
);

test(
  'a pod that fails its liveness is restarted by kubelet, and a failure to us until there is a new container',
  async () => {
    await start('dead', { liveness: bad });
    await waitUntil('a restart', () => restarts('dead') > 0 && history('dead', 'liveness').length >= 3);
    expect(history('dead', 'liveness').slice(0, 3)).toEqual(['success', 'failure', 'success']);
  },
  testMs,
);

test(
  'a pod that never starts is restarted by kubelet, and unknown to us until it is a failure; nothing else is asked',
  async () => {
    await start('unstarted', { startup: bad, liveness: bad, readiness: good });
    await waitUntil(
      'a restart',
      () => restarts('unstarted') > 0 && history('unstarted', 'startup').length >= 2,
    );
    expect(history('unstarted', 'startup').slice(0, 2)).toEqual(['unknown', 'failure']);
    expect(history('unstarted', 'readiness')).toEqual(['failure']);
  },
  testMs,
);

test(
  'a pod that starts is asked for its readiness from then on, by kubelet and by us',
  async () => {
    await start('started', { startup: good, readiness: good });
    await waitUntil(
      'ready',
      () => readiness.get('started')?.at(-1) === true && history('started', 'readiness').at(-1) === 'success',
    );
    expect(history('started', 'readiness')).toEqual(['failure', 'success']);
    // Whoever of the two asks first lets the container start, and then neither asks again: ours may stay unknown, but is no failure.
    expect([history('started', 'startup')[0], history('started', 'startup').includes('failure')]).toEqual([
      'unknown',
      false,
    ]);
    expect(restarts('started')).toBe(0);
  },
  testMs,
);
