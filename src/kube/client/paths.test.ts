import { expect, test } from '@jest/globals';
import { describe as describeTarget, isLabel, pathOf, RESOURCES } from './paths.ts';

const pod = (namespace: string, name: string): string | undefined =>
  pathOf({ resource: RESOURCES.Pod, namespace, name, subresource: 'exec' });

test('paths are built for objects, collections and cluster-scoped kinds', () => {
  expect(pod('shop', 'web-0')).toBe('/api/v1/namespaces/shop/pods/web-0/exec');
  expect(pathOf({ resource: RESOURCES.Deployment })).toBe('/apis/apps/v1/deployments');
  expect(pathOf({ resource: RESOURCES.Lease, namespace: 'shop' })).toBe(
    '/apis/coordination.k8s.io/v1/namespaces/shop/leases',
  );
  expect(pathOf({ resource: RESOURCES.Node, name: 'node-1.example.com' })).toBe(
    '/api/v1/nodes/node-1.example.com',
  );
});

test.each([
  '',
  '.',
  '..',
  '../../secrets',
  'a/b',
  'a%2fb',
  'a?b',
  'A',
  '-a',
  'a-',
  'a..b',
  'a b',
  'a\n',
  'é',
  'x'.repeat(254),
])('a pod cannot be called %p', (name) => {
  expect(pod('shop', name)).toBeUndefined();
});

test.each(['', '..', 'a.b', 'a/b', 'x'.repeat(64)])('a namespace cannot be called %p', (namespace) => {
  expect(pod(namespace, 'web-0')).toBeUndefined();
});

test('container names are labels', () => {
  expect(['web', 'web-1', 'a', '0'].every(isLabel)).toBe(true);
  expect(['', 'a.b', 'a&command=rm', 'A'].some(isLabel)).toBe(false);
});

test('a target reads as kubectl would write it', () => {
  expect(describeTarget({ resource: RESOURCES.Deployment, namespace: 'shop', name: 'web' })).toBe(
    'deployments shop/web',
  );
  expect(describeTarget({ resource: RESOURCES.Node })).toBe('nodes');
});
