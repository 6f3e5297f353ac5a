import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { own } from './own.ts';

const NAMES = ['constructor', '__proto__', 'valueOf', 'toString', 'hasOwnProperty', 'web'];

test.each(NAMES)('nothing is found under %s that nobody put there', (name) => {
  expect(own({}, name)).toBeUndefined();
  expect(own(undefined, name)).toBeUndefined();
});

test('what was put under a name is found under exactly that name', () => {
  const name = fc.oneof(fc.constantFrom(...NAMES), fc.string());
  fc.assert(
    fc.property(fc.uniqueArray(name, { minLength: 1 }), (names) => {
      const [first = '', ...rest] = names;
      const map = Object.fromEntries(rest.map((key) => [key, key]));
      expect(own(map, first)).toBeUndefined();
      for (const key of rest) {
        expect(own(map, key)).toBe(key);
      }
    }),
  );
});
