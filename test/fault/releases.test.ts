/**
 * Two releases that share out the namespaces of one cluster, as the chart installs them: each operator a process with its own account, Lease
 * and gate policy. The API server's audit log says who asked for what.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parse } from 'yaml';
import { type ApiServer, eventually, startApiServer } from '../api/api-server.ts';
import { CHART, helm, ROOT } from '../chart/render.ts';
import { AdminClient, type Json, upstreamOf } from './admin-client.ts';
import { FakeKubelet } from './kubelet.ts';

/** Processes start and upgrades take their time where many others work. */
jest.setTimeout(300_000);
const PATIENCE_MS = 200_000;

interface Release {
  readonly name: string;
  /** Where it is installed. */
  readonly home: string;
  readonly watches: string;
  readonly values: readonly string[];
}

/** What the chart's README asks of a second release. */
const SECOND = ['crd.create=false', 'rbac.aggregateToDefaultRoles=false'];
const SHOP: Release = { name: 'shop-release', home: 'shop-system', watches: 'shop', values: [] };
const BANK: Release = {
  name: 'bank-release',
  home: 'bank-system',
  watches: 'bank',
  values: ['gate.name=bank-gate', ...SECOND],
};
/** The mistake: it watches what another one watches. */
const RIVAL: Release = {
  name: 'rival-release',
  home: 'rival-system',
  watches: 'shop',
  values: ['gate.name=rival-gate', ...SECOND],
};

const image = (tag: string) => `registry.example/web:${tag}`;
const serviceAccount = ({ home, name }: Release) => `system:serviceaccount:${home}:${name}-postcheck`;

let api: ApiServer;
let rest: AdminClient;
let kubelet: FakeKubelet;
const running = new Set<ChildProcess>();

/** One process of a release's operator, and the messages that it has logged. */
interface Operator {
  readonly process: ChildProcess;
  readonly says: (message: string) => boolean;
}

function install({ name, home, watches, values }: Release): void {
  const sets = [`watchNamespaces={${watches}}`, ...values].flatMap((value) => ['--set', value]);
  helm([
    'install',
    name,
    CHART,
    '--namespace',
    home,
    '--create-namespace',
    '--kubeconfig',
    api.kubeconfig,
    ...sets,
  ]);
}

/** A kubeconfig that is nobody but the release's service account. */
function kubeconfigOf({ home, name }: Release): string {
  const config = parse(readFileSync(api.kubeconfig, 'utf8'));
  const token = api.kubectl(['create', 'token', `${name}-postcheck`, '--namespace', home]).trim();
  const path = `${api.kubeconfig}-${name}`;
  const users = config.users.map((user: Json) => ({ name: user.name, user: { token } }));
  writeFileSync(path, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return path;
}

/** Runs what the release's Deployment runs. */
function startOperator(release: Release): Operator {
  const deployment = api.json<Json>([
    'get',
    'deployment',
    `${release.name}-postcheck`,
    '--namespace',
    release.home,
  ]);
  const [{ args }] = deployment.spec.template.spec.containers;
  const flags = [
    ...args,
    '--metrics-bind-address=127.0.0.1:0',
    '--health-probe-bind-address=127.0.0.1:0',
    `--lease-namespace=${release.home}`,
    `--kubeconfig=${kubeconfigOf(release)}`,
  ];
  const child = spawn(execPath, ['src/main.ts', ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  child.on('exit', () => running.delete(child));
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  return { process: child, says: (message) => output.includes(`"msg":"${message}"`) };
}

async function leads(operator: Operator): Promise<void> {
  await eventually(() => operator.says('leading'), PATIENCE_MS);
}

async function end({ process }: Operator, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const ended = once(process, 'exit');
  process.kill(signal);
  await ended;
}

const workloadPath = (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments/web`;
const upgradePath = (namespace: string) =>
  `/apis/postcheck.dev/v1alpha1/namespaces/${namespace}/upgrades/web`;

async function createWorkload(namespace: string): Promise<void> {
  const labels = { app: 'web' };
  const template = {
    metadata: { labels },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: image('v1') }] },
  };
  await rest.create(workloadPath(namespace).replace('/web', ''), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 3, selector: { matchLabels: labels }, template },
  });
}

const specOf = (tag: string) => ({
  targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
  gate: 'Required',
  containers: [{ name: 'web', image: image(tag) }],
  postCheck: { readiness: { maxRestarts: 0 }, checks: [] },
});

const createUpgrade = (namespace: string, tag: string): Promise<Json> =>
  rest.create(upgradePath(namespace).replace('/web', ''), {
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata: { name: 'web' },
    spec: specOf(tag),
  });

const setImage = (namespace: string, tag: string): Promise<Json> =>
  rest.patch(upgradePath(namespace), { spec: { containers: [{ name: 'web', image: image(tag) }] } });

/** Waits until the Upgrade's newest spec has come to this, and returns its status. */
async function ends(namespace: string, phase: string): Promise<Json> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    const { metadata, status } = await rest.get(upgradePath(namespace));
    if (status?.observedGeneration === metadata.generation && status.phase === phase) {
      return status;
    }
    if (Date.now() > until) {
      throw new Error(`${namespace}/web is ${status?.phase}, not ${phase}: ${status?.message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const imageIn = async (namespace: string): Promise<string> =>
  (await rest.get(workloadPath(namespace))).spec.template.spec.containers[0].image;

/** How many gates each pod of the image has. */
const gatesIn = async (namespace: string, tag: string): Promise<number[]> =>
  (await rest.get(`/api/v1/namespaces/${namespace}/pods`)).items
    .filter(({ spec }: Json) => spec.containers[0].image === image(tag))
    .map(({ spec }: Json) => spec.readinessGates?.length ?? 0);

const leaseOf = ({ home, name }: Release): Promise<Json> =>
  rest.get(`/apis/coordination.k8s.io/v1/namespaces/${home}/leases/${name}-postcheck`);

/** What a release's operator has been answered in these namespaces: verb, resource and HTTP status. */
function askedIn(release: Release, namespace: string): string[] {
  return readFileSync(join(dirname(api.kubeconfig), 'audit.log'), 'utf8')
    .split('\n')
    .filter((line) => line.includes(serviceAccount(release)))
    .map((line) => JSON.parse(line) as Json)
    .filter(
      ({ user, objectRef }) =>
        user.username === serviceAccount(release) && objectRef?.namespace === namespace,
    )
    .map(({ verb, objectRef, responseStatus }) => `${verb} ${objectRef.resource} ${responseStatus?.code}`);
}

/** Waits until the log has a later request of the operator, which renews its Lease all the time: all that it has asked before is in it, too. */
async function isLogged(release: Release): Promise<void> {
  const before = askedIn(release, release.home).length;
  await eventually(() => askedIn(release, release.home).length > before + 2, PATIENCE_MS);
}

beforeAll(async () => {
  api = startApiServer();
  rest = new AdminClient(upstreamOf(api.kubeconfig));
  kubelet = new FakeKubelet(rest);
  await kubelet.start();
  for (const namespace of ['shop', 'bank']) {
    api.kubectl(['create', 'namespace', namespace]);
    kubelet.behave(namespace, { [image('bad')]: { start: 'crashes' } });
    await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '-n', namespace]));
    await createWorkload(namespace);
  }
  install(SHOP);
  install(BANK);
}, 900_000);

afterAll(async () => {
  await Promise.all([...running].map((process) => end({ process, says: () => false }, 'SIGKILL')));
  kubelet.stop();
  rest.close();
  api.stop();
});

describe('two releases, each with its own namespaces', () => {
  let shop: Operator;

  beforeAll(async () => {
    shop = startOperator(SHOP);
    const bank = startOperator(BANK);
    await Promise.all([leads(shop), leads(bank)]);
  });

  test('upgrade at the same time, gated, and neither asks for anything in the namespaces of the other', async () => {
    await Promise.all([createUpgrade('shop', 'v2'), createUpgrade('bank', 'v2')]);
    await Promise.all([ends('shop', 'Succeeded'), ends('bank', 'Succeeded')]);
    expect(await Promise.all([gatesIn('shop', 'v2'), gatesIn('bank', 'v2')])).toEqual([
      [1, 1, 1],
      [1, 1, 1],
    ]);
    await Promise.all([isLogged(SHOP), isLogged(BANK)]);
    for (const [own, other] of [
      [SHOP, BANK],
      [BANK, SHOP],
    ] as const) {
      expect(askedIn(own, own.watches)).toContain('patch deployments 200');
      expect(askedIn(own, other.watches)).toEqual([]);
      expect(askedIn(own, other.home)).toEqual([]);
    }
  });

  test('a crash of one, and its takeover, leave the other alone', async () => {
    const standby = startOperator(SHOP);
    await eventually(() => standby.says('started'), PATIENCE_MS);
    const before = await leaseOf(BANK);
    await end(shop, 'SIGKILL');
    await Promise.all([setImage('shop', 'v3'), setImage('bank', 'bad')]);
    await ends('bank', 'FellBack');
    await leads(standby);
    await ends('shop', 'Succeeded');
    expect(await Promise.all([imageIn('shop'), imageIn('bank')])).toEqual([image('v3'), image('v2')]);
    const after = await leaseOf(BANK);
    expect(after.spec).toMatchObject({
      holderIdentity: before.spec.holderIdentity,
      leaseTransitions: before.spec.leaseTransitions,
    });
  });

  test('a third one that watches a namespace of the first by mistake writes nothing twice, and falls back once', async () => {
    install(RIVAL);
    await leads(startOperator(RIVAL));
    const before = await rest.get(workloadPath('shop'));
    await setImage('shop', 'v4');
    await ends('shop', 'Succeeded');
    expect(await gatesIn('shop', 'v4')).toEqual([1, 1, 1]);
    await setImage('shop', 'bad');
    const { history } = await ends('shop', 'FellBack');
    const after = await rest.get(workloadPath('shop'));
    // v4, the bad one, and v4 again: one change of the template each.
    expect(after.metadata.generation - before.metadata.generation).toBe(3);
    expect(await imageIn('shop')).toBe(image('v4'));
    expect(history.map(({ outcome }: Json) => outcome).slice(0, 2)).toEqual(['FellBack', 'Succeeded']);
    await isLogged(RIVAL);
    expect(askedIn(RIVAL, 'shop')).toContain('watch upgrades 200');
  });
});
