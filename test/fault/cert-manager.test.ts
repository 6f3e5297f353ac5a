/**
 * The webhook's certificates made by cert-manager (`gate.webhook.certManager`): its real controllers beside a real API server, with the objects that
 * the chart renders. There is no kubelet: what it would mount is written to a folder here, now and then later than the Secret changes.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import type { PodPatch } from '../../src/api/views.ts';
import type { Cluster } from '../../src/kube/cluster.ts';
import { type HttpServer, type KeyPair, serve } from '../../src/telemetry/http.ts';
import { WEBHOOK_LIMITS, webhookRoutes } from '../../src/webhook.ts';
import {
  type ApiServer,
  createNamespaces,
  eventually,
  type KubeObject,
  startApiServer,
} from '../api/api-server.ts';
import { connectTo } from '../api/connect.ts';
import {
  caBundleOf,
  freePort,
  gatesOf,
  PATIENT_SECONDS,
  podOfStatefulSet,
  reconcileCertificates,
  untilGates,
} from '../api/webhook.ts';
import { ROOT, renderChart } from '../chart/render.ts';

jest.setTimeout(120_000);

const SYSTEM = 'postcheck-system';
const NAME = 'postcheck-webhook';
const GATE: PodPatch = [
  { op: 'add', path: '/spec/readinessGates', value: [{ conditionType: 'postcheck.dev/verified' }] },
];

let api: ApiServer;
let cluster: Cluster;
let certManager: ChildProcess;
let webhook: HttpServer | undefined;
let served: KeyPair;

const crds = () =>
  execFileSync('go', ['list', '-m', '-f', '{{.Dir}}/deploy/crds', 'github.com/cert-manager/cert-manager'], {
    cwd: join(ROOT, 'test/cluster/cert-manager'),
    encoding: 'utf8',
  }).trim();

/** What cert-manager has made. */
function secret(name: string): Record<'tls.crt' | 'tls.key' | 'ca.crt', string> {
  const { data } = api.json<{ data: Record<string, string> }>(['get', 'secret', name, '-n', SYSTEM]);
  const plain = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  return { 'tls.crt': plain('tls.crt'), 'tls.key': plain('tls.key'), 'ca.crt': plain('ca.crt') };
}
const serialOf = (name: string): string => new X509Certificate(secret(name)['tls.crt']).serialNumber;

/** Serves what the Secret has now, as replicas do once the kubelet has brought it to them. */
function take(): void {
  const { 'tls.crt': cert, 'tls.key': key } = secret(NAME);
  served = { cert, key };
  webhook?.reload();
}

const trusted = (): string => caBundleOf(api);

/** As the operator does where cert-manager is not asked: makes right what is not. */
const keep = () =>
  reconcileCertificates(cluster.certificates({ namespace: SYSTEM, secret: NAME, hosts: ['127.0.0.1'] }));

/** As `cmctl renew` asks for it. */
async function renew(name: string): Promise<void> {
  const before = serialOf(name);
  const condition = {
    type: 'Issuing',
    status: 'True',
    reason: 'ManuallyTriggered',
    message: 'asked for by a test',
    lastTransitionTime: new Date().toISOString(),
  };
  const { status } = api.json<{ status: { conditions: { type: string }[] } }>([
    'get',
    'certificate',
    name,
    '-n',
    SYSTEM,
  ]);
  const conditions = [...status.conditions.filter(({ type }) => type !== 'Issuing'), condition];
  api.kubectl([
    ...['patch', 'certificate', name, '-n', SYSTEM, '--subresource=status', '--type=merge'],
    ...['--patch', JSON.stringify({ status: { conditions } })],
  ]);
  await eventually(() => serialOf(name) !== before, 60_000);
}

const gates = (): Promise<number> => gatesOf(api, podOfStatefulSet('shop'));

/** The chart's objects for it; called at an address of this machine instead of its Service. */
function objects(port: number): KubeObject[] {
  const rendered = renderChart(['--set', 'gate.carrier=Webhook,gate.webhook.certManager.enabled=true']);
  return rendered.flatMap((object) => {
    if (object.kind === 'MutatingWebhookConfiguration') {
      const webhooks = (object['webhooks'] as object[]).map((one) => ({
        ...one,
        clientConfig: { url: `https://127.0.0.1:${port}/gate` },
        timeoutSeconds: PATIENT_SECONDS,
      }));
      return [{ ...object, webhooks }];
    }
    if (object.kind === 'Certificate' && object.metadata.name === NAME) {
      return [{ ...object, spec: { ...(object['spec'] as object), ipAddresses: ['127.0.0.1'] } }];
    }
    return ['Certificate', 'Issuer'].includes(object.kind) ? [object] : [];
  });
}

beforeAll(async () => {
  execFileSync(join(ROOT, 'test/cluster/build-tools.sh'), ['cert-manager'], { stdio: 'inherit' });
  api = startApiServer();
  cluster = await connectTo(api);
  api.kubectl(['apply', '--server-side', '-f', crds()]);
  await createNamespaces(api, SYSTEM, 'shop');
  api.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s']);
  certManager = spawn(join(ROOT, '.cluster/bin/cert-manager'), ['--kubeconfig', api.kubeconfig], {
    stdio: 'ignore',
  });
}, 900_000);

afterAll(async () => {
  await webhook?.close(0);
  await cluster?.close();
  if (certManager?.exitCode === null) {
    certManager.kill('SIGTERM');
    await once(certManager, 'exit');
  }
  api?.stop();
});

test('the chart’s objects take the operator’s Secret over, the API server trusts what comes of it, and cert-manager warns of nothing', async () => {
  const before = await keep();
  const port = await freePort();
  for (const object of objects(port)) {
    api.kubectl(['create', '-f', '-'], JSON.stringify(object));
  }
  await eventually(() => ![before.pair.cert, ''].includes(secret(NAME)['tls.crt']), 60_000);
  take();
  webhook = await serve(
    { host: '127.0.0.1', port },
    webhookRoutes(() => GATE),
    () => served,
    WEBHOOK_LIMITS,
  );
  await eventually(() => trusted() === secret(NAME)['ca.crt'], 60_000);
  await untilGates(1, gates);
  const { items } = api.json<{ items: { type: string; reason: string }[] }>(['get', 'events', '-n', SYSTEM]);
  expect(items.filter(({ type, reason }) => type === 'Warning' && reason === 'BadConfig')).toEqual([]);
});

test('a renewed certificate is trusted, and so is the one before while replicas still serve it', async () => {
  const authority = trusted();
  await renew(NAME);
  expect(secret(NAME)['tls.crt']).not.toBe(served.cert);
  expect(secret(NAME)['ca.crt']).toBe(authority);
  expect([trusted(), await gates()]).toEqual([authority, 1]);
  take();
  await untilGates(1, gates);
});

test('a renewed authority keeps its key: what was signed before it is trusted, and what is signed after it', async () => {
  const authority = trusted();
  await renew(`${NAME}-ca`);
  await renew(NAME);
  expect(secret(NAME)['ca.crt']).not.toBe(authority);
  // Newer versions keep the one before beside it.
  await eventually(() => trusted().includes(secret(NAME)['ca.crt'].trim()), 60_000);
  // The certificate of before is still served.
  expect(secret(NAME)['tls.crt']).not.toBe(served.cert);
  await untilGates(1, gates);
  take();
  await untilGates(1, gates);
});

test('the operator takes the Secret back when cert-manager is not wanted any more', async () => {
  api.kubectl(['delete', 'certificate,issuer', '--all', '-n', SYSTEM]);
  api.kubectl([
    'annotate',
    'mutatingwebhookconfiguration',
    'postcheck-gate',
    'cert-manager.io/inject-ca-from-',
  ]);
  served = (await keep()).pair;
  webhook?.reload();
  await untilGates(1, gates);
  expect((await keep()).changes).toEqual([]);
});
