/** The operator as a process that serves its webhook, and an API server that is configured to call it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import type { CertificateManager, CertificateState } from '../../src/kube/webhook/certificate-manager.ts';
import { renderChart } from '../chart/render.ts';
import { type ApiServer, eventually, installCrd, type KubeObject } from './api-server.ts';

const ROOT = resolve(import.meta.dirname, '../..');
export const SECRET = 'postcheck-webhook';
export const PATIENT_SECONDS = 30;

export interface Replica {
  readonly port: number;
  readonly output: () => string;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === 'object' && address ? address.port : 0;
}

/** The chart's configuration, changed to call a port of this machine, and to wait for it however busy that is. */
export function webhookAt(port: number): KubeObject & { webhooks: Record<string, unknown>[] } {
  const [configuration] = renderChart(['--set', 'gate.carrier=Webhook']).filter(
    ({ kind }) => kind === 'MutatingWebhookConfiguration',
  );
  const object = configuration as KubeObject & { webhooks: Record<string, unknown>[] };
  return {
    ...object,
    webhooks: object.webhooks.map((webhook) => ({
      ...webhook,
      clientConfig: { url: `https://127.0.0.1:${port}/gate` },
      timeoutSeconds: PATIENT_SECONDS,
    })),
  };
}

/** Reconciles until no other replica wrote first, as the operator does. */
export async function reconcileCertificates(
  manager: CertificateManager,
): Promise<CertificateState & { ok: true }> {
  for (let tries = 0; tries < 10; tries++) {
    const state = await manager.reconcile();
    if (state.ok) {
      return state;
    }
    if (!state.raced) {
      throw new Error(state.message);
    }
  }
  throw new Error('raced ten times');
}

/** Returns the certificates in the `caBundle` of the webhook's configuration. */
export function caBundleOf(api: ApiServer): string {
  const path = 'jsonpath={.webhooks[0].clientConfig.caBundle}';
  const encoded = api.kubectl(['get', 'mutatingwebhookconfiguration', 'postcheck-gate', '-o', path]);
  return Buffer.from(encoded, 'base64').toString();
}

/** A pod as the controller of StatefulSet db creates it. */
export const podOfStatefulSet = (namespace: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'db-0',
    namespace,
    ownerReferences: [
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        name: 'db',
        uid: '0aee6794-d55e-4569-97c1-91f81b2bf71f',
        controller: true,
      },
    ],
  },
  spec: { containers: [{ name: 'db', image: 'registry.example/db:2' }] },
});

/** Creates a pod as a dry run, which must never be rejected, and returns the number of its gates. Does not block this process, which may serve the webhook. */
export async function gatesOf(api: ApiServer, pod: object): Promise<number> {
  const kubectl = promisify(execFile)(join(ROOT, '.cluster/bin/kubectl'), [
    ...['--kubeconfig', api.kubeconfig, 'create', '--dry-run=server', '-f', '-', '-o', 'json'],
  ]);
  kubectl.child.stdin?.end(JSON.stringify(pod));
  const { spec } = JSON.parse((await kubectl).stdout);
  return spec.readinessGates?.length ?? 0;
}

/** The API server applies a changed configuration a moment later; no pod may be rejected meanwhile. */
export async function untilGates(wanted: number, gates: () => Promise<number>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await gates()) !== wanted) {
    if (Date.now() > deadline) {
      throw new Error(`pods never came with ${wanted} gates`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Another process holds the lease forever: replicas stand by, and still respond. */
export function holdLease(api: ApiServer): void {
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'postcheck', namespace: 'default' },
    spec: {
      holderIdentity: 'somebody-else',
      leaseDurationSeconds: 86_400,
      acquireTime: new Date().toISOString().replace('Z', '000Z'),
      renewTime: new Date().toISOString().replace('Z', '000Z'),
    },
  };
  api.kubectl(['apply', '-f', '-'], JSON.stringify(lease));
}

export async function startReplica(api: ApiServer, port: number, ...flags: string[]): Promise<Replica> {
  const child: ChildProcess = spawn(
    execPath,
    [
      'src/main.ts',
      `--kubeconfig=${api.kubeconfig}`,
      '--metrics-bind-address=0',
      '--health-probe-bind-address=0',
      `--webhook-bind-address=127.0.0.1:${port}`,
      '--webhook-host=127.0.0.1',
      `--webhook-secret=${SECRET}`,
      ...flags,
    ],
    { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await eventually(() => output.includes('serving the webhook'), 60_000);
  return {
    port,
    output: () => output,
    stop: async (signal = 'SIGKILL') => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill(signal);
        await once(child, 'exit');
      }
    },
  };
}

/** CRD, configuration and one replica that stands by. */
export async function installWebhook(api: ApiServer): Promise<Replica> {
  const port = await freePort();
  holdLease(api);
  await installCrd(api);
  api.kubectl(['create', '-f', '-'], JSON.stringify(webhookAt(port)));
  return startReplica(api, port);
}
