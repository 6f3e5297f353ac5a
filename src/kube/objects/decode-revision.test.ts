import { describe, expect, test } from '@jest/globals';
import { MOST_VALUES } from '../../api/views.ts';
import { decodeControllerRevision, decodeReplicaSet, keepsRevision } from './decode-revision.ts';
import { decodeNode, decodeUpgrade } from './decode-upgrade.ts';
import { templateDigest } from './digest.ts';

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'w:1' }] },
};
const owner = (kind: string): object[] => [
  { apiVersion: 'apps/v1', kind, name: 'web', uid: 'd1', controller: true },
];

test('a ReplicaSet has the digest of the Deployment template it was made from', () => {
  const made = {
    ...template,
    metadata: { creationTimestamp: null, labels: { 'pod-template-hash': 'abc', app: 'web' } },
  };
  const view = decodeReplicaSet({
    metadata: {
      name: 'web-abc',
      labels: { 'pod-template-hash': 'abc' },
      annotations: { 'deployment.kubernetes.io/revision': '12' },
      ownerReferences: owner('Deployment'),
    },
    spec: { template: made },
  });
  expect(view).toMatchObject({
    hash: 'abc',
    revision: 12,
    owner: { kind: 'Deployment', name: 'web', uid: 'd1' },
    templateDigest: templateDigest(template),
  });
  expect(keepsRevision(view)).toBe(true);
});

test('a ControllerRevision is told by its name for a StatefulSet and by its label for a DaemonSet', () => {
  const raw = (kind: string): unknown => ({
    metadata: { name: 'web-77', labels: { 'controller-revision-hash': '77' }, ownerReferences: owner(kind) },
    data: { spec: { template: { ...template, $patch: 'replace' } } },
    revision: 4,
  });
  expect(decodeControllerRevision(raw('StatefulSet'))).toMatchObject({
    hash: 'web-77',
    revision: 4,
    templateDigest: templateDigest(template),
  });
  expect(decodeControllerRevision(raw('DaemonSet'))).toMatchObject({
    hash: '77',
    revision: 4,
    templateDigest: templateDigest(template),
  });
});

test('revisions of other owners are not kept', () => {
  expect(keepsRevision(decodeReplicaSet({ metadata: { ownerReferences: owner('Rollout') } }))).toBe(false);
  expect(keepsRevision(decodeControllerRevision({ metadata: {} }))).toBe(false);
});

test('of a template at the limit of its values the copy in a revision is read like that in the workload', () => {
  const args = (length: number) => ({ metadata: { labels: {} }, spec: { args: Array(length).fill('x') } });
  const copy = (length: number) => ({
    ...args(length),
    $patch: 'replace',
    metadata: { creationTimestamp: null, labels: { 'pod-template-hash': 'h' } },
  });
  const most = MOST_VALUES - 4;
  expect(templateDigest(args(most))).toMatch(/^[0-9a-f]{64}$/);
  expect(templateDigest(copy(most))).toBe(templateDigest(args(most)));
  expect([templateDigest(args(most + 1)), templateDigest(copy(most + 1))]).toEqual(['', '']);
});

test('a digest changes with the image and not with the order of keys', () => {
  const reordered = {
    spec: { containers: [{ image: 'w:1', name: 'web' }] },
    metadata: { labels: { app: 'web' } },
  };
  expect(templateDigest(reordered)).toBe(templateDigest(template));
  expect(templateDigest({ ...template, spec: { containers: [{ name: 'web', image: 'w:2' }] } })).not.toBe(
    templateDigest(template),
  );
});

describe('a digest and quantities', () => {
  const limits = (memory: string | number) => ({
    spec: { containers: [{ name: 'web', resources: { limits: { memory } } }] },
  });

  test.each([
    ['1Gi', '1073741824'],
    ['1000m', '1'],
    ['1', 1],
    ['2k', '2000'],
    ['1e3', '1k'],
    ['500u', '500000n'],
    ['1536Mi', '1610612736'],
    ['7E', '7000P'],
    ['8Ei', '8192Pi'],
  ])('%s is %s, as for the Deployment controller (kubernetes#58032)', (a, b) => {
    expect(templateDigest(limits(a))).toBe(templateDigest(limits(b)));
  });

  test.each([
    ['1Gi', '1G'],
    ['1', '1m'],
    ['1e3', '1e2'],
    ['x', 'y'],
    ['1', '1Zi'],
  ])('%s is not %s', (a, b) => {
    expect(templateDigest(limits(a))).not.toBe(templateDigest(limits(b)));
  });

  test.each([
    { spec: { resources: { requests: { cpu: '1' } } } },
    { spec: { overhead: { cpu: '1' } } },
    { spec: { volumes: [{ name: 'a', emptyDir: { sizeLimit: '1' } }] } },
    { spec: { containers: [{ env: [{ valueFrom: { resourceFieldRef: { divisor: '1' } } }] }] } },
  ])('are found in %j', (found) => {
    const other = JSON.parse(JSON.stringify(found).replace('"1"', '"1000m"')) as unknown;
    expect(templateDigest(other)).toBe(templateDigest(found));
  });

  test('are not looked for in labels, annotations and arguments', () => {
    const labelled = (divisor: string) => ({
      metadata: { labels: { divisor }, annotations: { limits: divisor } },
    });
    expect(templateDigest(labelled('1'))).not.toBe(templateDigest(labelled('1000m')));
  });
});

test('an Upgrade keeps its annotations but neither managed fields nor the copy of itself', () => {
  const metadata = {
    name: 'web',
    namespace: 'shop',
    uid: 'u',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'postcheck.dev/retry': '1', 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
    managedFields: [{ manager: 'kubectl' }],
    labels: { a: 'b' },
  };
  const { managedFields: _m, labels: _l, ...kept } = metadata;
  const view = decodeUpgrade({
    apiVersion: 'postcheck.dev/v1alpha1',
    kind: 'Upgrade',
    metadata,
    spec: { paused: false },
  });
  expect(view).toEqual({
    metadata: {
      ...kept,
      annotations: { 'postcheck.dev/retry': '1', 'kubectl.kubernetes.io/last-applied-configuration': '' },
    },
    spec: { paused: false },
  });
  expect(Object.isFrozen(view.metadata)).toBe(true);
});

test('of the annotations of an Upgrade little is kept, however long they are, and every command', () => {
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, nth) => [`a${nth}`, '']));
  const annotations = {
    ...many,
    [`x.example/${'y'.repeat(200)}`]: '',
    'x.example/z': 'z'.repeat(200_000),
    'postcheck.dev/abort': 't'.repeat(200_000),
    'postcheck.dev/retry': 'again',
  };
  const { metadata } = decodeUpgrade({ metadata: { annotations }, spec: {} });
  expect(metadata.annotations?.['postcheck.dev/retry']).toBe('again');
  expect(metadata.annotations?.['postcheck.dev/abort']).toMatch(/^t{256}/);
  expect(JSON.stringify(metadata).length).toBeLessThan(8192);
});

test("an Upgrade with the API server's default for a status has none; one that we wrote is kept", () => {
  const statusOf = (status: unknown) => decodeUpgrade({ metadata: {}, spec: {}, status }).status;
  expect(statusOf({ observedGeneration: -1 })).toBeUndefined();
  expect(statusOf({ observedGeneration: 1, phase: 'Pending' })).toEqual({
    observedGeneration: 1,
    phase: 'Pending',
  });
});

test('a node is ready when it says so', () => {
  const node = (status: string): unknown => ({
    metadata: { name: 'n', resourceVersion: '5' },
    status: { conditions: [{ type: 'Ready', status }] },
  });
  expect(decodeNode(node('True'))).toEqual({ name: 'n', resourceVersion: '5', ready: true, labels: {} });
  expect(decodeNode(node('Unknown')).ready).toBe(false);
  expect(decodeNode({}).ready).toBe(false);
});

test('a node has the taints that keep pods away, and no more of them than fit', () => {
  const taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };
  const tainted = (...taints: object[]) => decodeNode({ spec: { taints } }).taints;
  expect(tainted(taint, { ...taint, effect: 'PreferNoSchedule' })).toEqual([taint]);
  expect(tainted({ key: 'a', effect: 'NoExecute' })).toEqual([{ key: 'a', value: '', effect: 'NoExecute' }]);
  expect(tainted()).toBeUndefined();
  expect(tainted(...Array(100).fill(taint))).toHaveLength(64);
});
