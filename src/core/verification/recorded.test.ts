import { describe, expect, test } from '@jest/globals';
import { conditionOf, containerOf, podOf, specOf } from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import { recordedResult, withPins } from './recorded.ts';

const of = (id: string, change?: Record<string, unknown>) => ({ id, spec: specOf(change) });

const withCondition = (message: string, status: 'True' | 'False' | 'Unknown' = 'True', pod = podOf()) => ({
  ...pod,
  conditions: { ...pod.conditions, [VERIFIED]: conditionOf(status, 0, 'PostCheckPassed', message) },
});

test('a verdict comes back as it was stored, without its pins', () => {
  const pod = podOf();
  expect(recordedResult(withCondition(withPins('ready', of('1-abc'), pod)), of('1-abc'))).toEqual({
    status: 'True',
    reason: 'PostCheckPassed',
    message: 'ready',
  });
});

test('the message says which containers it is about, for `kubectl describe pod`', () => {
  expect(withPins('readiness-probe in container web exited 0', of('1-abc'), podOf())).toBe(
    'readiness-probe in container web exited 0 [1-abc web@aaaaaaaaaaaa]',
  );
});

test('init containers, which have ended, are no part of the pins', () => {
  const pod = podOf({
    containers: [containerOf(), containerOf({ name: 'migrate', role: 'init', id: 'containerd://x' })],
  });
  expect(withPins('', of('1'), pod)).toBe(' [1 web@aaaaaaaaaaaa]');
});

test.each([
  ['another attempt', withPins('ready', of('2-def'), podOf())],
  ['the fallback of the attempt', withPins('ready', of('1-abc/fallback'), podOf())],
  [
    'a container that was replaced',
    withPins('ready', of('1-abc'), podOf({ containers: [containerOf({ id: 'containerd://bbbb' })] })),
  ],
  ['nobody: opened for another reason', 'no attempt needs the gate of this pod'],
])('a verdict of %s is none', (_what, message) => {
  expect(recordedResult(withCondition(message), of('1-abc'))).toBeUndefined();
});

test('Unknown, and no condition at all, are no verdict', () => {
  expect(
    recordedResult(withCondition(withPins('', of('1-abc'), podOf()), 'Unknown'), of('1-abc')),
  ).toBeUndefined();
  expect(recordedResult(podOf(), of('1-abc'))).toBeUndefined();
});

describe('a restart of a second container', () => {
  const pod = (proxy: string) =>
    podOf({
      containers: [
        containerOf(),
        containerOf({ name: 'proxy', id: `containerd://${proxy}`, role: 'sidecar' }),
      ],
    });
  const check = { name: 'inside', exec: { command: ['/check'] } };
  test.each<[string, string, Record<string, unknown>, boolean]>([
    ['which is neither upgraded nor checked', 'stays', {}, true],
    [
      'which is upgraded',
      'is void',
      {
        containers: [
          { name: 'web', image: 'web:2.0' },
          { name: 'proxy', image: 'proxy:2.0' },
        ],
      },
      false,
    ],
    [
      'which a check names',
      'is void',
      { postCheck: { checks: [{ ...check, containers: ['proxy'] }] } },
      false,
    ],
    [
      'where a check runs in all',
      'is void',
      { postCheck: { checks: [{ ...check, containers: ['*'] }] } },
      false,
    ],
  ])('%s: the result %s', (_which, _what, change, stays) => {
    const before = withPins('ready', of('1', change), pod('aaaa'));
    const found = recordedResult(withCondition(before, 'True', pod('bbbb')), of('1', change));
    expect(found !== undefined).toBe(stays);
  });
});
