import { expect, test } from '@jest/globals';
import { printable } from './printable.ts';
import { UNPRINTABLE } from './schema-parts.ts';

test('a spec must not have the characters that foreign text never keeps', () => {
  const rejected = new RegExp(
    `^[${UNPRINTABLE.replace(/\\[uU]([0-9a-f]+)/g, (_, digits) => `\\u{${digits}}`)}]$`,
    'u',
  );
  const differing: string[] = [];
  for (let code = 1; code <= 0x10ffff; code++) {
    const character = String.fromCodePoint(code);
    if (/[\ud800-\udfff\ufffd\t\n]/u.test(character)) {
      continue;
    }
    // After a letter that a joiner may follow.
    if (rejected.test(character) !== (printable(`é${character}`) === 'é')) {
      differing.push(code.toString(16));
    }
  }
  expect(differing).toEqual([]);
});
