/** docs/reliability.json: how the tests of each fault went, and what was measured, when they were recorded last. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { FAULTS } from './reliability-faults.ts';
import { type FigureLine, type Figures, type Stamp, withFigures } from './reliability-figures.ts';
import { type Recoveries, type RecoveryLine, withRecoveries } from './reliability-recovery.ts';

export const RESULTS = 'docs/reliability.json';

export interface Outcome extends Stamp {
  readonly passed: number;
  readonly failed: number;
}

/** By fault and test file. */
export type Outcomes = Readonly<Record<string, Readonly<Record<string, Outcome>>>>;

/** What was measured and counted. */
export interface Measured {
  /** By the tests themselves, while their results are recorded. */
  readonly counted?: Figures;
  /** By the tests, too: how long upgrades took to recover. */
  readonly recoveries?: Recoveries;
  /** Bugs that were planted into the sources, and of these the ones that a test caught. */
  readonly planted?: { readonly caught: number; readonly of: number } & Stamp;
  /** Hostile inputs, none of which broke a rule. */
  readonly fuzz?: { readonly parsers: number; readonly sockets: number; readonly decisions: number } & Stamp;
  /** Upgrades under random faults on a real API server; what is named last is the last third of the time by the first. */
  readonly soak?: {
    readonly minutes: number;
    readonly upgrades: number;
    readonly fellBack: number;
    readonly lost: number;
    readonly wrong: number;
    readonly disturbed: number;
    readonly heap: number;
    readonly descriptors: number;
    readonly sockets: number;
    readonly timers: number;
  } & Stamp;
}

export interface Results {
  readonly faults: Outcomes;
  readonly measured: Measured;
}

/** What is read of a report of jest. */
export interface JestResults {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** The title of a table's tests stands for each of them: `%s`, `%d` and `$name` are whatever came there. */
const matching = (title: string): RegExp =>
  new RegExp(
    title
      .split(/%[sd]|\$\w+/)
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*'),
  );

/** Tests that the table names and that are not in these reports, although other tests of their files are: under that name they will never be recorded. */
export function unknownTests(reports: readonly JestResults[]): string[] {
  const ran = testsIn(reports);
  return FAULTS.flatMap(({ id, where }) =>
    where.flatMap(([file, ...titles]) => {
      const own = ran.filter((one) => one.file === file);
      return titles
        .filter((title) => own.length > 0 && !own.some(({ fullName }) => matching(title).test(fullName)))
        .map((title) => `${id}: ${file} has no test named ${JSON.stringify(title)}`);
    }),
  );
}

const testsIn = (reports: readonly JestResults[]) =>
  reports.flatMap(({ testResults }) =>
    testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map((one) => ({ ...one, file: relative(process.cwd(), name) })),
    ),
  );

/** `before`, with what these reports say of the tests of faults; a file of which they say nothing keeps what was known. */
export function withResults(before: Outcomes, reports: readonly JestResults[], stamp: Stamp): Outcomes {
  const ran = testsIn(reports);
  const outcomeOf = (file: string, titles: readonly string[]): Outcome | undefined => {
    const own = ran.filter(
      (one) => one.file === file && titles.some((title) => matching(title).test(one.fullName)),
    );
    const passed = own.filter(({ status }) => status === 'passed').length;
    const failed = own.filter(({ status }) => status === 'failed').length;
    return passed + failed > 0 ? { passed, failed, ...stamp } : undefined;
  };
  return Object.fromEntries(
    FAULTS.map(({ id, where }) => [
      id,
      Object.fromEntries(
        where.flatMap(([file, ...titles]) => {
          const outcome = outcomeOf(file, titles) ?? before[id]?.[file];
          return outcome ? [[file, outcome]] : [];
        }),
      ),
    ]),
  );
}

/** What was recorded last. */
export const readResults = (): Results =>
  existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : { faults: {}, measured: {} };

const write = (results: Results): void =>
  writeFileSync(RESULTS, `${JSON.stringify(results, undefined, 2)}\n`);

/** What a measurement is about, taken when it begins: it may take an hour. */
export const stampOf = (): Stamp => ({
  date: new Date().toISOString().slice(0, 10),
  commit: spawnSync('git', ['rev-parse', '--short=8', 'HEAD'], { encoding: 'utf8' }).stdout.trim(),
});

/** Adds what the reports in these files say, and what the tests counted into the file of figures. */
export function recordResults(files: readonly string[], figures: string): void {
  const { faults, measured } = readResults();
  const reports = files
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as JestResults);
  const lines = (existsSync(figures) ? readFileSync(figures, 'utf8').split('\n').filter(Boolean) : []).map(
    (line) => JSON.parse(line) as FigureLine | RecoveryLine,
  );
  const stamp = stampOf();
  const counted = withFigures(
    measured.counted ?? {},
    lines.filter((line) => 'count' in line),
    stamp,
  );
  const recoveries = withRecoveries(
    measured.recoveries ?? {},
    lines.filter((line) => 'fault' in line),
    stamp,
  );
  write({ faults: withResults(faults, reports, stamp), measured: { ...measured, counted, recoveries } });
  for (const unknown of unknownTests(reports)) {
    console.error(unknown);
  }
}

/** Replaces what was measured of this kind. */
export function recordMeasured<Kind extends Exclude<keyof Measured, 'counted' | 'recoveries'>>(
  kind: Kind,
  figures: Omit<NonNullable<Measured[Kind]>, keyof Stamp>,
  stamp: Stamp,
): void {
  const { faults, measured } = readResults();
  write({ faults, measured: { ...measured, [kind]: { ...figures, ...stamp } } });
}
