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

export interface Mutated {
  /** How many mutants all files of src/core have. */
  readonly core: number;
  /** By file, what was recorded last. */
  readonly files: Readonly<Record<string, MutatedFile>>;
}

export const readMutated = (): Mutated =>
  existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : { core: 0, files: {} };

/** Replaces the result of this file. */
export function recordMutated(core: number, file: string, result: MutatedFile): void {
  const all = Object.entries({ ...readMutated().files, [file]: result });
  const files = Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(RESULTS, `${JSON.stringify({ core, files }, undefined, 2)}\n`);
}

/** All recorded files together. */
export function totalOf({ files }: Mutated): Pick<MutatedFile, 'mutants' | 'noticed'> {
  const all = Object.values(files);
  const sum = (of: (one: MutatedFile) => number): number => all.reduce((total, one) => total + of(one), 0);
  return { mutants: sum(({ mutants }) => mutants), noticed: sum(({ noticed }) => noticed) };
}
