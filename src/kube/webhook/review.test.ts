import { describe, expect, test } from '@jest/globals';
import type { NewPod, PodPatch } from '../../api/views.ts';
import { answerReview, readReview } from './review.ts';

const REQUEST = {
  uid: 'e5f1',
  kind: { group: '', version: 'v1', kind: 'Pod' },
  resource: { group: '', version: 'v1', resource: 'pods' },
  namespace: 'shop',
  operation: 'CREATE',
  dryRun: false,
  object: {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: 'web-6d5f-',
      labels: { 'pod-template-hash': '6d5f', __proto__: 'x' },
      ownerReferences: [
        { apiVersion: 'v1', kind: 'Node', name: 'other', uid: '1' },
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-6d5f', uid: '2', controller: true },
      ],
    },
    spec: {
      containers: [{ name: 'web', image: 'web:2' }],
      initContainers: [{ name: 'setup', image: 'setup:1' }],
      readinessGates: [{ conditionType: 'example.com/lb' }],
    },
  },
};
const review = (changes: object = {}, whole: object = {}) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: { ...REQUEST, ...changes },
    ...whole,
  });

describe('a review', () => {
  test('is read to what the rule needs of the pod', () => {
    expect(readReview(review())).toEqual({
      uid: 'e5f1',
      pod: {
        namespace: 'shop',
        owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-6d5f' },
        templateHash: '6d5f',
        containers: [
          { name: 'web', image: 'web:2' },
          { name: 'setup', image: 'setup:1' },
        ],
        gates: ['example.com/lb'],
      } satisfies NewPod,
    });
  });

  test.each<[string, unknown]>([
    ['nothing in the pod', { kind: 'Pod' }],
    [
      'nonsense in every field',
      { kind: 'Pod', metadata: [], spec: { containers: { a: 1 }, readinessGates: 7 } },
    ],
    [
      'null in the lists',
      { kind: 'Pod', metadata: { ownerReferences: [null] }, spec: { containers: [null] } },
    ],
  ])('with %s is a pod that belongs to nobody', (_, object) => {
    expect(readReview(review({ object }))).toMatchObject({ pod: { owner: undefined, templateHash: '' } });
  });

  test.each<[string, string]>([
    ['no JSON', 'garbled'],
    ['no object', '[]'],
    ['another version of the review', review({}, { apiVersion: 'admission.k8s.io/v1beta1' })],
    ['another kind', review({}, { kind: 'Pod' })],
    ['no request', review({}, { request: undefined })],
    ['no UID', review({ uid: '' })],
    ['a UID without end', review({ uid: 'x'.repeat(129) })],
    ['an update', review({ operation: 'UPDATE' })],
    ['a subresource', review({ subResource: 'ephemeralcontainers' })],
    ['no namespace', review({ namespace: undefined })],
    ['another resource', review({ kind: { group: 'apps', version: 'v1', kind: 'Deployment' } })],
    ['no object in it', review({ object: null })],
  ])('of %s is refused as a bad request', (_, body) => {
    expect(answerReview(body, () => [])).toMatchObject({ outcome: 'invalid', status: 400 });
  });
});

describe('the answer', () => {
  const patch: PodPatch = [{ op: 'add', path: '/spec/readinessGates/-', value: { conditionType: 'x' } }];
  const answered = (made: PodPatch | undefined) => answerReview(review(), () => made);

  test('names the request, allows it, and has the patch', () => {
    const { outcome, status, body } = answered(patch);
    const { response } = JSON.parse(body);
    expect([outcome, status, response.uid, response.allowed, response.patchType]).toEqual([
      'gated',
      200,
      'e5f1',
      true,
      'JSONPatch',
    ]);
    expect(JSON.parse(Buffer.from(response.patch, 'base64').toString())).toEqual(patch);
  });

  test('has no patch when there is nothing to change', () => {
    const { outcome, body } = answered([]);
    expect([outcome, JSON.parse(body).response]).toEqual(['ungated', { uid: 'e5f1', allowed: true }]);
  });

  test('is an error while the caches are not filled, which the API server passes over', () => {
    expect(answered(undefined)).toMatchObject({ outcome: 'not_ready', status: 503 });
  });
});
