/** A terminal that remembers. */
import type { Io } from '../src/io.ts';

export interface FakeIo extends Io {
  readonly lines: string[];
  readonly notes: string[];
  readonly written: string[];
  resize(columns: number, rows: number): void;
}

export function fakeIo({
  now = Date.parse('2026-01-01T03:05:00Z'),
  terminal = false,
  columns = 100,
  rows = 40,
  answer,
}: {
  now?: number;
  terminal?: boolean;
  columns?: number;
  rows?: number;
  answer?: string;
} = {}): FakeIo {
  const size = { columns, rows };
  const resized = new Set<() => void>();
  const [lines, notes, written]: [string[], string[], string[]] = [[], [], []];
  return {
    lines,
    notes,
    written,
    out: (text) => void lines.push(...text.split('\n')),
    note: (text) => void notes.push(text),
    write: (bytes) => void written.push(String(bytes)),
    terminal,
    paint: (_, text) => text,
    columns: () => size.columns,
    rows: () => size.rows,
    onExit: () => () => {},
    onResize: (run) => {
      resized.add(run);
      return () => void resized.delete(run);
    },
    resize: (wide, high) => {
      Object.assign(size, { columns: wide, rows: high });
      for (const run of resized) {
        run();
      }
    },
    now: () => now,
    ask: async () => answer,
    input: async () => '',
    signal: new AbortController().signal,
  };
}
