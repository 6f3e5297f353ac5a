import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { appended } from './plain-manifests.ts';

const repository = dirname(import.meta.dirname);

describe('a patch that appends', () => {
  test('adds what is more at the end of lists, wherever they are, and nothing else', () => {
    const base = { kind: 'A', list: [{ args: ['a'] }], ports: [] };
    const wanted = { kind: 'A', list: [{ args: ['a', 'b', 'c'] }], ports: [{ name: 'x' }] };
    expect(appended(base, wanted)).toEqual([
      { op: 'add', path: '/list/0/args/-', value: 'b' },
      { op: 'add', path: '/list/0/args/-', value: 'c' },
      { op: 'add', path: '/ports/-', value: { name: 'x' } },
    ]);
    expect(appended(wanted, wanted)).toEqual([]);
  });

  test.each([
    ['another value', { a: [1] }, { a: [2] }],
    ['a list that is shorter', { a: [1, 2] }, { a: [1] }],
    ['a field that is new', { a: 1 }, { a: 1, b: 2 }],
    ['another type', { a: [1] }, { a: { 0: 1 } }],
  ])('cannot make %s', (_, base, wanted) => {
    expect(() => appended(base, wanted)).toThrow(/differs/);
  });
});

test('release-please moves the version in every file that has it marked', () => {
  const tracked = ['ls-files', '--cached', '--others', '--exclude-standard', '--', 'charts', 'deploy'];
  const marked = execFileSync('git', tracked, { cwd: repository, encoding: 'utf8' })
    .trim()
    .split('\n')
    .filter((path) => readFileSync(join(repository, path), 'utf8').includes('# x-release-please-version'));
  const { packages } = JSON.parse(readFileSync(join(repository, 'release-please-config.json'), 'utf8'));
  const generic = (packages['.']['extra-files'] as { type: string; path: string }[])
    .filter(({ type }) => type === 'generic')
    .map(({ path }) => path);
  expect(generic.sort()).toEqual(marked.sort());
  expect(marked.length).toBeGreaterThan(2);
});
