/**
 * The gate by webhook as the chart installs it: a Service in front of both replicas, certificates that they made, traffic through a bad and a good upgrade
 * while one replica is killed and a certificate renewed, and the way out. Takes the operator away and puts it back: runs alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Api, type ApiError, type Json, run } from './support/api.ts';
import { expectProtected, expectServing } from './support/expectations.ts';
import { parseMetrics, type Samples } from './support/metrics.ts';
import { OPERATOR_NAMESPACE, Operator, RELEASE } from './support/operator.ts';
import { conditionOf, imageOf, isGated, isReady } from './support/pod-history.ts';
import { Release } from './support/release.ts';
import { scenario } from './support/scenario.ts';
import { GRACEFUL, visit } from './support/visitor.ts';
import { waitFor } from './support/wait.ts';
import { CONTAINER, image, upgrade } from './support/workloads.ts';

jest.setTimeout(300_000);

const PODS = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/pods`;
const SECRET = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets/${RELEASE}-webhook`;
const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const CONFIGURATION = `${CONFIGURATIONS}/${RELEASE}-gate`;
const WEBHOOK_OBJECTS = [
  `role/${RELEASE}-webhook`,
  `service/${RELEASE}-webhook`,
  `clusterrole/${RELEASE}-webhook`,
];
const DAY_SECONDS = 86_400;

const api = new Api();
const operator = new Operator(api);
let release: Release;

beforeAll(() => {
  release = new Release();
});
afterAll(() => release.restore());

const metricsOf = async ({ metadata }: Json): Promise<Samples> =>
  parseMetrics(await api.text(`${PODS}/${metadata.name}:8080/proxy/metrics`));

/** May the operator's account do that? */
function mayDo(...what: string[]): boolean {
  const account = `system:serviceaccount:${OPERATOR_NAMESPACE}:${RELEASE}`;
  try {
    return run('kubectl', ['auth', 'can-i', ...what, '--as', account]).trim() === 'yes';
  } catch {
    // It ends with 1 on a no.
    return false;
  }
}
const maySeeItsSecret = () => mayDo('get', `secrets/${RELEASE}-webhook`, '--namespace', OPERATOR_NAMESPACE);
const webhookObjects = () =>
  run('kubectl', [
    'get',
    '--namespace',
    OPERATOR_NAMESPACE,
    '--ignore-not-found',
    '-o',
    'name',
    ...WEBHOOK_OBJECTS,
  ])
    .split('\n')
    .filter(Boolean);

test('is served by both replicas with certificates of their own making, on rights that are there only with it', async () => {
  expect([webhookObjects(), maySeeItsSecret()]).toEqual([[], false]);

  release.install('--set', 'gate.carrier=Webhook');

  const { webhooks } = await api.get(CONFIGURATION);
  const { data } = await api.get(SECRET);
  expect(webhooks[0].clientConfig).toMatchObject({
    caBundle: data['ca.crt'],
    service: { namespace: OPERATOR_NAMESPACE, name: `${RELEASE}-webhook` },
  });
  expect(webhookObjects()).toHaveLength(WEBHOOK_OBJECTS.length);
  expect(maySeeItsSecret()).toBe(true);
  expect(mayDo('get', 'secrets', '--namespace', OPERATOR_NAMESPACE)).toBe(false);
  expect(run('kubectl', ['get', 'mutatingadmissionpolicybindings', '-o', 'name'])).not.toContain(
    `${RELEASE}-gate`,
  );
  const pods = await operator.pods();
  expect(pods.filter(isReady)).toHaveLength(2);
  for (const pod of pods) {
    const expiration = (await metricsOf(pod)).get(
      'postcheck_webhook_certificate_expiration_timestamp_seconds',
    );
    expect(expiration).toBeGreaterThan(Date.now() / 1000 + 80 * DAY_SECONDS);
    // It answers at its own port: by POST, and this is none.
    const asked = api.text(`${PODS}/https:${pod.metadata.name}:9443/proxy/gate`);
    await expect(asked).rejects.toMatchObject({ status: 405 } satisfies Partial<ApiError>);
  }
});

/** On a busy machine an answer may take longer than the two seconds that the chart gives it; a pod would then come ungated. */
const waitHoweverBusy = () =>
  api.patch(CONFIGURATION, { webhooks: [{ name: 'gate.postcheck.dev', timeoutSeconds: 30 }] }, 'strategic');

/** As if the leaf had come to its end: whoever looks next makes another one. */
const spoilCertificate = () => api.patch(SECRET, { data: { 'tls.crt': '' } });

/** Without a word: nobody hears that it goes, and it can finish nothing. */
const kill = ({ metadata }: Json) =>
  api.remove(`${PODS}/${metadata.name}`, { gracePeriodSeconds: 0, preconditions: { uid: metadata.uid } });

async function standby(): Promise<Json> {
  const leader = await operator.leader();
  const [other] = (await operator.pods()).filter(({ metadata }) => metadata.name !== leader?.metadata.name);
  return other;
}

test(
  'keeps a bad version from a visitor, also while a replica is killed and the certificate renewed',
  scenario('Deployment', 'webhook traffic', async (s) => {
    await waitHoweverBusy();
    await s.deploy('v1', GRACEFUL);
    const visitor = await visit(s);

    await s.create(upgrade('Deployment', 'bad17', { postCheck: { deadlineSeconds: 10 } }));
    await waitFor(
      'a new pod that runs behind its gate',
      async () => s.pods.live,
      (pods) => pods.some((pod) => isGated(pod) && conditionOf(pod, 'ContainersReady')?.status === 'True'),
    );
    const { data: before } = await api.get(SECRET);
    await spoilCertificate();
    await kill(await standby());
    const fellBack = await s.until('FellBack');
    expect(fellBack.attempt.gateCarrier).toBe('Webhook');
    const { data: after } = await waitFor(
      'another certificate, of the same authority',
      () => api.get(SECRET),
      ({ data }) => data['tls.crt'] !== '' && data['tls.crt'] !== before['tls.crt'],
    );
    expect(after['ca.crt']).toBe(before['ca.crt']);
    await waitFor(
      'two replicas',
      () => operator.pods(),
      (pods) => pods.filter(isReady).length === 2,
    );

    // One replica may still serve the certificate of before.
    await s.edit({ containers: [{ name: CONTAINER, image: image('v2') }] });
    const succeeded = await s.until('Succeeded');
    await expectServing(s, 'v2');
    await sleep(2000);
    await visitor.leave();

    expect(succeeded.attempt.gateCarrier).toBe('Webhook');
    expect(s.pods.live.filter((pod) => imageOf(pod) === image('v2') && !isGated(pod))).toEqual([]);
    expect(visitor.failures).toEqual([]);
    expect([...visitor.answers.keys()].sort()).toEqual(['v1', 'v2']);
    expectProtected(s);
    const answered = await Promise.all((await operator.pods()).map(metricsOf));
    const gated = answered.map(
      (samples) => samples.get('postcheck_webhook_requests_total{outcome="gated"}') ?? 0,
    );
    expect(gated.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
  }),
);

test('goes before the operator does, and leaves neither rights nor certificates behind', async () => {
  const ending = new AbortController();
  const seen: { readonly what: string; readonly revision: number }[] = [];
  const follow = async (path: string, what: string, accept: (type: string, object: Json) => boolean) => {
    const { metadata } = await api.get(path);
    api.watch(path, metadata.resourceVersion, ending.signal, (type, object) => {
      if (accept(type, object)) {
        seen.push({ what, revision: Number(object.metadata.resourceVersion) });
      }
    });
  };
  const isOperator = ({ metadata }: Json) => metadata.labels?.['app.kubernetes.io/component'] === 'operator';
  await follow(
    CONFIGURATIONS,
    'webhook',
    (type, { metadata }) => type === 'DELETED' && metadata.name === `${RELEASE}-gate`,
  );
  await follow(
    PODS,
    'replica',
    (type, pod) => type !== 'ERROR' && isOperator(pod) && pod.metadata.deletionTimestamp,
  );

  await release.uninstall();
  const order = await waitFor(
    'webhook and replicas to go',
    async () => seen,
    (all) => ['webhook', 'replica'].every((wanted) => all.some(({ what }) => what === wanted)),
  );
  ending.abort();

  // Revisions count every write to the cluster in one row.
  expect(order.toSorted((a, b) => a.revision - b.revision)[0]?.what).toBe('webhook');
  expect(release.leftovers()).toEqual([]);
  expect(await api.find(SECRET)).toBeUndefined();
});
