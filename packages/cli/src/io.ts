/** Input and output of a command, the properties of the terminal, and how the command is stopped. */
import { createInterface } from 'node:readline/promises';
import util from 'node:util';
import { textOf } from './read.ts';
import { forTerminal } from './text.ts';

type Style = Parameters<typeof util.styleText>[0];

export interface Io {
  /** Prints one or more lines to standard output. */
  out(text: string): void;
  /** Prints notes and faults to standard error. */
  note(text: string): void;
  /** Writes bytes to standard output. */
  write(bytes: string | Uint8Array): void;
  /** Whether standard output is a terminal, so that output is redrawn and cut to its width. */
  readonly terminal: boolean;
  readonly paint: (style: Style, text: string) => string;
  columns(): number;
  rows(): number;
  /** Calls `run` when the size of the terminal changes; the returned function stops that. */
  onResize(run: () => void): () => void;
  /** Calls `run` when the process ends for any reason; the returned function stops that. */
  onExit(run: () => void): () => void;
  now(): number;
  /** Prompts on the terminal; `undefined` without a terminal. */
  ask(question: string): Promise<string | undefined>;
  /** Reads all of standard input. */
  input(): Promise<string>;
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/** Returns the terminal of the process. */
export function processIo(process: NodeJS.Process): Io {
  const stopping = new AbortController();
  const { stdout, stderr, stdin } = process;
  const terminal = stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  const colour = terminal && stdout.hasColors();
  // The reader of the pipe has ended, as `head` does.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') {
      process.exit(0);
    }
    stderr.write(`error: standard output cannot be written: ${error.message}\n`, () => process.exit(1));
  });
  stderr.on('error', () => {});
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stopping.abort());
  }
  return {
    // A program that reads a pipe gets every character, a terminal none that it would execute.
    out: (text) => void stdout.write(`${terminalText(stdout, text)}\n`),
    note: (text) => void stderr.write(`${terminalText(stderr, text)}\n`),
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
    input: () => textOf(stdin, 'standard input'),
    signal: stopping.signal,
  };
}

const terminalText = ({ isTTY }: NodeJS.WriteStream, text: string): string =>
  isTTY ? forTerminal(text) : text;

/** Resolves after the time, or at once when the command is stopped. */
export function pause({ signal }: Pick<Io, 'signal'>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
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
