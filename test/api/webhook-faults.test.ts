/** What can be wrong with a webhook, in front of a real API server: pods are created all the same, and certificates come right by themselves. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { PodPatch } from '../../src/api/views.ts';
import type { Cluster } from '../../src/kube/cluster.ts';
import { makeAuthority } from '../../src/kube/webhook/certificate.ts';
import type { CertificateManager } from '../../src/kube/webhook/certificate-manager.ts';
import { authoritiesIn } from '../../src/kube/webhook/rotation.ts';
import { type HttpServer, type KeyPair, serve } from '../../src/telemetry/http.ts';
import { WEBHOOK_LIMITS, webhookRoutes } from '../../src/webhook.ts';
import { type ApiServer, eventually, startApiServer } from './api-server.ts';
import { connectTo } from './connect.ts';
import {
  caBundleOf,
  gatesOf,
  PATIENT_SECONDS,
  podOfStatefulSet,
  reconcileCertificates,
  SECRET,
  untilGates,
  webhookAt,
} from './webhook.ts';

jest.setTimeout(120_000);

const GATE = 'postcheck.dev/verified';
const PATCH: PodPatch = [{ op: 'add', path: '/spec/readinessGates', value: [{ conditionType: GATE }] }];
const DAY_MS = 86_400_000;
const NAME = 'postcheck-gate';

let api: ApiServer;
let cluster: Cluster;
let webhook: HttpServer;
let pair: KeyPair;

const certificateManager = (agoMs = 0): CertificateManager =>
  cluster.certificates({
    namespace: 'default',
    secret: SECRET,
    hosts: ['127.0.0.1'],
    now: () => Date.now() - agoMs,
  });

/** Keeps certificates and serves with them. */
async function renew(agoMs = 0): Promise<readonly string[]> {
  const kept = await reconcileCertificates(certificateManager(agoMs));
  pair = kept.pair;
  webhook.reload();
  return kept.changes;
}

const gates = (pod: object = podOfStatefulSet('shop')): Promise<number> => gatesOf(api, pod);

const secretData = (): Record<string, string> =>
  (
    api.json(['get', 'secret', SECRET, '--namespace', 'default']) as unknown as {
      data: Record<string, string>;
    }
  ).data;
const bundleText = (): string => Buffer.from(secretData()['ca.crt'] ?? '', 'base64').toString();

const patchSecret = (data: Record<string, string | null>) =>
  api.kubectl([
    'patch',
    'secret',
    SECRET,
    '--namespace',
    'default',
    '--type=merge',
    '--patch',
    JSON.stringify({ data }),
  ]);
const patchConfiguration = (clientConfig: Record<string, string | null>, timeoutSeconds = PATIENT_SECONDS) =>
  api.kubectl([
    'patch',
    'mutatingwebhookconfiguration',
    NAME,
    '--patch',
    JSON.stringify({ webhooks: [{ name: 'gate.postcheck.dev', clientConfig, timeoutSeconds }] }),
  ]);

beforeAll(async () => {
  api = startApiServer();
  cluster = await connectTo(api);
  api.kubectl(['create', 'namespace', 'shop']);
  await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '--namespace', 'shop']));
  pair = (await reconcileCertificates(certificateManager())).pair;
  webhook = await serve(
    { host: '127.0.0.1', port: 0 },
    webhookRoutes(() => PATCH),
    () => pair,
    WEBHOOK_LIMITS,
  );
  api.kubectl(['create', '-f', '-'], JSON.stringify(webhookAt(portOf(webhook.address))));
}, 900_000);

afterAll(async () => {
  await webhook?.close(0);
  await cluster?.close();
  api?.stop();
});

const portOf = (address: string): number => Number(address.split(':').at(-1));

describe('certificates', () => {
  test('a webhook that nobody has told the API server about whom to trust counts as absent', async () => {
    expect((await cluster.gateProbe.carrier()).carrier).toBe('None');
    expect(await renew()).toEqual(["wrote the webhook's caBundle"]);
    expect(await cluster.gateProbe.carrier()).toEqual({
      carrier: 'Webhook',
      except: ['kube-system', 'postcheck-system'],
    });
    await untilGates(1, gates);
  });

  test('what is well is left alone', async () => {
    expect(await renew()).toEqual([]);
  });

  test('a deleted Secret is made anew, and nothing of before is trusted any more', async () => {
    const before = bundleText();
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    expect(await renew()).toHaveLength(2);
    expect(caBundleOf(api)).toBe(bundleText());
    expect(bundleText()).not.toContain(before);
    await untilGates(1, gates);
  });

  test.each(['tls.crt', 'tls.key', 'ca.crt', 'ca.key'])('a garbled %s is made anew', async (field) => {
    patchSecret({ [field]: Buffer.from('garbled').toString('base64') });
    expect(await renew()).not.toEqual([]);
    expect(await renew()).toEqual([]);
    await untilGates(1, gates);
  });

  test('a caBundle that somebody else has written over comes back', async () => {
    const { cert } = makeAuthority({ from: Date.now() - DAY_MS, until: Date.now() + DAY_MS });
    patchConfiguration({ caBundle: Buffer.from(cert).toString('base64') });
    await untilGates(0, gates);
    await renew();
    await untilGates(1, gates);
  });

  test('a leaf that ends soon is renewed, and the old one is trusted meanwhile', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew(61 * DAY_MS);
    await untilGates(1, gates);
    const authority = bundleText();
    const old = pair.cert;
    // Another replica renews it; this one goes on serving what it has.
    expect((await reconcileCertificates(certificateManager())).changes).toEqual([
      'created a certificate for the webhook',
    ]);
    expect(bundleText()).toBe(authority);
    expect([pair.cert, await gates()]).toEqual([old, 1]);
    await renew();
    expect(pair.cert).not.toBe(old);
    await untilGates(1, gates);
  });

  test('an authority that ends within a year is joined by another one, and stays trusted', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew((4 * 365 + 1) * DAY_MS);
    const [before] = authoritiesIn(bundleText());
    expect(await renew()).toHaveLength(2);
    const now = authoritiesIn(caBundleOf(api)).map(({ fingerprint256 }) => fingerprint256);
    expect(now).toHaveLength(2);
    expect(now[1]).toBe(before?.fingerprint256);
    await untilGates(1, gates);
  });

  test('eight replicas that find nothing at the same time agree', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    const kept = await Promise.all(
      Array.from({ length: 8 }, () => reconcileCertificates(certificateManager())),
    );
    const served = new Set([...kept.map((one) => one.pair.cert)]);
    expect(served.size).toBe(1);
    expect(caBundleOf(api)).toBe(bundleText());
    await renew();
    await untilGates(1, gates);
  });

  test('a Secret that may not be changed is told, and harms nobody', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: SECRET, namespace: 'default' },
      immutable: true,
    };
    api.kubectl(['create', '-f', '-'], JSON.stringify(object));
    expect(await certificateManager().reconcile()).toMatchObject({
      ok: false,
      message: expect.stringContaining('immutable'),
    });
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew();
    await untilGates(1, gates);
  });
});

describe('a pod is created, ungated, when the webhook', () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    patchConfiguration({ url: `https://${webhook.address}/gate` });
    await renew();
    await untilGates(1, gates);
  });

  /** Answers like this at another port, with a certificate that is trusted. */
  async function answering(status: number, body: string | undefined): Promise<void> {
    const server = createServer({ ...pair }, (request, response) => {
      request.resume();
      if (body !== undefined) {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(body);
      }
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    patchConfiguration({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/gate` }, 2);
  }
  const review = (response: unknown) =>
    JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response });

  test.each<[string, number, string | undefined]>([
    ['answers what is no JSON', 200, 'garbled'],
    ['answers nothing at all', 200, ''],
    ['answers about another pod', 200, review({ uid: 'another', allowed: true })],
    ['fails', 500, 'broken'],
    ['does not know yet', 503, 'the caches are not filled yet'],
    ['never answers', 200, undefined],
  ])('%s', async (_, status, body) => {
    await answering(status, body);
    await untilGates(0, gates);
  });

  test('is not there', async () => {
    await answering(200, '');
    servers[0]?.close();
    await untilGates(0, gates);
  });

  test('is signed by an authority that the API server was not told', async () => {
    const { cert } = makeAuthority({ from: Date.now() - DAY_MS, until: Date.now() + DAY_MS });
    patchConfiguration({ caBundle: Buffer.from(cert).toString('base64') });
    await untilGates(0, gates);
  });

  test('has a certificate that has expired', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew(91 * DAY_MS);
    await untilGates(0, gates);
  });
});

test('an installed webhook is asked only about pods of workloads, and neither in kube-system nor beside the operator', async () => {
  api.kubectl(['create', 'namespace', 'postcheck-system']);
  await eventually(() =>
    api.kubectl(['get', 'serviceaccount', 'default', '--namespace', 'postcheck-system']),
  );
  await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '--namespace', 'kube-system']));
  const create = (namespace: string, owners: unknown[]) => {
    const { metadata, ...rest } = podOfStatefulSet('shop');
    return gates({ ...rest, metadata: { ...metadata, namespace, ownerReferences: owners } });
  };
  const owned = podOfStatefulSet('shop').metadata.ownerReferences;
  const job = owned.map((owner) => ({ ...owner, apiVersion: 'batch/v1', kind: 'Job' }));
  // This one answers with the gate whoever is asked about.
  expect({
    workload: await create('shop', owned),
    job: await create('shop', job),
    bare: await create('shop', []),
    system: await create('kube-system', owned),
    operator: await create('postcheck-system', owned),
  }).toEqual({ workload: 1, job: 0, bare: 0, system: 0, operator: 0 });
});
