import { expect, test } from '@jest/globals';
import { podCount } from './amount.ts';

test.each([
  [3, 10, 3],
  ['3', 10, 3],
  ['0%', 10, 0],
  ['1%', 10, 1],
  ['25%', 10, 3],
  ['100%', 10, 10],
])('%s of %d pods is %d, rounded up', (amount, total, pods) => {
  expect(podCount(amount, total)).toBe(pods);
});

test('a percentage is rounded as requested', () => {
  expect(podCount('25%', 10, Math.floor)).toBe(2);
});

test.each(['x3%', '3%x'])('%s is no percentage', (amount) => {
  expect(podCount(amount, 10)).toBe(Number.NaN);
});
