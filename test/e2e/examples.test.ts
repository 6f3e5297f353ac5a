/**
 * The examples on a real cluster: what kubelet, Services and rollouts make of their probes. Every story has its own
 * workload, and all stories run at the same time in one namespace, which is deleted at the end.
 *
 * Uses the test cluster (make cluster). CONTEXT=<name> uses a context of $KUBECONFIG instead; the images
 * postcheck.local/examples/* (examples/images.sh) must then be there already.
 */
import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { Json } from './support/api.ts';
import { manifests, PATIENT, PATIENT_SECONDS } from './support/manifests.ts';

jest.setTimeout(400_000);

const repository = join(import.meta.dirname, '../..');
const context = process.env.CONTEXT || undefined;
const kubeconfig = process.env.KUBECONFIG ?? join(repository, '.cluster/kubeconfig');
const command = context === undefined ? join(repository, '.cluster/bin/kubectl') : 'kubectl';
const namespace = `ex-${randomBytes(4).toString('hex')}`;
const run = promisify(execFile);

interface Pod {
  readonly name: string;
  readonly ip: string;
  readonly ready: boolean;
  readonly restarts: number;
}

const where = [
  '--kubeconfig',
  kubeconfig,
  ...(context === undefined ? [] : ['--context', context]),
  '--namespace',
  namespace,
];

/** Starts kubectl in the test's namespace; what it gives is a promise of its stdout, which carries the process. */
function kubectl(...args: string[]): Promise<string> & { child: ChildProcess } {
  const running = run(command, [...where, ...args], { maxBuffer: 1 << 24 });
  return Object.assign(
    running.then(({ stdout }) => stdout),
    { child: running.child },
  );
}

/** Runs a command in a pod and gives its exit code and output. */
async function exec(pod: string, ...args: string[]): Promise<{ code: number; output: string }> {
  try {
    return { code: 0, output: await kubectl('exec', pod, '--', ...args) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly status: {
      readonly podIP?: string;
      readonly containerStatuses?: readonly { readonly ready: boolean; readonly restartCount: number }[];
    };
  }[];
}

async function podsOf(app: string): Promise<Pod[]> {
  const { items } = JSON.parse(await kubectl('get', 'pods', '-l', `app=${app}`, '-o', 'json')) as PodList;
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata, status }) => {
      const container = status.containerStatuses?.[0];
      return {
        name: metadata.name,
        ip: status.podIP ?? '',
        ready: container?.ready ?? false,
        restarts: container?.restartCount ?? 0,
      };
    });
}

/** Gives one pod of the workload to try things on, and the others to compare it with. */
async function victimOf(
  app: string,
): Promise<{ victim: Pod; now: () => Promise<{ victim: Pod; others: Pod[] }> }> {
  const [chosen] = await podsOf(app);
  if (chosen === undefined) {
    throw new Error(`${app} has no pods`);
  }
  const now = async (): Promise<{ victim: Pod; others: Pod[] }> => {
    const pods = await podsOf(app);
    return {
      victim: pods.find(({ name }) => name === chosen.name) ?? chosen,
      others: pods.filter(({ name }) => name !== chosen.name),
    };
  };
  return { victim: chosen, now };
}

/** The addresses to which a Service sends traffic. */
async function serving(service: string): Promise<string[]> {
  const slices = JSON.parse(
    await kubectl('get', 'endpointslices', '-l', `kubernetes.io/service-name=${service}`, '-o', 'json'),
  );
  const endpoints = slices.items.flatMap(
    (slice: { endpoints?: { addresses: string[]; conditions: { ready: boolean } }[] }) =>
      slice.endpoints ?? [],
  );
  return endpoints
    .filter((endpoint: { conditions: { ready: boolean } }) => endpoint.conditions.ready)
    .flatMap((endpoint: { addresses: string[] }) => endpoint.addresses);
}

async function eventually(what: string, holds: () => Promise<boolean>, limitSeconds = 120): Promise<void> {
  const end = performance.now() + limitSeconds * 1000;
  while (!(await holds())) {
    if (performance.now() > end) {
      throw new Error(`not within ${limitSeconds} s: ${what}`);
    }
    await sleep(500);
  }
}

/** Workloads, and the example each is made from; three stories of one example need three workloads. */
const workloads = {
  'liveness-readiness': 'liveness-readiness',
  'readiness-only': 'liveness-readiness',
  rolling: 'liveness-readiness',
  tcp: 'tcp',
  grpc: 'grpc',
  'worker-heartbeat': 'worker-heartbeat',
  'worker-socket': 'worker-socket',
};

async function apply(manifest: string): Promise<void> {
  const applying = kubectl('apply', '--filename', '-');
  applying.child.stdin?.end(manifest);
  await applying;
}

function workloadOf(name: string, example: string): string {
  const items = manifests(`${example}/workload.yaml`).map(patiently);
  // The image keeps its name.
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items }).replaceAll(
    new RegExp(`(?<!examples/)${example}`, 'g'),
    name,
  );
}

/** Programs in its pods may take longer; everything else is as in the example. */
function patiently(object: Json): Json {
  for (const container of object.spec?.template?.spec?.containers ?? []) {
    container.env = [...(container.env ?? []), ...PATIENT];
    for (const probe of [container.livenessProbe, container.readinessProbe]) {
      if (probe?.exec) {
        probe.timeoutSeconds = PATIENT_SECONDS;
      }
    }
  }
  return object;
}

/** Requests come from a pod of its own: in an example's they would use up the memory and the processor time that its probes need. */
const visitor = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'visitor' },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [
      {
        name: 'visitor',
        image: 'postcheck.local/examples/worker-socket:1',
        imagePullPolicy: 'IfNotPresent',
        command: ['sleep', '3600'],
        resources: { requests: { cpu: '100m' } },
      },
    ],
  },
});

beforeAll(async () => {
  if (context === undefined) {
    const archive = execFileSync(join(repository, 'examples/images.sh'), { encoding: 'utf8' }).trim();
    execFileSync(join(repository, 'test/cluster/cluster.sh'), ['load', archive], { stdio: 'pipe' });
  }
  await kubectl('create', 'namespace', namespace);
  await Promise.all(
    [...Object.entries(workloads).map(([name, example]) => workloadOf(name, example)), visitor].map(apply),
  );
  await kubectl('wait', 'deployment', '--all', '--for=condition=Available', '--timeout=120s');
  await kubectl('wait', 'pod/visitor', '--for=condition=Ready', '--timeout=60s');
});
afterAll(async () => {
  await kubectl('delete', 'namespace', namespace, '--wait=false');
});

test.concurrent('a lost liveness flag restarts that one container, which heals itself', async () => {
  const { victim, now } = await victimOf('liveness-readiness');
  await exec(victim.name, 'rm', '/run/app/live');
  await eventually('one restart', async () => (await now()).victim.restarts === 1);
  await eventually('ready again', async () => (await now()).victim.ready);
  // Long enough for three more looks of the liveness probe.
  await sleep(17_000);
  const { victim: healed, others } = await now();
  expect(healed).toMatchObject({ restarts: 1, ready: true });
  expect(others.map(({ restarts }) => restarts)).toEqual([0, 0]);
});

test.concurrent('lost readiness takes the pod out of its Service without a restart, until it comes back', async () => {
  const { victim, now } = await victimOf('readiness-only');
  expect(await serving('readiness-only')).toContain(victim.ip);
  await exec(victim.name, 'rm', '/run/app/ready');
  await eventually('its address leaves', async () => !(await serving('readiness-only')).includes(victim.ip));
  expect(await serving('readiness-only')).toHaveLength(2);
  expect((await now()).victim).toMatchObject({ restarts: 0, ready: false });

  await exec(victim.name, 'touch', '/run/app/ready');
  await eventually('its address is back', async () => (await serving('readiness-only')).includes(victim.ip));
  expect((await now()).victim).toMatchObject({ restarts: 0, ready: true });
});

test.concurrent('a rolling update under traffic loses no request: not ready first, then drained', async () => {
  const address = JSON.parse(await kubectl('get', 'service', 'rolling', '-o', 'json')).spec.clusterIP;
  // One new connection after the other, as many as fit, until version 2 has answered alone for 8 s. The first pages come before anything changes.
  const script = `
    const seen = { failures: [], pages: 0, lastOld: 0 };
    async function ask() {
      try {
        const page = await (await fetch('http://${address}/', { headers: { connection: 'close' } })).text();
        seen.pages += 1;
        if (!page.includes('version 2')) seen.lastOld = Date.now();
      } catch (error) { seen.failures.push(String(error.cause ?? error)); }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    while (seen.pages < 20) await ask();
    console.log('begun');
    while (Date.now() - seen.lastOld < 8000) await ask();
    console.log(JSON.stringify(seen));`;
  const traffic = kubectl('exec', 'visitor', '--', 'node', '--input-type=module', '--eval', script);
  await Promise.race([once(traffic.child.stdout as Readable, 'data'), traffic]);
  await kubectl('set', 'image', 'deployment/rolling', 'app=postcheck.local/examples/liveness-readiness:2');
  await kubectl('rollout', 'status', 'deployment/rolling', '--timeout=90s');
  const { pages, failures } = JSON.parse((await traffic).split('\n')[1] ?? '');
  expect(failures).toEqual([]);
  expect(pages).toBeGreaterThan(100);
});

test.concurrent('a TCP server is ready once it listens, and its probes do not hurt it', async () => {
  expect(await serving('tcp')).toHaveLength(2);
  await sleep(10_000);
  expect((await podsOf('tcp')).map(({ ready, restarts }) => ({ ready, restarts }))).toEqual([
    { ready: true, restarts: 0 },
    { ready: true, restarts: 0 },
  ]);
});

test.concurrent('kubelet follows what a gRPC server says about itself', async () => {
  const { victim, now } = await victimOf('grpc');
  await exec(victim.name, 'kill', '-USR2', '1');
  await eventually('its address leaves', async () => !(await serving('grpc')).includes(victim.ip));
  await exec(victim.name, 'kill', '-USR2', '1');
  await eventually('its address is back', async () => (await serving('grpc')).includes(victim.ip));
  expect((await now()).victim.restarts).toBe(0);
});

test.concurrent('a worker whose work hangs is found by its heartbeat, although its process lives, and is restarted', async () => {
  const { victim, now } = await victimOf('worker-heartbeat');
  await eventually('the readiness script finds it ready', async () => {
    const { code, output } = await exec(victim.name, '/usr/bin/readiness_probe.sh');
    return code === 0 && output.includes('stage=ready code=0');
  });
  await exec(victim.name, 'kill', '-USR2', '1');
  await eventually(
    'the readiness script says so',
    async () => (await exec(victim.name, '/usr/bin/readiness_probe.sh')).code === 106,
  );
  await eventually('one restart', async () => (await now()).victim.restarts === 1);
  await eventually('ready again', async () => (await now()).victim.ready);
  expect((await now()).others.map(({ restarts }) => restarts)).toEqual([0]);
});

test.concurrent("a worker's own code comes through the readiness script; it is not ready, and not restarted", async () => {
  const { victim, now } = await victimOf('worker-socket');
  await eventually('0', async () => (await exec(victim.name, '/usr/bin/readiness_probe.sh')).code === 0);
  await exec(victim.name, 'kill', '-USR2', '1');
  await eventually('17', async () => (await exec(victim.name, '/usr/bin/readiness_probe.sh')).code === 17);
  await eventually('not ready', async () => !(await now()).victim.ready);
  // Three looks of the liveness probe.
  await sleep(30_000);
  expect((await now()).victim).toMatchObject({ restarts: 0, ready: false });
  await exec(victim.name, 'kill', '-USR2', '1');
  await eventually('ready again', async () => (await now()).victim.ready);
});
