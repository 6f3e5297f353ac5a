/** The operator as a process that serves its webhook, and an API server that is told to call it there. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { execPath } from 'node:process';
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

/** Somebody else leads, for ever: replicas stand by, and answer all the same. */
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
