import { expect, test } from '@jest/globals';
import { clientWord } from './client-word.ts';

test.each([
  'kubectl',
  'kubectl-client-side-apply',
  'registry.example:5000/team/web:2.0@sha256:12',
  '2/canary',
])('a plain word stays as it is: %s', (word) => {
  expect(clientWord(word)).toBe(word);
});

test.each([
  ['kubectl. v9 verified on 3 of 3 pods', '"kubectl. v9 verified on 3 of 3 pods"'],
  ['', '""'],
  ['a "quoted" <b>', '"a \\"quoted\\" <b>"'],
])('a sentence is shown as what it is, somebody’s words: %s', (word, shown) => {
  expect(clientWord(word)).toBe(shown);
});

test('of a long sentence only the beginning is shown', () => {
  expect(clientWord('all is well '.repeat(100)).length).toBeLessThan(140);
});
