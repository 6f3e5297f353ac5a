/** What a bench reckons from two scrapes. */
import { expect, test } from '@jest/globals';
import { parseMetrics } from '../../e2e/support/metrics.ts';
import { growth, quantile } from './operator-process.ts';

const scrape = (counts: readonly [number, number, number]) =>
  parseMetrics(
    [
      ...['0.01', '0.1', '+Inf'].map((le, i) => `took_bucket{le="${le}",name="x"} ${counts[i]}`),
      `took_count{name="x"} ${counts[2]}`,
      `took_bucket{le="+Inf",name="y"} 0`,
      `took_count{name="y"} ${counts[2]}`,
    ].join('\n'),
  );

test('a quantile is of what came between the two scrapes, by straight line within its bucket', () => {
  const seen = { before: scrape([100, 100, 100]), after: scrape([150, 200, 200]) };
  expect(quantile(seen, 'took', 0.5, 'name="x"')).toBeCloseTo(0.01);
  expect(quantile(seen, 'took', 0.25, 'name="x"')).toBeCloseTo(0.005);
  expect(quantile(seen, 'took', 0.75, 'name="x"')).toBeCloseTo(0.055);
});

test('beyond the last bound it is that bound, and of nothing there is none', () => {
  expect(quantile({ before: scrape([0, 0, 0]), after: scrape([0, 0, 10]) }, 'took', 0.99, 'name="x"')).toBe(
    0.1,
  );
  expect(
    quantile({ before: scrape([5, 5, 5]), after: scrape([5, 5, 5]) }, 'took', 0.99, 'name="x"'),
  ).toBeNaN();
});

test('a counter grows by all its series', () => {
  expect(growth({ before: scrape([0, 0, 1]), after: scrape([0, 0, 4]) }, 'took_count')).toBe(6);
});
