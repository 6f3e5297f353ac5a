import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isNewer } from './resource-version.ts';

test('versions are compared as numbers, however long they are', () => {
  expect(isNewer('10', '9')).toBe(true);
  expect(isNewer('9', '10')).toBe(false);
  expect(isNewer('12', '12')).toBe(false);
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n }),
      fc.bigInt({ min: 0n }),
      (a, b) => isNewer(String(a), String(b)) === a > b,
    ),
  );
});
