/** Which ends of watches count as cut off. */
import { expect, test } from '@jest/globals';
import { endedEarly } from './fleet.ts';

const watch = (stageTimestamp: string) => ({
  requestURI: '/api/v1/pods?watch=1&timeoutSeconds=300&resourceVersion=7',
  requestReceivedTimestamp: '2026-11-26T10:00:00.000000Z',
  stageTimestamp,
});

test.each([
  ['in its time', '2026-11-26T10:05:00.200000Z', false],
  ['half a second early, as clocks are read at different moments', '2026-11-26T10:04:59.500000Z', false],
  ['in mid-measurement', '2026-11-26T10:01:12.000000Z', true],
])('a watch that ends %s', (_when, at, early) => {
  expect(endedEarly(watch(at))).toBe(early);
});
