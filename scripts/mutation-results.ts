/** docs/mutation.json: which small changes of a file no test noticed when it was mutated last. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Stamp } from './reliability-figures.ts';

const RESULTS = 'docs/mutation.json';

export interface MutatedFile extends Stamp {
  readonly mutants: number;
  readonly noticed: number;
  /** `line: before → after` of those that no test noticed. */
  readonly alive: readonly string[];
}

/** Changes of all files together, chosen at random from this seed; `alive` names the file, too. */
export interface MutatedSample extends MutatedFile {
  readonly seed: number;
}

export interface Mutated {
  /** How many mutants all files of src/core have. */
  readonly core: number;
  /** By file, what was recorded last. */
  readonly files: Readonly<Record<string, MutatedFile>>;
  readonly sample?: MutatedSample;
}

export const readMutated = (): Mutated =>
  existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : { core: 0, files: {} };

/** Replaces the result of this file. */
export function recordMutated(core: number, file: string, result: MutatedFile): void {
  const before = readMutated();
  const all = Object.entries({ ...before.files, [file]: result });
  write({ ...before, core, files: Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1))) });
}

/** Replaces the result of the sample. */
export const recordSample = (core: number, sample: MutatedSample): void =>
  write({ ...readMutated(), core, sample });

const write = (mutated: Mutated): void =>
  writeFileSync(RESULTS, `${JSON.stringify(mutated, undefined, 2)}\n`);

/** The part that is noticed of all changes, of which these were chosen at random: from and to, with 95 % confidence (Wilson's interval). */
export function confidence({
  mutants,
  noticed,
}: Pick<MutatedFile, 'mutants' | 'noticed'>): readonly [number, number] {
  const z = 1.96;
  const part = noticed / mutants;
  const middle = part + z ** 2 / (2 * mutants);
  const half = z * Math.sqrt((part * (1 - part)) / mutants + z ** 2 / (4 * mutants ** 2));
  const whole = 1 + z ** 2 / mutants;
  return [(middle - half) / whole, (middle + half) / whole];
}

/** All recorded files together. */
export function totalOf({ files }: Mutated): Pick<MutatedFile, 'mutants' | 'noticed'> {
  const all = Object.values(files);
  const sum = (of: (one: MutatedFile) => number): number => all.reduce((total, one) => total + of(one), 0);
  return { mutants: sum(({ mutants }) => mutants), noticed: sum(({ noticed }) => noticed) };
}
