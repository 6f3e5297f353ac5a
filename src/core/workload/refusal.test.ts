import { describe, expect, test } from '@jest/globals';
import { NOW, snapshotOf, workloadOf } from '../../../test/support/snapshots.ts';
import { isRefusal, refusalOf } from './refusal.ts';

test.each([
  ['pods "web-x" is forbidden: exceeded quota', true],
  ['Pod "web-x" is invalid: spec', true],
  ['admission webhook "a" denied the request: no', true],
  ['ValidatingAdmissionPolicy "a" denied request: no', true],
  ['pods is forbidden: User "system:serviceaccount:kube-system:replicaset-controller" cannot create', false],
  ['failed calling webhook "a": timed out', false],
  ['pods "web-x" is forbidden: violates PodSecurity "restricted:latest"', true],
  [
    'pods "web-x" is forbidden: error looking up service account shop/web: serviceaccount "web" not found',
    false,
  ],
  ['pods "web-x" is forbidden: status unknown for quota: compute, resources: pods', false],
  ['pods "web-x" is forbidden: not yet ready to handle request', false],
  [
    'pods "web-x" is forbidden: unable to create new content in namespace shop because it is being terminated',
    false,
  ],
  [
    'pods is forbidden: User "system:serviceaccount:kube-system:replicaset-controller" cannot create resource "pods"',
    false,
  ],
  [
    'admission webhook "a" denied the request: failed to verify image: Get "https://r.example/v2/": context deadline exceeded',
    false,
  ],
  [
    'admission webhook "a" denied the request: GET https://r.example/v2/: TOOMANYREQUESTS: too many requests',
    false,
  ],
  [
    'pods "web-x" is forbidden: Post "https://policy.example/": dial tcp 192.0.2.1:443: connect: connection refused',
    false,
  ],
  [
    'pods "web-x" is forbidden: Post "https://policy.example/": dial tcp: lookup policy.example: no such host',
    false,
  ],
  ['etcdserver: request timed out', false],
])('"%s" is about the pod itself: %s', (message, expected) => {
  expect(isRefusal(message)).toBe(expected);
});

describe('why pods cannot be created', () => {
  const told = (since: number | undefined, change: Parameters<typeof snapshotOf>[0] = {}) =>
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
    ['is what an event says', told(NOW - 5000), 'quota'],
    ['also one of the same second, because event times are whole seconds', told(NOW - 1), 'quota'],
    ['is not what one says that is older than the rollout', told(NOW), undefined],
    ['is not what one says before the images are written', told(undefined), undefined],
    ['is what the status says', told(NOW - 5000, { workload: failing }), 'as the status says'],
    ['also before the images are written', told(undefined, { workload: failing }), 'as the status says'],
    ['is not known without an event', told(NOW, { eventsSeen: () => undefined }), undefined],
    ['is not known if no events were read', told(NOW, { eventsSeen: undefined }), undefined],
    ['is not known without a workload', told(NOW - 5000, { workload: undefined }), undefined],
  ])('%s', (_, text, expected) => {
    expect(text).toBe(expected);
  });
});
