/** Where a command writes, what it knows of the terminal, and how it is stopped. */
import { createInterface } from 'node:readline/promises';
import util from 'node:util';

type Style = Parameters<typeof util.styleText>[0];

export interface Io {
  /** One line, or several, on standard output. */
  out(text: string): void;
  /** Notes and faults, on standard error. */
  note(text: string): void;
  /** Bytes on standard output. */
  write(bytes: string | Uint8Array): void;
  /** Standard output is a terminal: redraw, cut to its width. */
  readonly terminal: boolean;
  readonly paint: (style: Style, text: string) => string;
  columns(): number;
  rows(): number;
  /** Calls back when the terminal changes its size; the returned function ends that. */
  onResize(run: () => void): () => void;
  /** Calls back when the process ends, however it does; the returned function ends that. */
  onExit(run: () => void): () => void;
  now(): number;
  /** Prompts on the terminal; `undefined` without a terminal. */
  ask(question: string): Promise<string | undefined>;
  /** All of standard input. */
  input(): Promise<string>;
  /** Aborted by Ctrl-C, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
}

/** The real terminal. */
export function processIo(process: NodeJS.Process): Io {
  const stopping = new AbortController();
  const { stdout, stderr, stdin } = process;
  const terminal = stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  const colour = terminal && stdout.hasColors();
  // The reader of a pipe went away, as `head` does: there is nobody left to write for.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : 1);
  });
  stderr.on('error', () => {});
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopping.abort());
  }
  return {
    out: (text) => void stdout.write(`${text}\n`),
    note: (text) => void stderr.write(`${text}\n`),
    write: (bytes) => void stdout.write(bytes),
    terminal,
    paint: (style, text) => (colour ? util.styleText(style, text, { validateStream: false }) : text),
    columns: () => stdout.columns || 80,
    rows: () => stdout.rows || 24,
    onResize: (run) => {
      stdout.on('resize', run);
      return () => void stdout.off('resize', run);
    },
    onExit: (run) => {
      process.once('exit', run);
      return () => void process.off('exit', run);
    },
    now: () => Date.now(),
    ask: (question) => ask(process, question, stopping.signal),
    input: async () => {
      const parts: Buffer[] = [];
      for await (const part of stdin) {
        parts.push(part as Buffer);
      }
      return Buffer.concat(parts).toString('utf8');
    },
    signal: stopping.signal,
  };
}

async function ask(
  { stdin, stderr }: NodeJS.Process,
  question: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!stdin.isTTY) {
    return undefined;
  }
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await lines.question(question, { signal });
  } catch {
    return undefined;
  } finally {
    lines.close();
  }
}
