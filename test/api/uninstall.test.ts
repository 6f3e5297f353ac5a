/**
 * What the chart's pre-delete hook does, with exactly the rights that the chart gives it: the operator runs an attempt under its own service
 * account, and is then uninstalled in the middle of it. There are no nodes here: the operator and the hook are processes of this machine.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { CHART, helm, ROOT } from '../chart/render.ts';
import { blocksOf } from '../support/pages.ts';
import { type ApiServer, eventually, type KubeObject, startApiServer } from './api-server.ts';

jest.setTimeout(300_000);

const SYSTEM = 'postcheck-system';
const GATE = 'postcheck.dev/verified';

interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec: {
    readonly containers: readonly { readonly image: string }[];
    readonly readinessGates?: readonly object[];
  };
  readonly status: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
    }[];
  };
}

let api: ApiServer;
let operator: ChildProcess | undefined;
const files: string[] = [];

const release = (verb: string, ...args: string[]) =>
  helm([verb, 'postcheck', ...args, '--namespace', SYSTEM, '--kubeconfig', api.kubeconfig]);

/** A kubeconfig that is nobody but this service account. */
function kubeconfigOf(account: string): string {
  const config = parse(readFileSync(api.kubeconfig, 'utf8'));
  const token = api.kubectl(['create', 'token', account, '--namespace', SYSTEM]).trim();
  const path = `${api.kubeconfig}-${account}`;
  writeFileSync(
    path,
    JSON.stringify({
      ...config,
      users: config.users.map(({ name }: { name: string }) => ({ name, user: { token } })),
    }),
  );
  files.push(path);
  return path;
}

const main = (kubeconfig: string, ...args: string[]) => ['src/main.ts', ...args, '--kubeconfig', kubeconfig];

function startOperator(namespaces: readonly string[]): void {
  const flags = [
    `--watch-namespaces=${namespaces.join()}`,
    '--metrics-bind-address=127.0.0.1:0',
    '--health-probe-bind-address=127.0.0.1:0',
    `--lease-namespace=${SYSTEM}`,
    '--lease-name=postcheck',
  ];
  operator = spawn(execPath, main(kubeconfigOf('postcheck'), ...flags), { cwd: ROOT, stdio: 'ignore' });
}

async function stopOperator(): Promise<void> {
  const process = operator;
  operator = undefined;
  if (!process || process.exitCode !== null) {
    return;
  }
  process.kill('SIGTERM');
  await once(process, 'exit');
}

/** The hooks that Helm would run before it deletes the release; all but the Job are applied, and the Job's arguments are given. */
function applyHooks(): readonly string[] {
  const hooks = parseAllDocuments(
    helm(['get', 'hooks', 'postcheck', '--namespace', SYSTEM, '--kubeconfig', api.kubeconfig]),
  )
    .map((document) => document.toJS() as KubeObject)
    .filter(
      ({ metadata }) => (metadata.annotations as Record<string, string>)['helm.sh/hook'] === 'pre-delete',
    );
  for (const hook of hooks.filter(({ kind }) => kind !== 'Job')) {
    api.kubectl(['apply', '-f', '-'], JSON.stringify(hook));
  }
  const job = hooks.find(({ kind }) => kind === 'Job') as unknown as {
    spec: { template: { spec: { containers: { args: string[] }[] } } };
  };
  return job.spec.template.spec.containers[0]!.args;
}

/** Runs what the Job runs, as the service account that it has. */
async function runHook(): Promise<string> {
  const args = applyHooks();
  const { stdout } = await promisify(execFile)(execPath, main(kubeconfigOf('postcheck-uninstall'), ...args), {
    cwd: ROOT,
    timeout: 200_000,
  });
  return stdout;
}

/** What the chart's README says to type. */
const listsClosed = blocksOf(join(CHART, 'README.md')).find(({ text }) =>
  text.startsWith('kubectl get pods -A'),
);
const stillClosed = () =>
  execFileSync('bash', ['-euo', 'pipefail', '-c', listsClosed?.text ?? 'false'], {
    encoding: 'utf8',
    env: {
      ...process.env,
      KUBECONFIG: api.kubeconfig,
      PATH: `${join(ROOT, '.cluster/bin')}:${process.env.PATH}`,
    },
  });

const isGated = (pod: Pod) => (pod.spec.readinessGates ?? []).length > 0;
const verified = (pod: Pod) => pod.status.conditions?.find(({ type }) => type === GATE);
const podsOf = (namespace: string) =>
  api.json<{ items: Pod[] }>(['get', 'pods', '--namespace', namespace, '-l', 'app=web']).items;
const phaseOf = (namespace: string) =>
  api.kubectl(['get', 'upgrade', 'web', '--namespace', namespace, '-o', 'jsonpath={.status.phase}']);

function createWorkload(namespace: string): void {
  const labels = { app: 'web' };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'web', image: 'registry.example/web:1' }] },
  };
  const strategy = { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
  const spec = { replicas: 2, selector: { matchLabels: labels }, strategy, template };
  api.kubectl(
    ['create', '-f', '-'],
    JSON.stringify({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace }, spec }),
  );
}

function createUpgrade(namespace: string): void {
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  // The policy was installed a moment ago and may miss the first pod: with Required another one takes its place.
  const spec = {
    targetRef,
    containers: [{ name: 'web', image: 'registry.example/web:2' }],
    gate: 'Required',
  };
  api.kubectl(
    ['create', '-f', '-'],
    JSON.stringify({
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: 'web', namespace },
      spec,
    }),
  );
}

/** A workload in the middle of an attempt: a new pod is there and its gate is closed. */
async function startAttempt(namespace: string): Promise<void> {
  await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '--namespace', namespace]));
  createWorkload(namespace);
  await eventually(() => podsOf(namespace).length === 2);
  createUpgrade(namespace);
  await eventually(
    () => podsOf(namespace).some((pod) => isGated(pod) && verified(pod)?.status !== 'True'),
    90_000,
  );
}

const partitionOf = (namespace: string): string =>
  api.kubectl([
    'get',
    'statefulset/db',
    '--namespace',
    namespace,
    '-o',
    'jsonpath={.spec.updateStrategy.rollingUpdate.partition}',
  ]);

/** A StatefulSet whose attempt holds it at its first stage: the partition is moved. */
async function startStages(namespace: string): Promise<void> {
  const labels = { app: 'db' };
  const template = {
    metadata: { labels },
    spec: { containers: [{ name: 'db', image: 'registry.example/db:1' }] },
  };
  const updateStrategy = { rollingUpdate: { partition: 1 } };
  const spec = {
    replicas: 3,
    serviceName: 'db',
    selector: { matchLabels: labels },
    updateStrategy,
    template,
  };
  const strategy = { stages: [{ name: 'canary', pods: 1 }] };
  const targetRef = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' };
  for (const object of [
    { apiVersion: 'apps/v1', kind: 'StatefulSet', spec },
    {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      spec: { targetRef, containers: [{ name: 'db', image: 'registry.example/db:2' }], strategy },
    },
  ]) {
    api.kubectl(['create', '-f', '-'], JSON.stringify({ ...object, metadata: { name: 'db', namespace } }));
  }
  await eventually(() => partitionOf(namespace) === '2', 30_000);
}

beforeAll(() => {
  api = startApiServer();
  api.kubectl(['create', 'namespace', SYSTEM]);
}, 900_000);

afterAll(async () => {
  await stopOperator();
  for (const file of files) {
    rmSync(file, { force: true });
  }
  api?.stop();
});

describe.each([
  ['that watches all namespaces', 'everywhere', []],
  ['that watches one namespace', 'shop', ['shop']],
])('an operator %s, uninstalled in the middle of an attempt', (_, namespace, watched) => {
  beforeEach(async () => {
    api.kubectl(['create', 'namespace', namespace]);
    release('install', CHART, '--set-json', `watchNamespaces=${JSON.stringify(watched)}`);
    await eventually(() => api.kubectl(['get', 'deployment/postcheck', '--namespace', SYSTEM]));
  });

  test('leaves the workload as it is, with every gate open, and gates no pod any more', async () => {
    startOperator(watched);
    await startAttempt(namespace);
    await startStages(namespace);
    const before = podsOf(namespace);
    expect(phaseOf(namespace)).toMatch(/Upgrading|PostChecking/);
    // The process stands for the pods that the hook ends by scaling the operator's Deployment to zero.
    await stopOperator();

    expect(stillClosed()).toBe(`${namespace}/${podsOf(namespace).find(isGated)?.metadata.name}\n`);
    const out = await runHook();
    expect(out).toMatch(/restored the partition of 1 StatefulSet$/m);
    expect(partitionOf(namespace)).toBe('1');
    const managers = [
      'get',
      'statefulset/db',
      '--namespace',
      namespace,
      '--show-managed-fields',
      '-o',
      'json',
    ];
    expect(api.kubectl(managers)).not.toContain('"manager": "postcheck"');
    expect(out).toMatch(/removed the finalizer from 2 Upgrades/);
    expect(out).toMatch(/opened 1 closed gate$/m);

    const after = podsOf(namespace);
    expect(after.map(({ metadata }) => metadata.uid).sort()).toEqual(
      before.map(({ metadata }) => metadata.uid).sort(),
    );
    expect(stillClosed()).toBe('');
    expect(after.filter(isGated).map((pod) => verified(pod))).toEqual([
      expect.objectContaining({ status: 'True', reason: 'Uninstalled' }),
    ]);
    expect(
      api.kubectl(['get', 'deployment/postcheck', '--namespace', SYSTEM, '-o', 'jsonpath={.spec.replicas}']),
    ).toBe('0');

    const gone = after.find(isGated)?.metadata.name ?? '';
    api.kubectl(['delete', 'pod', gone, '--namespace', namespace]);
    const replaced = await eventually(() =>
      podsOf(namespace).find(({ metadata }) => !before.some((old) => old.metadata.uid === metadata.uid)),
    );
    expect(replaced.spec.containers[0]?.image).toBe('registry.example/web:2');
    expect(isGated(replaced)).toBe(false);

    // Again, as after a hook that was cut off: nothing is left to do, and nothing fails.
    expect(await runHook()).toMatch(/opened 0 closed gates/);
    release('uninstall', '--no-hooks');
    // Nobody is left who would take a finalizer off.
    api.kubectl(['delete', 'upgrade', 'web', 'db', '--namespace', namespace, '--timeout=10s']);
    expect(
      api.kubectl(['get', 'deployment/web', '--namespace', namespace, '-o', 'jsonpath={.spec.replicas}']),
    ).toBe('2');
  });
});

test('neither the operator nor the hook was refused a request, save nodes to an operator of some namespaces', () => {
  interface Line {
    readonly verb: string;
    readonly requestURI: string;
    readonly user: { readonly username: string };
    readonly responseStatus?: { readonly code: number };
  }
  const text = readFileSync(api.kubeconfig.replace(/kubeconfig$/, 'audit.log'), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  const ours = lines.filter(({ user }) =>
    user.username.startsWith(`system:serviceaccount:${SYSTEM}:postcheck`),
  );
  expect(ours.length).toBeGreaterThan(40);
  const refused = ours.filter(({ responseStatus }) => responseStatus?.code === 403);
  expect(new Set(refused.map(({ verb, requestURI }) => `${verb} ${requestURI.split('?')[0]}`))).toEqual(
    new Set(['watch /api/v1/nodes']),
  );
});

test('a namespace that ends takes the right to work in it along first, and its Upgrade goes all the same', async () => {
  api.kubectl(['create', 'namespace', 'bank']);
  release('install', CHART, '--set-json', 'watchNamespaces=["bank"]');
  startOperator(['bank']);
  await startAttempt('bank');
  const finalizers = [
    'get',
    'upgrade',
    'web',
    '--namespace',
    'bank',
    '-o',
    'jsonpath={.metadata.finalizers}',
  ];
  expect(api.kubectl(finalizers)).toContain('postcheck.dev/fallback');

  // No RoleBinding limits its right to change Upgrades, and a policy does: a moment after it was installed. kubectl reads before it patches.
  createUpgrade('default');
  api.kubectl(['create', 'clusterrole', 'reader', '--verb=get', '--resource=upgrades.postcheck.dev']);
  const account = `${SYSTEM}:postcheck`;
  api.kubectl([
    'create',
    'clusterrolebinding',
    'reader',
    '--clusterrole=reader',
    `--serviceaccount=${account}`,
  ]);
  const patch = (namespace: string) => {
    const flags = [
      '-n',
      namespace,
      '--type=merge',
      '--dry-run=server',
      `--as=system:serviceaccount:${account}`,
    ];
    return api.kubectl(['patch', 'upgrade', 'web', ...flags, '-p', '{"metadata":{"labels":{"a":"b"}}}']);
  };
  await eventually(() => {
    expect(() => patch('default')).toThrow('only in the namespaces that it watches');
    return true;
  });
  expect(patch('bank')).toContain('patched');

  // A namespace's objects are deleted in any order; this is the worst one.
  api.kubectl(['delete', 'rolebinding', 'postcheck-operator', '--namespace', 'bank']);
  api.kubectl(['delete', 'namespace', 'bank', '--wait=false']);
  await eventually(
    () => !api.kubectl(['get', 'namespaces', '-o', 'name']).includes('namespace/bank'),
    90_000,
  );
}, 240_000);
