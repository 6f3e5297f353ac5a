/** The mutants of a file, all of them in one text that switches them on one at a time. */
import { readFileSync } from 'node:fs';
import { Instrumenter } from '@stryker-mutator/instrumenter';

export interface Mutant {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  /** What stands in the file, and what the mutant has instead. */
  readonly before: string;
  readonly after: string;
  /** Where it stands, in characters. */
  readonly from: number;
  readonly to: number;
}

export interface Mutated {
  /** By file, what is to be run in its place. */
  readonly texts: Readonly<Record<string, string>>;
  readonly mutants: readonly Mutant[];
}

const SILENT = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
};

function offsetOf(text: string, { line, column }: { line: number; column: number }): number {
  let start = 0;
  for (let at = 0; at < line; at++) {
    start = text.indexOf('\n', start) + 1;
  }
  return start + column;
}

export async function mutantsOf(files: readonly string[]): Promise<Mutated> {
  const before = new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
  const { files: made, mutants } = await new Instrumenter(SILENT).instrument(
    files.map((name) => ({ name, content: before.get(name) ?? '', mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [] },
  );
  return {
    texts: Object.fromEntries(made.map(({ name, content }) => [name, content])),
    mutants: mutants.map(({ id, fileName, location, replacement }) => {
      const text = before.get(fileName) ?? '';
      const [from, to] = [offsetOf(text, location.start), offsetOf(text, location.end)];
      return {
        id,
        file: fileName,
        line: location.start.line + 1,
        before: text.slice(from, to),
        after: replacement,
        from,
        to,
      };
    }),
  };
}
