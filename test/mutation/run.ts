/**
 * Mutation testing: `node test/mutation/run.ts [FILE…]` changes the decisions in every small way that Stryker's instrumenter knows, one at a
 * time, and runs the tests beside the code until one fails. What survives is a gap in the tests, or changes nothing that matters.
 * Without arguments the files that decide are played. RECORD=1 keeps the result of each file in docs/mutation.json.
 */
import { globSync } from 'node:fs';
import process from 'node:process';
import { type MutatedFile, recordMutated } from '../../scripts/mutation-results.ts';
import { stampOf } from '../../scripts/reliability-results.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { playAll, type Result } from './play.ts';

/** The files whose mistakes would let a bad version pass, or take a good one back. */
const DECIDING = [
  'src/core/gate.ts',
  'src/core/decision/decide.ts',
  'src/core/rollout/*.ts',
  'src/core/verification/exit-codes.ts',
];
const TESTS = 'src/{api,core}/**/*.test.ts';
function resultOf(own: readonly Mutant[], ends: ReadonlyMap<string, Result>): MutatedFile {
  const alive = own.filter(({ id }) => !['killed', 'hung'].includes(ends.get(id)?.kind ?? ''));
  return {
    mutants: own.length,
    noticed: own.length - alive.length,
    alive: alive.map(({ line, before, after }) => `${line}: ${oneLine(before)} → ${oneLine(after)}`),
    ...stamp,
  };
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 80);

const stamp = stampOf();
const asked = process.argv.slice(2);
const files = (asked.length > 0 ? asked : DECIDING.flatMap((pattern) => globSync(pattern)))
  .filter((file) => !file.endsWith('.test.ts'))
  .sort();
const core = (await mutantsOf(globSync('src/core/**/*.ts').filter((file) => !file.endsWith('.test.ts'))))
  .mutants.length;
const testFiles = globSync(TESTS).sort();
for (const file of files) {
  const { texts, mutants } = await mutantsOf([file]);
  const ends = await playAll({ texts, testFiles, mutants: mutants.map(({ id }) => id), longestTestMs: 150 });
  const result = resultOf(mutants, ends);
  console.log(`${file}: ${result.noticed} of ${result.mutants} mutants are noticed`);
  for (const one of result.alive) {
    console.log(`  ${one}`);
  }
  if (process.env['RECORD']) {
    recordMutated(core, file, result);
  }
}
