import { expect, test } from '@jest/globals';
import { editDistance } from './edit-distance.ts';

test.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['abc', '', 3],
  ['kitten', 'sitting', 3],
  ['--namespace', '--namespaces', 1],
  ['web', 'bew', 2],
  ['web', 'wbe', 1],
  ['back', 'bakc', 1],
  ['ab', 'ba', 1],
  ['a', 'b', 1],
])('the distance from %j to %j is %d', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance);
  expect(editDistance(to, from)).toBe(distance);
});
