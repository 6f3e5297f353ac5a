/** A copy of the sources with its tests, in which a file can be changed to see which test notices. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const COPIED = ['src', 'test/sim', 'test/support', 'package.json', 'jest.config.js', 'tsconfig.json'];
const JEST = [
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
  '--reporters=./test/sim/first-failure.ts',
  '--runInBand',
  '--silent',
  '--passWithNoTests',
];

/** A test by its file and full name. */
export interface TestName {
  readonly file: string;
  readonly test: string;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

export class ChangedSources {
  readonly #folder = mkdtempSync(join(tmpdir(), 'postcheck-changed-'));

  constructor() {
    for (const part of COPIED) {
      cpSync(join(ROOT, part), join(this.#folder, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'));
  }

  /** Changes a file; the returned function changes it back. */
  change(file: string, change: (text: string) => string): () => void {
    const path = join(this.#folder, file);
    const before = readFileSync(path, 'utf8');
    writeFileSync(path, change(before));
    return () => writeFileSync(path, before);
  }

  /** Returns the first test that fails in the files that match one of these patterns. */
  firstFailure(patterns: readonly string[]): TestName | undefined {
    return this.#run(patterns);
  }

  /** Returns the first of these tests that fails; one that no longer exists does not. */
  firstFailureOf(tests: readonly TestName[]): TestName | undefined {
    if (tests.length === 0) {
      return undefined;
    }
    const files = new Set(tests.map(({ file }) => `^${escaped(join(this.#folder, file))}$`));
    const names = tests.map(({ test }) => escaped(test));
    return this.#run([...files, '--testNamePattern', `^(${names.join('|')})$`]);
  }

  fails(test: TestName): boolean {
    return this.firstFailureOf([test]) !== undefined;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(args: readonly string[]): TestName | undefined {
    const { error, status, stdout, stderr } = spawnSync(process.execPath, [...JEST, ...args], {
      cwd: this.#folder,
      env: { ...env, SWEEPS: 'whole' },
      encoding: 'utf8',
      timeout: 3_600_000,
      maxBuffer: 1e9,
    });
    // Tests that do not end, or cannot begin, have seen nothing: the machine may be too slow, or the change may be no program.
    if (error) {
      throw error;
    }
    if (status === 0) {
      return undefined;
    }
    const { file, test, broken } = stdout.startsWith('{')
      ? JSON.parse(stdout)
      : { broken: stderr.slice(-1000) };
    if (broken !== undefined) {
      throw new Error(`the tests cannot run: ${broken}`);
    }
    return { file: relative(this.#folder, file), test };
  }
}
