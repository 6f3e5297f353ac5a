/** Mutation testing of a small file by its own tests, in a process of its own. */
import { expect, test } from '@jest/globals';
import { mutantsOf } from './mutants.ts';
import { playAll } from './play.ts';

const FILE = 'src/api/cut.ts';
const ALL = { longestTestMs: 600_000 };

test('a changed line is noticed by the tests that reach it, and by no others', async () => {
  const { texts, mutants } = await mutantsOf([FILE]);
  const ids = mutants.map(({ id }) => id);
  const own = await playAll({ ...ALL, texts, testFiles: ['src/api/cut.test.ts'], mutants: ids });
  const half = mutants.filter(({ before, after }) => before === 'max - 1' && after === 'max + 1');
  expect(half).not.toEqual([]);
  for (const { id } of half) {
    expect(own.get(id)).toEqual({ kind: 'killed', by: expect.stringContaining('src/api/cut.test.ts: ') });
  }
  const others = await playAll({ ...ALL, texts, testFiles: ['src/api/own.test.ts'], mutants: ids });
  expect(new Set([...others.values()].map(({ kind }) => kind))).toEqual(new Set(['unreached']));
}, 300_000);
