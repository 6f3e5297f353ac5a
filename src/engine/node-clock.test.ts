/** Times of nodes whose clocks are wrong. */
import { expect, test } from '@jest/globals';
import { conditionOf, containerOf, NOW, podOf } from '../../test/support/snapshots.ts';
import type { PodView } from '../api/views.ts';
import { withCredibleTimes } from './node-clock.ts';

const HOUR_MS = 3_600_000;
const CREATED = NOW - 60_000;

/** A pod that is a minute old, of which the node says that it started and became ready then. */
const saidAt = (at: number): PodView =>
  podOf({
    createdAt: CREATED,
    containers: [containerOf({ startedAt: at })],
    conditions: { ContainersReady: { ...conditionOf('True'), since: at } },
  });
const timesOf = ({ containers, conditions }: PodView) => [
  containers[0]?.startedAt,
  conditions['ContainersReady']?.since,
];

test('times between the creation and now are left alone, also a second off either', () => {
  for (const at of [CREATED, NOW - 30_000, NOW, CREATED - 1000, NOW + 1000]) {
    const pod = saidAt(at);
    expect(withCredibleTimes(pod, undefined, NOW)).toBe(pod);
  }
});

test.each([HOUR_MS, -HOUR_MS])(
  'a clock that is %d ms off: what we saw counts, and goes on counting',
  (off) => {
    const first = withCredibleTimes(saidAt(NOW + off), undefined, NOW);
    expect(timesOf(first)).toEqual([NOW, NOW]);
    expect(timesOf(withCredibleTimes(saidAt(NOW + off), first, NOW + 20_000))).toEqual([NOW, NOW]);
  },
);

test('another container, and another state, count anew', () => {
  const first = withCredibleTimes(saidAt(NOW + HOUR_MS), undefined, NOW);
  const restarted = podOf({
    createdAt: CREATED,
    containers: [containerOf({ id: 'containerd://another', startedAt: NOW + HOUR_MS + 5000 })],
    conditions: { ContainersReady: { ...conditionOf('False'), since: NOW + HOUR_MS + 5000 } },
  });
  const later = NOW + 5000;
  expect(timesOf(withCredibleTimes(restarted, first, later))).toEqual([later, later]);
});

test('where nobody said when, nobody knows', () => {
  const pod = saidAt(0);
  expect(withCredibleTimes(pod, undefined, NOW)).toBe(pod);
});
