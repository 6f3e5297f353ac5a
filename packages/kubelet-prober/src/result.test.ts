import { describe, expect, test } from '@jest/globals';
import { firstBytes } from './result.ts';

describe('the first bytes of an output', () => {
  test.each([
    ['a text that fits stays as it is', 'ok', 10, 'ok'],
    ['a longer text is cut at the limit', 'abcdef', 3, 'abc'],
    ['a character cut in two is left out', 'aé', 2, 'a'],
    ['a byte order mark counts and stays', '\ufeffab', 4, '\ufeffa'],
    ['a limit of zero keeps nothing', 'abc', 0, ''],
  ])('%s', (_, text, limit, kept) => {
    expect(firstBytes(text, limit)).toBe(kept);
  });
});
