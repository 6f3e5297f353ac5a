/**
 * Every bug that test/sim/planted.ts plants can still be planted. It stands outside of what runs against a planted bug: there it would fail
 * by itself, and every bug would count as caught.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { COPIED } from './sim/changed-sources.ts';
import { BUGS } from './sim/planted-bugs.ts';

describe('a planted bug', () => {
  test.each(BUGS)('$name', ({ file, find, replace }) => {
    const source = readFileSync(`src/${file}`, 'utf8');
    expect(source).toContain(find);
    expect(source.replaceAll(find, () => replace)).not.toBe(source);
  });

  test('has a name of its own', () => {
    expect(new Set(BUGS.map(({ name }) => name)).size).toBe(BUGS.length);
  });
});

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[^;]*? from '(\.[^']+)'/gm)].map(
    ([, path = '']) => join(dirname(file), path),
  );

test('what runs against a planted bug needs no file that is not copied with it', () => {
  const folders = new Set([
    'src/api',
    'src/core',
    'src/engine',
    'test/sim',
    ...BUGS.map(({ file }) => `src/${dirname(file)}`),
  ]);
  const needed = new Set(globSync(`{${[...folders].join(',')}}/**/*.test.ts`));
  for (const file of needed) {
    for (const path of importsOf(file)) {
      needed.add(path);
    }
  }
  const isCopied = (path: string) => COPIED.some((part) => path.startsWith(`${part}/`));
  expect(needed.size).toBeGreaterThan(300);
  expect([...needed].filter((path) => !isCopied(path))).toEqual([]);
});
