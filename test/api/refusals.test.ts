/** What a real API server says of pods that it refuses: of which refusals pods of any version would meet, and which are about the image. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isRefusal } from '../../src/core/workload/refusal.ts';
import { decodeWorkload } from '../../src/kube/objects/decode-workload.ts';
import { type ApiServer, eventually, type KubeObject, startApiServer } from './api-server.ts';

let api: ApiServer;
beforeAll(() => {
  api = startApiServer();
}, 120_000);
afterAll(() => api.stop());

const QUOTED = 'exceeded quota: small, requested: pods=1';
/** Denies one image, in words of the API server. */
const POLICY = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'images' },
  spec: {
    matchConstraints: {
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
    validations: [
      {
        expression: "object.spec.containers.all(c, c.image != 'denied')",
        message: `pods "web" is forbidden: ${QUOTED}`,
      },
    ],
  },
};
const BINDING = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: { name: 'images' },
  spec: { policyName: 'images', validationActions: ['Deny'] },
};

const apply = (object: KubeObject): string => api.kubectl(['apply', '-f', '-'], JSON.stringify(object));

const quota = (hard: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'small' },
  spec: { hard },
});
const limits = (limit: Readonly<Record<string, unknown>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'small' },
  spec: { limits: [{ type: 'Container', ...limit }] },
});

interface Situation {
  /** What is in its namespace. */
  readonly beside?: KubeObject;
  readonly labels?: Readonly<Record<string, string>>;
  readonly pod?: Readonly<Record<string, unknown>>;
  readonly container?: Readonly<Record<string, unknown>>;
}

/** Why the API server refuses the pods of a Deployment, in the words that its status has. */
async function refused(
  namespace: string,
  { beside, labels = {}, pod, container }: Situation,
): Promise<string> {
  apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
  if (beside) {
    apply({ ...beside, metadata: { ...beside.metadata, namespace } });
  }
  if (beside?.kind === 'ResourceQuota') {
    await eventually(
      () => api.kubectl(['get', 'quota', 'small', '-n', namespace, '-o', 'jsonpath={.status.hard}']) !== '',
    );
  }
  const app = { app: 'web' };
  const containers = [{ name: 'web', image: 'web', ...container }];
  apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace },
    spec: {
      selector: { matchLabels: app },
      template: { metadata: { labels: app }, spec: { containers, ...pod } },
    },
  });
  return eventually(
    () =>
      decodeWorkload('Deployment', api.json(['get', 'deployment', 'web', '-n', namespace])).replicaFailure,
  );
}

const SITUATIONS: readonly (readonly [string, string, Situation])[] = [
  ['an exceeded quota', 'exceeded quota: small', { beside: quota({ pods: '0' }) }],
  ['a quota on what the pod does not set', 'failed quota: small', { beside: quota({ 'limits.cpu': '1' }) }],
  [
    'a limit range',
    'maximum cpu usage per Container is 1',
    { beside: limits({ max: { cpu: '1' } }), container: { resources: { limits: { cpu: '2' } } } },
  ],
  [
    'a limit range in several ways',
    '[m',
    {
      beside: limits({ min: { cpu: '1', memory: '1Gi' } }),
      container: { resources: { requests: { cpu: '1m', memory: '1Mi' } } },
    },
  ],
  [
    'the ratio of a limit range',
    'cpu max limit to request ratio per Container',
    {
      beside: limits({ maxLimitRequestRatio: { cpu: '2' } }),
      container: { resources: { requests: { cpu: '1m' }, limits: { cpu: '1' } } },
    },
  ],
  [
    'a default limit below the request',
    'is invalid: spec.containers[0].resources.requests',
    { beside: limits({ default: { cpu: '1' } }), container: { resources: { requests: { cpu: '2' } } } },
  ],
  [
    'Pod Security',
    'violates PodSecurity "restricted',
    { labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  ],
  ['a missing service account', 'error looking up service account', { pod: { serviceAccountName: 'gone' } }],
  [
    'a missing priority class',
    'no PriorityClass with name gone was found',
    { pod: { priorityClassName: 'gone' } },
  ],
  ['a missing runtime class', 'RuntimeClass "gone" not found', { pod: { runtimeClassName: 'gone' } }],
];

test.each(SITUATIONS)(
  '%s says nothing about the version',
  async (_what, words, situation) => {
    const message = await refused(`any-${SITUATIONS.findIndex(([, said]) => said === words)}`, situation);
    expect(message).toContain(words);
    expect(isRefusal(message)).toBe(false);
  },
  60_000,
);

/** A new policy applies a moment later. */
const untilDenied = (image: string): Promise<true> =>
  eventually(() => {
    try {
      api.kubectl(['run', 'web', `--image=${image}`, '--dry-run=server']);
    } catch (error) {
      return String(error).includes(QUOTED) || undefined;
    }
    return undefined;
  });

test('a policy that denies the image does, although it quotes a quota', async () => {
  apply(POLICY);
  apply(BINDING);
  await untilDenied('denied');
  const message = await refused('image', { container: { image: 'denied' } });
  expect(message).toContain(QUOTED);
  expect(isRefusal(message)).toBe(true);
}, 60_000);
