/**
 * The operator beside tenants whose requests fill the API server: all workloads with a ServiceAccount share one priority level, and may starve there
 * (kubernetes#95259). Here the requests of a tenant's ServiceAccounts wait for the tenant's own slow webhook, and hold every seat of that level.
 * The operator is a process with the chart's account and permissions.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { renderChart } from '../chart/render.ts';
import { upstreamOf } from '../fault/admin-client.ts';
import { type Certificates, makeCertificates, writeKubeconfig } from '../fault/server.ts';
import { type ApiServer, createNamespaces, eventually, startApiServer, untilServed } from './api-server.ts';

jest.setTimeout(180_000);

const SYSTEM = 'postcheck-system';
const ROBOTS = 8;
/** More than the level has seats, those included that it borrows: the others wait behind them. */
const REQUESTS = 120;

let api: ApiServer;
let certificates: Certificates;
let operator: ChildProcess | undefined;
let webhook: Server;
let agent: Agent;
/** What the tenant's webhook has not answered yet. */
const waiting: (() => void)[] = [];
let flood: Promise<unknown>[] = [];

function apply(...objects: readonly object[]): void {
  for (const object of objects) {
    api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(object));
  }
}
const rendered = (kinds: RegExp) => renderChart().filter(({ kind }) => kinds.test(kind));

beforeAll(async () => {
  api = startApiServer(['--max-requests-inflight=20', '--max-mutating-requests-inflight=10']);
  certificates = makeCertificates();
  await createNamespaces(api, SYSTEM, 'tenant');
  apply(
    ...rendered(/^(CustomResourceDefinition|ServiceAccount|(Cluster)?Role(Binding)?)$/),
    ROBOTS_MAY_CREATE,
  );
  await untilServed(api);
  agent = new Agent({ ...tls(), maxSockets: 2 * REQUESTS });
  webhook = createServer(certificates, admit).listen(0, '127.0.0.1');
  await once(webhook, 'listening');
  apply(slowWebhook((webhook.address() as AddressInfo).port));
});
afterEach(async () => {
  const release = setInterval(() => {
    for (const answer of waiting.splice(0)) {
      answer();
    }
  }, 20);
  await Promise.all(flood.splice(0));
  clearInterval(release);
});
afterAll(async () => {
  operator?.kill('SIGKILL');
  agent.destroy();
  webhook.closeAllConnections();
  webhook.close();
  api.stop();
  certificates.remove();
});

function tls() {
  const { ca, cert, key } = upstreamOf(api.kubeconfig);
  return { ca, cert, key };
}

function startOperator(): ChildProcess {
  const { url, ca } = upstreamOf(api.kubeconfig);
  const token = api.kubectl(['create', 'token', 'postcheck', '-n', SYSTEM]);
  const folder = mkdtempSync(join(tmpdir(), 'postcheck-operator-'));
  writeFileSync(join(folder, 'tls.crt'), ca);
  const kubeconfig = writeKubeconfig({ folder }, Number(url.port), token);
  return spawn(
    execPath,
    [
      'src/main.ts',
      `--kubeconfig=${kubeconfig}`,
      `--lease-namespace=${SYSTEM}`,
      '--metrics-bind-address=127.0.0.1:0',
      '--health-probe-bind-address=127.0.0.1:0',
    ],
    { cwd: resolve(import.meta.dirname, '../..'), stdio: ['ignore', 'ignore', 'inherit'] },
  );
}

async function admit(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
  const { request: review } = (await json(incoming)) as { request: { uid: string } };
  const response = { uid: review.uid, allowed: true };
  waiting.push(() => {
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
  });
}

const slowWebhook = (port: number) => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingWebhookConfiguration',
  metadata: { name: 'slow' },
  webhooks: [
    {
      name: 'slow.tenant.example',
      clientConfig: {
        url: `https://127.0.0.1:${port}/`,
        caBundle: certificates.cert.toString('base64'),
      },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }],
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'tenant' } },
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      failurePolicy: 'Ignore',
      timeoutSeconds: 30,
    },
  ],
});

const ROBOTS_MAY_CREATE = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'robots', namespace: 'tenant' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
  subjects: [{ kind: 'Group', apiGroup: 'rbac.authorization.k8s.io', name: 'system:serviceaccounts:tenant' }],
};

/** One request of a ServiceAccount; returns the headers of the response, once there is one. */
async function requestAs(
  [namespace, account]: Account,
  path: string,
  object?: object,
): Promise<IncomingMessage['headers']> {
  const call = request(new URL(path, upstreamOf(api.kubeconfig).url), {
    agent,
    method: object ? 'POST' : 'GET',
    headers: {
      'content-type': 'application/json',
      'impersonate-user': `system:serviceaccount:${namespace}:${account}`,
      'impersonate-group': [
        'system:serviceaccounts',
        `system:serviceaccounts:${namespace}`,
        'system:authenticated',
      ],
    },
  });
  call.end(object && JSON.stringify(object));
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  response.resume();
  return response.headers;
}

type Account = readonly [namespace: string, name: string];
const OPERATOR: Account = [SYSTEM, 'postcheck'];
const BYSTANDER: Account = ['tenant', 'bystander'];
const LEASE = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/postcheck`;
const PODS = '/api/v1/namespaces/tenant/pods?limit=1';

/** Whether a request gets no response while others that came before get theirs. */
async function isHeldUp(account: Account, path: string): Promise<boolean> {
  const answer = requestAs(account, path);
  flood.push(answer);
  return (await Promise.race([answer, pause(3000, 'none')])) === 'none';
}

/** Returns when the tenant's requests hold every seat of their level. */
async function fillApiServer(): Promise<void> {
  const path = '/api/v1/namespaces/tenant/configmaps';
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'c-' } };
  flood = Array.from({ length: REQUESTS }, (_, index) =>
    requestAs(['tenant', `robot-${index % ROBOTS}`], path, object),
  );
  while (!(await isHeldUp(BYSTANDER, PODS))) {
    await pause(100);
  }
}

test('without its FlowSchemas the operator waits for the tenant', async () => {
  await fillApiServer();
  expect([await isHeldUp(OPERATOR, LEASE), await isHeldUp(OPERATOR, PODS)]).toEqual([true, true]);
});

/** A new FlowSchema applies a moment later. */
async function untilRanked(path: string, level: string): Promise<void> {
  const { uid } = api.json(['get', 'prioritylevelconfiguration', level]).metadata;
  while ((await requestAs(OPERATOR, path))['x-kubernetes-pf-prioritylevel-uid'] !== uid) {
    await pause(100);
  }
}

test('with them it upgrades a workload although the tenant holds all seats', async () => {
  apply(...rendered(/^FlowSchema$/));
  await untilRanked(LEASE, 'leader-election');
  await untilRanked(PODS, 'workload-high');
  operator = startOperator();
  await eventually(() => api.kubectl(['get', 'lease', 'postcheck', '-n', SYSTEM]), 60_000);
  await fillApiServer();
  apply(DEPLOYMENT, UPGRADE);
  const image = 'jsonpath={.spec.template.spec.containers[0].image}';
  await eventually(
    () => api.kubectl(['get', 'deployment', 'web', '-n', 'tenant', '-o', image]) === 'web:2',
    60_000,
  );
  expect(await isHeldUp(BYSTANDER, PODS)).toBe(true);
});

const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'tenant' },
  spec: {
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'web:1' }] },
    },
  },
};
const UPGRADE = {
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name: 'web', namespace: 'tenant' },
  spec: { targetRef: { kind: 'Deployment', name: 'web' }, containers: [{ name: 'web', image: 'web:2' }] },
};
