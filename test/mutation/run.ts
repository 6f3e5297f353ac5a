/**
 * Mutation testing: `node test/mutation/run.ts [FILE…]` changes the decisions in every small way that Stryker's instrumenter knows, one at a
 * time, and runs the tests beside the code until one fails. What survives is a gap in the tests, or changes nothing that matters.
 * Without arguments the files that decide are played. `--sample N [--seed N]` plays so many changes of all files of src/core instead, chosen at
 * random, and the stories of the simulation too. RECORD=1 keeps the results in docs/mutation.json.
 */
import { globSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { type MutatedFile, recordMutated, recordSample } from '../../scripts/mutation-results.ts';
import { stampOf } from '../../scripts/reliability-results.ts';
import { Random } from '../fuzz/random.ts';
import { type Mutant, mutantsOf } from './mutants.ts';
import { playAll, type Result } from './play.ts';

/** The files whose mistakes would let a bad version pass, or take a good one back. */
const DECIDING = [
  'src/core/gate.ts',
  'src/core/decision/decide.ts',
  'src/core/rollout/*.ts',
  'src/core/verification/exit-codes.ts',
];
const CORE = 'src/core/**/*.ts';
const TESTS = 'src/{api,core}/**/*.test.ts';
/** The simulation's stories, without its sweeps through faults and crashes, which take minutes. */
const STORIES =
  'test/sim/{adopted-pod,baseline,brake,fleet,freed,gate,image-changed,late-write,lost-node,outage,owners,rivals,situations,stages,stories,turns}.test.ts';
/** A test that takes longer is left out; a story takes longer than a test of one decision. */
const LONGEST_MS = { test: 150, story: 600 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { sample: { type: 'string' }, seed: { type: 'string', default: '1' } },
});
const stamp = stampOf();

const withoutTests = (files: readonly string[]): readonly string[] =>
  files.filter((file) => !file.endsWith('.test.ts')).toSorted();

/** `text` says how a change is told. */
function resultOf(
  played: readonly Mutant[],
  ends: ReadonlyMap<string, Result>,
  text: (mutant: Mutant) => string,
): MutatedFile {
  const alive = played.filter(({ id }) => !['killed', 'hung'].includes(ends.get(id)?.kind ?? ''));
  return {
    mutants: played.length,
    noticed: played.length - alive.length,
    alive: alive.map(text),
    ...stamp,
  };
}

const changeText = ({ line, before, after }: Mutant): string =>
  `${line}: ${oneLine(before)} → ${oneLine(after)}`;
const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').slice(0, 80);

function tell(what: string, { noticed, mutants, alive }: MutatedFile): void {
  console.log(`${what}: ${noticed} of ${mutants} mutants are noticed`);
  for (const one of alive) {
    console.log(`  ${one}`);
  }
}

/** All files in one process: every test is loaded and measured once, not once for each file. */
async function playFiles(files: readonly string[]): Promise<void> {
  const core = (await mutantsOf(withoutTests(globSync(CORE)))).mutants.length;
  const { texts, mutants } = await mutantsOf(files);
  const ends = await playAll({
    texts,
    testFiles: globSync(TESTS).sort(),
    mutants: mutants.map(({ id }) => id),
    longestTestMs: LONGEST_MS.test,
  });
  for (const file of files) {
    const own = mutants.filter((mutant) => mutant.file === file);
    const result = resultOf(own, ends, changeText);
    tell(file, result);
    if (process.env['RECORD']) {
      recordMutated(core, file, result);
    }
  }
}

/** So many of these, each at most once. */
function choose<T>(all: readonly T[], count: number, random: Random): readonly T[] {
  const left = [...all];
  return Array.from({ length: Math.min(count, all.length) }, () =>
    left.splice(random.below(left.length), 1),
  ).flat();
}

async function playSample(count: number, seed: number): Promise<void> {
  const { texts, mutants } = await mutantsOf(withoutTests(globSync(CORE)));
  const chosen = choose(mutants, count, new Random(seed));
  const work = {
    texts,
    testFiles: [TESTS, STORIES].flatMap((pattern) => globSync(pattern)).sort(),
    mutants: chosen.map(({ id }) => id),
    longestTestMs: LONGEST_MS.story,
  };
  let done = 0;
  const ends = await playAll(work, (id, { kind }) => {
    const { file, ...mutant } = chosen.find((one) => one.id === id) as Mutant;
    console.log(`${++done} of ${chosen.length}: ${kind}  ${file}:${changeText({ ...mutant, file })}`);
  });
  const result = resultOf(chosen, ends, (mutant) => `${mutant.file}:${changeText(mutant)}`);
  tell(`${count} of ${mutants.length} changes of src/core`, result);
  if (process.env['RECORD']) {
    recordSample(mutants.length, { ...result, seed });
  }
}

if (values.sample !== undefined) {
  await playSample(Number(values.sample), Number(values.seed));
} else {
  await playFiles(
    withoutTests(positionals.length > 0 ? positionals : DECIDING.flatMap((pattern) => globSync(pattern))),
  );
}
