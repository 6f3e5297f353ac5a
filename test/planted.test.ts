/**
 * Every bug that test/sim/planted.ts plants can still be planted. It stands outside of what runs against a planted bug: there it would fail
 * by itself, and every bug would count as caught.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
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
