/** What is left out with all tests is a part of each sweep that no pattern in it hides. */
import { globSync, readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { PARTS, partOf, shareOf } from './share.ts';

const pairs = (outer: number, inner: number) =>
  Array.from({ length: outer * inner }, (_, index) => ({
    outer: Math.floor(index / inner),
    inner: index % inner,
  }));
const alike = () => '';

test.each([2, 3, 4, 5, 6, 7, 8, 9, 10])('a part of a loop over %d has each of its members', (inner) => {
  for (let offset = 0; offset < PARTS; offset++) {
    const part = partOf(pairs(20, inner), offset, alike);
    expect(new Set(part.map((pair) => pair.inner)).size).toBe(inner);
    expect(part.length).toBeLessThanOrEqual(Math.ceil((20 * inner) / PARTS));
  }
});

test('a part has at least one of each kind', () => {
  const list = pairs(9, 3);
  for (let offset = 0; offset < PARTS; offset++) {
    const part = partOf(list, offset, (pair) => `${pair.outer}`);
    expect(new Set(part.map((pair) => pair.outer)).size).toBe(9);
  }
});

test('the parts together are the whole, and none has what another has', () => {
  const list = pairs(11, 3);
  const parts = Array.from({ length: PARTS }, (_, offset) => partOf(list, offset, alike));
  expect(parts.flat().length).toBe(list.length);
  expect(new Set(parts.flat())).toEqual(new Set(list));
});

test('the same name is the same part, and names differ', () => {
  const list = pairs(11, 3);
  expect(shareOf(list, 'good, Deployment', alike)).toEqual(shareOf(list, 'good, Deployment', alike));
  const shares = [...'abcdefgh'].map((name) => JSON.stringify(partOf(list, name.charCodeAt(0), alike)));
  expect(new Set(shares).size).toBe(PARTS);
});

test('all that is played in part is played whole each night', () => {
  const sharing = globSync('{src,packages,test}/**/*.ts', { exclude: ['**/node_modules/**'] }).filter(
    (file) => /from '.*\/share\.ts'/.test(readFileSync(file, 'utf8')),
  );
  expect(sharing.length).toBeGreaterThan(3);
  expect(sharing.filter((file) => !/^test\/(sim\/|support\/share\.test\.ts$)/.test(file))).toEqual([]);
  expect(readFileSync('scripts/test.ts', 'utf8')).toMatch(
    /name: 'sweeps', files: '\/test\/sim\/\.\*[^']*', workers: \d, whole: true/,
  );
  expect(readFileSync('Makefile', 'utf8')).toMatch(/^nightly:.*\n\tnode scripts\/test\.ts sweeps /m);
});
