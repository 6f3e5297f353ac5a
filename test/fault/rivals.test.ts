/**
 * Others who change the same things in the middle of an attempt, all of them real, on a real API server: an autoscaler, a quota, webhooks that
 * rewrite or refuse, somebody who never stops writing, and who deletes the namespace.
 */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { NEW, OLD } from '../sim/stories.ts';
import type { Json } from './admin-client.ts';
import { Attempt, imageOf, isReady, LIMIT_MS } from './attempt.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { MetricsApi } from './metrics-api.ts';
import { until } from './story-run.ts';

let environment: Environment;
let metrics: MetricsApi;

async function autoscale(attempt: Attempt, cpu: string, replicas: number): Promise<void> {
  metrics.uses(attempt.namespace, cpu);
  await until(async () => (await attempt.workload()).spec.replicas === replicas, LIMIT_MS);
  await attempt.sees(({ counts }) => counts?.desired === replicas);
}

/** Up to six and down to two, while the new pods wait behind their gates. */
async function autoscaled(attempt: Attempt, how: 'good' | 'bad'): Promise<void> {
  await attempt.prepare();
  await attempt.midWay();
  const metric = { name: 'cpu', target: { type: 'AverageValue', averageValue: '100m' } };
  metrics.uses(attempt.namespace, '100m');
  await environment.admin.create(attempt.path('autoscaling/v2', 'horizontalpodautoscalers'), {
    metadata: { name: 'web' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 2,
      maxReplicas: 6,
      metrics: [{ type: 'Resource', resource: metric }],
      behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    },
  });
  await autoscale(attempt, '400m', 6);
  const unverified = (await attempt.pods()).filter((pod) => imageOf(pod) === NEW);
  expect(unverified.filter(isReady)).toEqual([]);
  await autoscale(attempt, '10m', 2);
  attempt.decide(how);
}

interface Hook {
  readonly kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  readonly rule: {
    readonly apiGroups: string[];
    readonly resources: string[];
    readonly operations: string[];
  };
  /** Without it nothing listens where the webhook should be. */
  readonly review?: (request: Json) => Json;
}

/** A webhook of somebody else in the attempt's namespace; returns what takes it away. */
async function hook({ namespace }: Attempt, { kind, rule, review }: Hook): Promise<() => Promise<void>> {
  const { key, cert } = environment.certificates;
  const server = createServer({ key, cert }, async (incoming, outgoing) => {
    const { request } = JSON.parse((await incoming.toArray()).join(''));
    const response = { uid: request.uid, allowed: true, ...review?.(request) };
    outgoing
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  if (!review) {
    server.close();
  }
  const path = `/apis/admissionregistration.k8s.io/v1/${kind.toLowerCase()}s`;
  await environment.admin.create(path, {
    metadata: { name: namespace },
    webhooks: [
      {
        name: 'rivals.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: {
          url: `https://127.0.0.1:${port}/`,
          caBundle: cert.toString('base64'),
        },
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        rules: [{ ...rule, apiVersions: ['v1'] }],
      },
    ],
  });
  return async () => {
    await environment.admin.remove(`${path}/${namespace}`);
    server.closeAllConnections();
    server.close();
  };
}

const MIRROR = 'mirror.example/web:2.0';
const patched = (...patch: Json[]): Json => ({
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
});
/** Names the mirror where the new image is named at this path. */
const mirrored =
  (path: string) =>
  ({ object }: Json): Json => {
    const value = path
      .split('/')
      .slice(1)
      .reduce((inner, key) => inner?.[key], object);
    return value === NEW ? patched({ op: 'replace', path, value: MIRROR }) : {};
  };

const podsOf = async (attempt: Attempt): Promise<string[]> =>
  [...new Set((await attempt.pods()).map(imageOf))].sort();

/** Writes to the workload ten times a second until `signal` ends it; returns how often. */
async function annotate(attempt: Attempt, signal: AbortSignal): Promise<number> {
  let writes = 0;
  while (!signal.aborted) {
    const metadata = { annotations: { 'example.com/note': `${++writes}` } };
    await environment.admin.patch(attempt.workloadPath(), { metadata });
    await rest(100);
  }
  return writes;
}

/** Changes labels and annotations all the time, so that no resource version that anybody has seen is the present one. */
async function writeWithoutPause(path: string, writer: string, signal: AbortSignal): Promise<void> {
  for (let writes = 0; !signal.aborted; writes++) {
    const note = { [`example.com/note-${writer}`]: `${writes}` };
    await environment.admin.patch(path, { metadata: { labels: note, annotations: note } });
  }
}

const RIVALS: Readonly<Record<string, (attempt: Attempt) => Promise<void>>> = {
  'an autoscaler that scales up and down while pods wait behind their gates: a good version stays': async (
    attempt,
  ) => {
    await autoscaled(attempt, 'good');
    await attempt.ends('Succeeded', 2);
  },
  'an autoscaler that scales up and down while pods wait behind their gates: a bad version goes': async (
    attempt,
  ) => {
    await autoscaled(attempt, 'bad');
    const { message } = await attempt.ends('FellBack', 2);
    expect(message).toContain('exited 18 (Bad)');
  },
  'a quota that lets no further pod be made is named, and the attempt ends well once it is gone': async (
    attempt,
  ) => {
    await attempt.prepare();
    await attempt.midWay();
    const quotas = attempt.path('v1', 'resourcequotas');
    await environment.admin.create(quotas, { metadata: { name: 'small' }, spec: { hard: { pods: '3' } } });
    attempt.decide('good');
    await attempt.sees(({ message }) => message.includes('exceeded quota: small'));
    await environment.admin.remove(`${quotas}/small`);
    await attempt.ends('Succeeded', 3);
  },
  'a quota that is used up in the middle of an attempt does not keep a bad version from going': async (
    attempt,
  ) => {
    await attempt.prepare();
    await attempt.midWay();
    await environment.admin.create(attempt.path('v1', 'resourcequotas'), {
      metadata: { name: 'small' },
      spec: { hard: { pods: '3' } },
    });
    attempt.decide('bad');
    await attempt.ends('FellBack', 3);
  },
  'a namespace that is deleted in the middle of an attempt goes': async (attempt) => {
    await attempt.prepare();
    await attempt.midWay();
    const path = `/api/v1/namespaces/${attempt.namespace}`;
    await environment.admin.remove(path);
    await until(async () => (await environment.admin.find(path)) === undefined, LIMIT_MS);
  },
  'a webhook that names a mirror in every pod: the pods are verified, and stay': async (attempt) => {
    const rule = { apiGroups: [''], resources: ['pods'], operations: ['CREATE'] };
    const remove = await hook(attempt, {
      kind: 'MutatingWebhookConfiguration',
      rule,
      review: mirrored('/spec/containers/0/image'),
    });
    attempt.decide('good');
    await attempt.prepare();
    await attempt.ends('Succeeded', 3, { image: MIRROR });
    await remove();
  },
  'a webhook that names a mirror in the workload: that is what is verified, and what was asked for is kept':
    async (attempt) => {
      const rule = { apiGroups: ['apps'], resources: ['deployments'], operations: ['CREATE', 'UPDATE'] };
      const remove = await hook(attempt, {
        kind: 'MutatingWebhookConfiguration',
        rule,
        review: mirrored('/spec/template/spec/containers/0/image'),
      });
      attempt.decide('good');
      await attempt.prepare();
      const { to } = await attempt.ends('Succeeded', 3, { image: MIRROR });
      expect(to).toMatchObject({ images: { web: MIRROR }, requested: { web: NEW } });
      await remove();
    },
  'a webhook that refuses the new image is named in its own words, and the attempt ends well once it is gone':
    async (attempt) => {
      const rule = { apiGroups: ['apps'], resources: ['deployments'], operations: ['UPDATE'] };
      const remove = await hook(attempt, {
        kind: 'ValidatingWebhookConfiguration',
        rule,
        review: ({ object }) =>
          imageOf(object.spec.template) === NEW
            ? { allowed: false, status: { code: 403, message: EXPECTED_ERROR } }
            : {},
      });
      attempt.decide('good');
      await attempt.prepare();
      await attempt.sees(({ message }) => message?.includes(EXPECTED_ERROR));
      expect(await podsOf(attempt)).toEqual([OLD]);
      await remove();
      await attempt.ends('Succeeded', 3);
    },
  'a webhook that is gone keeps a fallback from being written: it is named, and the fallback goes on once it is back':
    async (attempt) => {
      await attempt.prepare();
      await attempt.midWay();
      const rule = { apiGroups: ['apps'], resources: ['deployments'], operations: ['UPDATE'] };
      const remove = await hook(attempt, { kind: 'ValidatingWebhookConfiguration', rule });
      attempt.decide('bad');
      const { conditions } = await attempt.sees(({ message }) => message.includes(UNREACHABLE));
      expect(conditions).toContainEqual(
        expect.objectContaining({ type: 'Stalled', status: 'True', reason: 'Refused' }),
      );
      await remove();
      const { conditions: then } = await attempt.ends('FellBack', 3);
      expect(then.find(({ reason }: Json) => reason === 'Refused')).toBeUndefined();
    },
  'somebody who annotates the Deployment ten times a second: a bad version goes, and nothing of theirs is lost':
    async (attempt) => {
      await attempt.prepare();
      const annotating = new AbortController();
      const writes = annotate(attempt, annotating.signal);
      try {
        await attempt.midWay();
        attempt.decide('bad');
        await attempt.ends('FellBack', 3);
      } finally {
        annotating.abort();
      }
      const written = await writes;
      expect((await attempt.workload()).metadata.annotations['example.com/note']).toBe(`${written}`);
    },
  'somebody who labels the Upgrade and annotates the Deployment without a pause: a bad version goes': async (
    attempt,
  ) => {
    await attempt.prepare();
    await attempt.midWay();
    const writing = new AbortController();
    const writers = [
      ...[1, 2, 3].map((writer) => writeWithoutPause(attempt.upgradePath(), `${writer}`, writing.signal)),
      writeWithoutPause(attempt.workloadPath(), '4', writing.signal),
    ];
    try {
      attempt.decide('bad');
      await attempt.ends('FellBack', 3);
    } finally {
      writing.abort();
      await Promise.all(writers);
    }
  },
};

/** What a webhook says, and so the log. */
const EXPECTED_ERROR = 'images must be signed';
const UNREACHABLE = 'failed calling webhook "rivals.example.com"';
const outcomes = new Map<string, Promise<void>>();

async function play(run: (attempt: Attempt) => Promise<void>): Promise<void> {
  const attempt = new Attempt(environment);
  try {
    await run(attempt);
    const errors = attempt.memory.errors.filter(
      (error) => ![EXPECTED_ERROR, UNREACHABLE].some((expected) => error.includes(expected)),
    );
    expect([...attempt.violations, ...errors]).toEqual([]);
  } finally {
    await attempt.clear();
  }
}

// All at once: most of what they do is to wait.
beforeAll(async () => {
  environment = await startEnvironment();
  metrics = await MetricsApi.start(environment);
  for (const [name, run] of Object.entries(RIVALS)) {
    const outcome = play(run);
    outcome.catch(() => undefined);
    outcomes.set(name, outcome);
  }
}, 900_000);
afterAll(() => {
  metrics.stop();
  environment.stop();
});

test.each(Object.keys(RIVALS))('%s', (name) => outcomes.get(name), 300_000);
