import { describe, expect, test } from '@jest/globals';
import type { WatchHealth } from '../engine/ports.ts';
import { noticeOf, notReady } from './watch-notices.ts';

const well: WatchHealth = {
  kind: 'Pod',
  resource: 'pods',
  namespace: undefined,
  optional: false,
  synced: true,
  state: 'watching',
  silentMs: 0,
  failingMs: 0,
  message: '',
};
const refused: WatchHealth = {
  ...well,
  state: 'forbidden',
  failingMs: 1,
  message: 'watch pods: refused: pods is forbidden',
};
const failing: WatchHealth = { ...well, state: 'retrying', failingMs: 1, message: 'watch pods: lost' };

describe('a change of a watch gets one line', () => {
  test.each([
    [
      'refused',
      refused,
      well,
      'error',
      "cannot watch pods: grant the operator's service account list and watch on pods",
    ],
    [
      'refused in a namespace',
      { ...refused, resource: 'deployments.apps', namespace: 'shop' },
      well,
      'error',
      "cannot watch deployments.apps in namespace shop: grant the operator's service account list and watch on deployments.apps",
    ],
    [
      'refused, and one can do without',
      { ...refused, optional: true, resource: 'nodes' },
      well,
      'info',
      'cannot watch nodes: continuing without it',
    ],
    ['failed', failing, well, 'warn', 'the watch of pods failed and is retried'],
    ['well again', well, { ...failing, failingMs: 28_400 }, 'info', 'watching pods again after 28 s'],
  ] as const)('%s', (_, now, before, level, message) => {
    expect(noticeOf(now, before)).toMatchObject({ level, message });
  });

  test('the first time that everything is healthy needs none', () => {
    expect(noticeOf(well, { ...well, state: 'starting' })).toBeUndefined();
  });
});

describe('readiness', () => {
  test('holds while every kind has been listed and is watched', () => {
    expect(notReady([well])).toBeUndefined();
    expect(notReady([])).toBe('nothing is watched yet');
  });

  test('tolerates a failure of two minutes, and no longer', () => {
    expect(notReady([{ ...failing, failingMs: 119_000 }])).toBeUndefined();
    expect(notReady([{ ...failing, failingMs: 125_000 }])).toBe(
      'pods: not watched for 125 s: watch pods: lost',
    );
  });

  test('does not depend on optional kinds', () => {
    expect(notReady([well, { ...refused, optional: true, failingMs: 1e9 }])).toBeUndefined();
  });

  test('has one line for each kind, whatever the number of namespaces', () => {
    const unlisted = Array.from({ length: 7 }, (_, index) => ({
      ...well,
      synced: false,
      state: 'starting' as const,
      namespace: `n${index}`,
    }));
    expect(
      notReady([
        ...unlisted,
        { ...refused, resource: 'nodes', failingMs: 130_000 },
        { ...well, resource: 'upgrades.postcheck.dev' },
      ]),
    ).toBe(
      "pods in namespaces n0, n1, n2, n3, n4 and 2 more: not listed yet\nnodes: not watched for 130 s: grant the operator's service account list and watch on nodes",
    );
  });
});
