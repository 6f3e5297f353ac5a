import { expect, test } from '@jest/globals';
import { controllerOf } from './owner.ts';

const reference = (change: object = {}): object => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'web-abc',
  uid: 'r1',
  controller: true,
  ...change,
});
const none = { kind: '', name: '', uid: '' };
const owner = (...ownerReferences: unknown[]) => controllerOf({ ownerReferences });

test('the owner is the one reference that controls', () => {
  const ours = { kind: 'ReplicaSet', name: 'web-abc', uid: 'r1' };
  expect(owner(reference({ kind: 'Other', controller: false }), reference())).toEqual(ours);
  expect(owner(reference({ apiVersion: 'apps/v1beta2' }))).toEqual(ours);
  const longest = 'a'.repeat(253);
  expect(owner(reference({ name: longest }))).toEqual({ ...ours, name: longest });
});

test.each([
  ['does not control', reference({ controller: false })],
  ['says "true" in words', reference({ controller: 'true' })],
  ['is of another group', reference({ apiVersion: 'bogus.example/v1' })],
  ['is of a group that begins alike', reference({ apiVersion: 'apps.example/v1' })],
  ['is of the core group', reference({ apiVersion: 'v1' })],
  ['names no API', reference({ apiVersion: undefined })],
  ['is no object', 'ReplicaSet'],
  ['has a longer name than any object', reference({ name: 'a'.repeat(254) })],
  ['has a longer UID than any object', reference({ uid: 'a'.repeat(254) })],
  ['has a longer kind than any object', reference({ kind: 'a'.repeat(254) })],
])('a reference that %s is no owner', (_, wrong) => {
  expect(owner(wrong)).toEqual(none);
});

test('of two controllers none counts', () => {
  expect(owner(reference(), reference({ uid: 'r2' }))).toEqual(none);
});

test('there may be no references at all', () => {
  expect(controllerOf({})).toEqual(none);
});
