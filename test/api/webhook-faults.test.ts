/** What can be wrong with a webhook, in front of a real API server: pods are created all the same, and certificates come right by themselves. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { PodPatch } from '../../src/api/views.ts';
import { type Cluster, connect } from '../../src/kube/cluster.ts';
import { makeAuthority } from '../../src/kube/webhook/certificate.ts';
import type { CertificateKeeper, Kept } from '../../src/kube/webhook/keeper.ts';
import { authoritiesIn } from '../../src/kube/webhook/rotation.ts';
import { type HttpServer, type KeyPair, serve } from '../../src/telemetry/http.ts';
import { WEBHOOK_LIMITS, webhookRoutes } from '../../src/webhook.ts';
import { ROOT } from '../chart/render.ts';
import { type ApiServer, eventually, startApiServer } from './api-server.ts';
import { PATIENT_SECONDS, SECRET, webhookAt } from './webhook.ts';

jest.setTimeout(120_000);

const GATE = 'postcheck.dev/verified';
const PATCH: PodPatch = [{ op: 'add', path: '/spec/readinessGates', value: [{ conditionType: GATE }] }];
const DAY_MS = 86_400_000;
const NAME = 'postcheck-gate';

let api: ApiServer;
let cluster: Cluster;
let webhook: HttpServer;
let pair: KeyPair;

const keeper = (agoMs = 0): CertificateKeeper =>
  cluster.certificates({
    namespace: 'default',
    secret: SECRET,
    hosts: ['127.0.0.1'],
    now: () => Date.now() - agoMs,
  });

/** Looks until no other replica was quicker, as the operator does. */
async function keep(of = keeper()): Promise<Kept & { ok: true }> {
  for (let tries = 0; tries < 10; tries++) {
    const kept = await of.look();
    if (kept.ok) {
      return kept;
    }
    if (!kept.raced) {
      throw new Error(kept.message);
    }
  }
  throw new Error('raced ten times');
}

/** Keeps certificates and serves with them. */
async function renew(agoMs = 0): Promise<readonly string[]> {
  const kept = await keep(keeper(agoMs));
  pair = kept.pair;
  webhook.reload();
  return kept.did;
}

const pod = () => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'pod',
    namespace: 'shop',
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

/** Creates a pod as a dry run, which must never be refused, and gives its gates. The webhook is served by this very process, which must not wait. */
async function gates(object: object = pod()): Promise<number> {
  const kubectl = promisify(execFile)(join(ROOT, '.cluster/bin/kubectl'), [
    ...['--kubeconfig', api.kubeconfig, 'create', '--dry-run=server', '-f', '-', '-o', 'json'],
  ]);
  kubectl.child.stdin?.end(JSON.stringify(object));
  const { spec } = JSON.parse((await kubectl).stdout);
  return spec.readinessGates?.length ?? 0;
}

/** The API server takes up a changed configuration a moment later; no pod may be refused meanwhile. */
async function untilGates(wanted: number): Promise<void> {
  const deadline = Date.now() + 60_000;
  while ((await gates()) !== wanted) {
    if (Date.now() > deadline) {
      throw new Error(`pods never came with ${wanted} gates`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const secretData = (): Record<string, string> =>
  (
    api.json(['get', 'secret', SECRET, '--namespace', 'default']) as unknown as {
      data: Record<string, string>;
    }
  ).data;
const bundleText = (): string => Buffer.from(secretData()['ca.crt'] ?? '', 'base64').toString();
const told = (): string => {
  const { webhooks } = api.json(['get', 'mutatingwebhookconfiguration', NAME]) as unknown as {
    webhooks: { clientConfig: { caBundle?: string } }[];
  };
  return Buffer.from(webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();
};
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
  cluster = await connect({
    kubeconfig: api.kubeconfig,
    context: undefined,
    namespaces: [],
    identity: 'test',
    gatePolicyName: NAME,
  });
  api.kubectl(['create', 'namespace', 'shop']);
  await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '--namespace', 'shop']));
  pair = (await keep()).pair;
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
    await untilGates(1);
  });

  test('what is well is left alone', async () => {
    expect(await renew()).toEqual([]);
  });

  test('a deleted Secret is made anew, and nothing of before is trusted any more', async () => {
    const before = bundleText();
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    expect(await renew()).toHaveLength(2);
    expect(told()).toBe(bundleText());
    expect(bundleText()).not.toContain(before);
    await untilGates(1);
  });

  test.each(['tls.crt', 'tls.key', 'ca.crt', 'ca.key'])('a garbled %s is made anew', async (field) => {
    patchSecret({ [field]: Buffer.from('garbled').toString('base64') });
    expect(await renew()).not.toEqual([]);
    expect(await renew()).toEqual([]);
    await untilGates(1);
  });

  test('a caBundle that somebody else has written over comes back', async () => {
    const { cert } = makeAuthority({ from: Date.now() - DAY_MS, until: Date.now() + DAY_MS });
    patchConfiguration({ caBundle: Buffer.from(cert).toString('base64') });
    await untilGates(0);
    await renew();
    await untilGates(1);
  });

  test('a leaf that ends soon is renewed, and the old one is trusted meanwhile', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew(61 * DAY_MS);
    await untilGates(1);
    const authority = bundleText();
    const old = pair.cert;
    // Another replica renews it; this one goes on serving what it has.
    expect((await keep()).did).toEqual(['created a certificate for the webhook']);
    expect(bundleText()).toBe(authority);
    expect([pair.cert, await gates()]).toEqual([old, 1]);
    await renew();
    expect(pair.cert).not.toBe(old);
    await untilGates(1);
  });

  test('an authority that ends within a year is joined by another one, and stays trusted', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew((4 * 365 + 1) * DAY_MS);
    const [before] = authoritiesIn(bundleText());
    expect(await renew()).toHaveLength(2);
    const now = authoritiesIn(told()).map(({ fingerprint256 }) => fingerprint256);
    expect(now).toHaveLength(2);
    expect(now[1]).toBe(before?.fingerprint256);
    await untilGates(1);
  });

  test('eight replicas that find nothing at the same time agree', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    const kept = await Promise.all(Array.from({ length: 8 }, () => keep()));
    const served = new Set([...kept.map((one) => one.pair.cert)]);
    expect(served.size).toBe(1);
    expect(told()).toBe(bundleText());
    await renew();
    await untilGates(1);
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
    expect(await keeper().look()).toMatchObject({ ok: false, message: expect.stringContaining('immutable') });
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew();
    await untilGates(1);
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
    await untilGates(1);
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
    await untilGates(0);
  });

  test('is not there', async () => {
    await answering(200, '');
    servers[0]?.close();
    await untilGates(0);
  });

  test('is signed by an authority that the API server was not told', async () => {
    const { cert } = makeAuthority({ from: Date.now() - DAY_MS, until: Date.now() + DAY_MS });
    patchConfiguration({ caBundle: Buffer.from(cert).toString('base64') });
    await untilGates(0);
  });

  test('has a certificate that has expired', async () => {
    api.kubectl(['delete', 'secret', SECRET, '--namespace', 'default']);
    await renew(91 * DAY_MS);
    await untilGates(0);
  });
});

test('an installed webhook is asked only about pods of workloads, and neither in kube-system nor beside the operator', async () => {
  api.kubectl(['create', 'namespace', 'postcheck-system']);
  await eventually(() =>
    api.kubectl(['get', 'serviceaccount', 'default', '--namespace', 'postcheck-system']),
  );
  await eventually(() => api.kubectl(['get', 'serviceaccount', 'default', '--namespace', 'kube-system']));
  const create = (namespace: string, owners: unknown[]) => {
    const { metadata, ...rest } = pod();
    return gates({ ...rest, metadata: { ...metadata, namespace, ownerReferences: owners } });
  };
  const owned = pod().metadata.ownerReferences;
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
