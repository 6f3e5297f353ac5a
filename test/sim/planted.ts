/**
 * Shows that the tests see: plants one bug after the other into a copy of the sources and expects a test of the decisions, of the engine or of
 * the simulation to fail. The test that caught a bug is kept in planted-caught.json and runs first the next time; where it no longer does,
 * all others follow. `npx node test/sim/planted.ts [WORD…]` for the bugs whose name has these words; RECORD=1 keeps the result of all.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { recordMeasured, stampOf } from '../../scripts/reliability-results.ts';
import { ChangedSources, type TestName } from './changed-sources.ts';
import { BUGS, type Bug } from './planted-bugs.ts';

const KEPT = new URL('planted-caught.json', import.meta.url);
const kept = new Map<string, TestName>(Object.entries(JSON.parse(readFileSync(KEPT, 'utf8'))));

/** The quick ones first: those beside the file, those of all decisions, how stories end, everything else. */
const testsFor = ({ file }: Bug): readonly string[][] => [
  [`src/${dirname(file)}/`],
  ['src/api/', 'src/core/', 'src/engine/'],
  ['test/sim/stories.test'],
  ['test/sim/'],
];

function keep(): void {
  const known = BUGS.flatMap(({ name }) => {
    const test = kept.get(name);
    return test ? [[name, test]] : [];
  });
  writeFileSync(KEPT, `${JSON.stringify(Object.fromEntries(known), undefined, 2)}\n`);
}

function planted({ name, file, find, replace }: Bug): (text: string) => string {
  return (text) => {
    if (!text.includes(find)) {
      throw new Error(`"${name}" can no longer be planted: src/${file} has no ${JSON.stringify(find)}`);
    }
    return text.replaceAll(find, () => replace);
  };
}

function catchIn(sources: ChangedSources, bug: Bug): TestName | undefined {
  const known = kept.get(bug.name);
  if (known && sources.fails(known)) {
    return known;
  }
  for (const patterns of testsFor(bug)) {
    const test = sources.firstFailure(patterns);
    if (test) {
      return test;
    }
  }
  return undefined;
}

/** Plants the bug; returns the test that fails only with it. */
function caughtBy(sources: ChangedSources, bug: Bug): TestName | undefined {
  const cure = sources.change(`src/${bug.file}`, planted(bug));
  let test: TestName | undefined;
  try {
    test = catchIn(sources, bug);
  } finally {
    cure();
  }
  if (test && kept.get(bug.name)?.test !== test.test && sources.fails(test)) {
    throw new Error(`with nothing planted this test fails, too: ${test.file}: ${test.test}`);
  }
  return test;
}

const stamp = stampOf();
const words = process.argv.slice(2);
const chosen = BUGS.filter(({ name }) => words.every((word) => name.includes(word)));
const sources = new ChangedSources();
const missed: string[] = [];
try {
  const failing = sources.firstFailureOf(chosen.flatMap(({ name }) => kept.get(name) ?? []));
  if (failing) {
    throw new Error(`with nothing planted this test fails, too: ${failing.file}: ${failing.test}`);
  }
  for (const bug of chosen) {
    const began = performance.now();
    const test = caughtBy(sources, bug);
    const took = `${((performance.now() - began) / 1000).toFixed(0)} s`;
    if (test === undefined) {
      kept.delete(bug.name);
      missed.push(bug.name);
      console.log(`MISSED in ${took}: ${bug.name}`);
    } else {
      kept.set(bug.name, test);
      console.log(`caught in ${took}: ${bug.name}\n       by ${test.file}: ${test.test}`);
    }
    keep();
  }
} finally {
  sources.remove();
}
console.log(`${chosen.length - missed.length} of ${chosen.length} planted bugs were caught`);
if (process.env['RECORD'] && chosen.length === BUGS.length) {
  recordMeasured('planted', { caught: BUGS.length - missed.length, of: BUGS.length }, stamp);
}
process.exit(missed.length > 0 ? 1 : 0);
