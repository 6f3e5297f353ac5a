/** Whether the bugs can still be planted: what they change moves with the sources, and the whole run is only done nightly. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from '@jest/globals';
import { BUGS } from './planted-bugs.ts';

const SRC = resolve(import.meta.dirname, '../../src');

test.each(BUGS.map((bug) => [bug.name, bug] as const))('%s', (_, { file, find, replace }) => {
  const text = readFileSync(join(SRC, file), 'utf8');
  expect(text).toContain(find);
  expect(text.replaceAll(find, () => replace)).not.toBe(text);
});
