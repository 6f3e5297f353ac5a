import { expect, test } from '@jest/globals';
import { earliest, latest, spanText, toIso } from './time.ts';

test.each([
  [-5, '0ms'],
  [0, '0ms'],
  [850.4, '850ms'],
  [999, '999ms'],
  [1000, '1s'],
  [12_400, '12s'],
  [59_499, '59s'],
  [59_500, '1m'],
  [60_000, '1m'],
  [190_000, '3m10s'],
  [3_599_000, '59m59s'],
  [3_600_000, '1h'],
  [7_500_000, '2h5m'],
  [90_000_000, '25h'],
])('%d ms is %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});

test('times that are not known are ignored', () => {
  expect(latest(1, undefined, 3, 2)).toBe(3);
  expect(earliest([3, undefined, 1, 2])).toBe(1);
  expect(earliest([undefined])).toBeUndefined();
  expect(earliest([])).toBeUndefined();
});

test('a time beyond the last one that RFC 3339 can express is that one', () => {
  const last = '9999-12-31T23:59:59.999Z';
  for (const ms of [Date.parse(last), Date.parse(last) + 1, 9e18 * 1000, Number.POSITIVE_INFINITY]) {
    expect(toIso(ms)).toBe(last);
  }
});
