/**
 * Shows that the tests see: plants one bug after the other into a copy of the sources and expects the tests of the decisions, of the engine
 * and of the simulation to fail. `npx node test/sim/planted.ts [WORD…]` for those whose name has such a word.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BUGS, type Bug } from './planted-bugs.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** The quick ones first: those beside the file, those of all decisions, how stories end, everything else. */
const testsFor = ({ file }: Pick<Bug, 'file'>): readonly string[][] => [
  [`src/${dirname(file)}/`],
  ['src/api/', 'src/core/', 'src/engine/'],
  ['test/sim/stories.test'],
  ['test/sim/'],
];
const EVERYTHING = [['src/api/', 'src/core/', 'src/engine/', 'test/sim/']];

function copyOfTheSources(): string {
  const folder = mkdtempSync(join(tmpdir(), 'planted-'));
  for (const part of ['src', 'test/sim', 'test/support', 'package.json', 'jest.config.js', 'tsconfig.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

function plant(folder: string, { name, file, find, replace }: Bug): () => void {
  const path = join(folder, 'src', file);
  const before = readFileSync(path, 'utf8');
  if (!before.includes(find)) {
    throw new Error(`"${name}" can no longer be planted: src/${file} has no ${JSON.stringify(find)}`);
  }
  writeFileSync(
    path,
    before.replaceAll(find, () => replace),
  );
  return () => writeFileSync(path, before);
}

/** The first test that failed, or `undefined` when none did. */
function caughtBy(folder: string, tests: readonly string[][]): string | undefined {
  const jest = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    '--bail',
    '--silent',
    '--passWithNoTests',
  ];
  for (const some of tests) {
    const result = spawnSync(process.execPath, [...jest, ...some], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 3_600_000,
      maxBuffer: 1e9,
    });
    // That tests do not end is no sight of a bug: the machine may be too slow.
    if (result.error) {
      throw result.error;
    }
    if (result.status !== 0) {
      return /● (.*)/.exec(result.stderr)?.[1] ?? `the tests could not run: ${result.stderr.slice(-500)}`;
    }
  }
  return undefined;
}

const words = process.argv.slice(2);
const folder = copyOfTheSources();
const missed: string[] = [];
const healthy = caughtBy(folder, EVERYTHING);
if (healthy !== undefined) {
  rmSync(folder, { recursive: true, force: true });
  console.error(`with nothing planted this test fails, so no bug would have to be seen: ${healthy}`);
  process.exit(1);
}
const chosen = BUGS.filter(({ name }) => words.every((word) => name.includes(word)));
try {
  for (const bug of chosen) {
    const cure = plant(folder, bug);
    const startedAt = performance.now();
    const test = caughtBy(folder, testsFor(bug));
    cure();
    if (test === undefined) {
      missed.push(bug.name);
    }
    console.log(
      `${test === undefined ? 'MISSED' : 'caught'} in ${((performance.now() - startedAt) / 1000).toFixed(0)} s: ${bug.name}${test ? `\n       by ${test}` : ''}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length - missed.length} of ${chosen.length} planted bugs were caught`);
process.exit(missed.length > 0 ? 1 : 0);
