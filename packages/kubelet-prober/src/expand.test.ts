import { describe, expect, test } from '@jest/globals';
import { expandCommand } from './expand.ts';

const env = [
  { name: 'A', value: 'script' },
  { name: 'FROM_SECRET' },
  { name: 'TWICE', value: '1' },
  { name: 'TWICE', value: '2' },
];

describe('the command of an exec probe', () => {
  test.each([
    ['a word without variables stays as it is', 'some script', 'some script'],
    ['a known variable is replaced, an unknown one is not', 'some $(A) $(B)', 'some script $(B)'],
    ['two dollar signs keep a reference from being replaced', '$$(A)', '$(A)'],
    ['three dollar signs are one and a reference', '$$$(A)', '$script'],
    ['a reference that is not closed stays as it is', '$(A', '$(A'],
    ['shell syntax means nothing', '$A $[A] `A`', '$A $[A] `A`'],
    ['a dollar sign at the end stays', '5$', '5$'],
    ['a variable whose value comes from elsewhere is empty', '[$(FROM_SECRET)]', '[]'],
    ['of two variables with one name the last counts', '$(TWICE)', '2'],
    ['a reference to nothing stays as it is', '$()', '$()'],
  ])('%s', (_, word, expanded) => {
    expect(expandCommand(['/bin/bash', '-c', word], env)).toEqual(['/bin/bash', '-c', expanded]);
  });
});
