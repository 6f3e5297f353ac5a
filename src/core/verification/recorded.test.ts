import { expect, test } from '@jest/globals';
import { conditionOf, containerOf, podOf } from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import { recordedResult, withPins } from './recorded.ts';

const withCondition = (message: string, status: 'True' | 'False' | 'Unknown' = 'True', pod = podOf()) => ({
  ...pod,
  conditions: { ...pod.conditions, [VERIFIED]: conditionOf(status, 0, 'PostCheckPassed', message) },
});

test('a verdict comes back as it was stored, without its pins', () => {
  const pod = podOf();
  expect(recordedResult(withCondition(withPins('ready', '1-abc', pod)), '1-abc')).toEqual({
    status: 'True',
    reason: 'PostCheckPassed',
    message: 'ready',
  });
});

test('the message says which containers it is about, for `kubectl describe pod`', () => {
  expect(withPins('readiness-probe in container web exited 0', '1-abc', podOf())).toBe(
    'readiness-probe in container web exited 0 [1-abc web@aaaaaaaaaaaa]',
  );
});

test('init containers, which have ended, are no part of the pins', () => {
  const pod = podOf({
    containers: [containerOf(), containerOf({ name: 'migrate', role: 'init', id: 'containerd://x' })],
  });
  expect(withPins('', '1', pod)).toBe(' [1 web@aaaaaaaaaaaa]');
});

test.each([
  ['another attempt', withPins('ready', '2-def', podOf())],
  ['the fallback of the attempt', withPins('ready', '1-abc/fallback', podOf())],
  [
    'a container that was replaced',
    withPins('ready', '1-abc', podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] })),
  ],
  ['nobody: opened for another reason', 'no attempt needs the gate of this pod'],
])('a verdict of %s is none', (_what, message) => {
  expect(recordedResult(withCondition(message), '1-abc')).toBeUndefined();
});

test('Unknown, and no condition at all, are no verdict', () => {
  expect(recordedResult(withCondition(withPins('', '1-abc', podOf()), 'Unknown'), '1-abc')).toBeUndefined();
  expect(recordedResult(podOf(), '1-abc')).toBeUndefined();
});
