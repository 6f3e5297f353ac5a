import { describe, expect, test } from '@jest/globals';
import { NOW, snapshotOf, workloadOf } from '../../../test/support/snapshots.ts';
import { isRefusal, refusalOf } from './refusal.ts';

const forbidden = (why: string): string => `pods "web-x" is forbidden: ${why}`;

test.each([
  'Pod "web-x" is invalid: spec.containers[0].image: Invalid value',
  'Pod "web-x" is invalid: [spec.containers[0].resources: Invalid value, spec.volumes[0].image.reference: Invalid value]',
  'admission webhook "a" denied the request: no',
  'ValidatingAdmissionPolicy "a" denied request: no',
  forbidden("ValidatingAdmissionPolicy 'a' with binding 'b' denied request: no"),
  forbidden('image policy webhook backend denied one or more images: no'),
  forbidden('image is not signed'),
])('"%s" is about the version', (message) => {
  expect(isRefusal(message)).toBe(true);
});

const OF_ANY_VERSION = [
  'exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3', // kubernetes#89209
  'failed quota: compute: must specify limits.cpu for: web; limits.memory for: web',
  'status unknown for quota: compute, resources: pods',
  'insufficient quota to consume: requests.nvidia.com/gpu',
  'maximum cpu usage per Container is 16, but request is 17', // zalando-incubator/kubernetes-on-aws#278
  '[minimum memory usage per Container is 256Mi, but request is 64Mi, maximum cpu usage per Pod is 1, but limit is 2]',
  'cpu max limit to request ratio per Container is 10, but provided ratio is 100.000000', // pv-mounter#123
  'violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or container "web" must set it)',
  'unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user]',
  'error looking up service account shop/web: serviceaccount "web" not found',
  'volume with secret.secretName="a" is not allowed because service account web does not reference that secret',
  'no PriorityClass with name high was found',
  'pod rejected: RuntimeClass "gvisor" not found',
  'conflict: runtimeClass.scheduling.nodeSelector[a] = b; pod.spec.nodeSelector[a] = c',
  'pod node label selector conflicts with its namespace node label selector',
  "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>",
  'unable to create new content in namespace shop because it is being terminated',
  'not yet ready to handle request',
];

test.each(OF_ANY_VERSION)('what the API server refuses to pods of any version is not: %s', (why) => {
  expect(isRefusal(forbidden(why))).toBe(false);
  expect(isRefusal(`Error creating: ${forbidden(why)}`)).toBe(false);
  expect(isRefusal(`create Pod web-0 in StatefulSet web failed error: ${forbidden(why)}`)).toBe(false);
  expect(isRefusal(`(combined from similar events): Error creating: ${forbidden(why)}`)).toBe(false);
});

test.each(OF_ANY_VERSION)('but a webhook or a policy that quotes it is: %s', (why) => {
  expect(isRefusal(`admission webhook "a" denied the request: ${why}`)).toBe(true);
  expect(isRefusal(`Error creating: admission webhook "a" denied the request: ${forbidden(why)}`)).toBe(true);
  expect(isRefusal(forbidden(`ValidatingAdmissionPolicy 'a' with binding 'b' denied request: ${why}`))).toBe(
    true,
  );
  expect(isRefusal(forbidden(`image policy webhook backend denied one or more images: ${why}`))).toBe(true);
});

test.each([
  'Pod "web-x" is invalid: spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
  'Failed to create new replica set "web-5d": replicasets.apps "web-5d" is forbidden: exceeded quota: few, requested: count/replicasets.apps=1', // kubernetes#36117
  'create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: persistentvolumeclaims "data-web-0" is forbidden: exceeded quota: few, requested: persistentvolumeclaims=1',
  'pods is forbidden: User "system:serviceaccount:kube-system:replicaset-controller" cannot create resource "pods"',
  'failed calling webhook "a": timed out',
  'admission webhook "a" denied the request: failed to verify image: Get "https://r.example/v2/": context deadline exceeded',
  'admission webhook "a" denied the request: GET https://r.example/v2/: TOOMANYREQUESTS: too many requests',
  forbidden('Post "https://policy.example/": dial tcp 192.0.2.1:443: connect: connection refused'),
  forbidden('Post "https://policy.example/": dial tcp: lookup policy.example: no such host'),
  'etcdserver: request timed out',
])('nor is "%s"', (message) => {
  expect(isRefusal(message)).toBe(false);
});

describe('why pods cannot be created', () => {
  const refusal = (since: number | undefined, change: Parameters<typeof snapshotOf>[0] = {}) =>
    refusalOf(
      snapshotOf({
        eventsSeen: () => ({
          at: NOW,
          warning: { reason: 'FailedCreate', message: 'quota', at: NOW - 1000 },
        }),
        ...change,
      }),
      since,
    );
  const failing = workloadOf({ replicaFailure: 'as the status says' });

  test.each([
    ['is what an event says', refusal(NOW - 5000), 'quota'],
    ['also one of the same second, because event times are whole seconds', refusal(NOW - 1), 'quota'],
    ['is not what one says that is older than the rollout', refusal(NOW), undefined],
    ['is not what one says before the images are written', refusal(undefined), undefined],
    ['is what the status says', refusal(NOW - 5000, { workload: failing }), 'as the status says'],
    ['also before the images are written', refusal(undefined, { workload: failing }), 'as the status says'],
    ['is not known without an event', refusal(NOW, { eventsSeen: () => undefined }), undefined],
    ['is not known if no events were read', refusal(NOW, { eventsSeen: undefined }), undefined],
    ['is not known without a workload', refusal(NOW - 5000, { workload: undefined }), undefined],
  ])('%s', (_, text, expected) => {
    expect(text).toBe(expected);
  });
});
