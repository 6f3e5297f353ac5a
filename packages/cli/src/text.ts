/** Formats text, columns, ages, times and durations. */
import stringWidth from 'string-width';
import { editDistance } from '../../../src/api/edit-distance.ts';
import { own } from '../../../src/api/own.ts';
import { oneLine, printable, printableLine } from '../../../src/api/printable.ts';
import { fromIso } from '../../../src/core/time.ts';
import { Fault } from './fault.ts';
import type { Io } from './io.ts';

/** Returns untrusted text as one line that cannot move the cursor. */
export const plain = (text: string): string => printableLine(text);

/** Returns the non-empty lines of an output, without the result line of the readiness script. */
export const plainLines = (output: string): string[] =>
  output
    .split('\n')
    .map((line) => plain(line).trim())
    .filter((line) => line !== '' && !line.startsWith('postcheck: stage='));

// biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours
const COLOUR = /(\u001b\[[0-9;]*m)/;
const RESET = '\u001b[0m';

/** Returns the lines without anything but colours that a terminal would execute, whatever object of the cluster they come from. */
export const forTerminal = (text: string): string =>
  text
    .split(COLOUR)
    .map((part) => (COLOUR.test(part) ? part : printable(part)))
    .join('');

const cellOf = (text: string): string => forTerminal(oneLine(text));

/** Cuts a text to `width` columns; colours have no width, and are reset at the end. */
export function fit(text: string, width: number): string {
  if (stringWidth(text) <= width) {
    return text;
  }
  let left = width - 1;
  let result = '';
  for (const part of text.split(COLOUR)) {
    if (COLOUR.test(part)) {
      result += part;
      continue;
    }
    for (const character of part) {
      const wide = stringWidth(character);
      if (wide > left) {
        return `${result}…${result.includes('\u001b[') ? RESET : ''}`;
      }
      result += character;
      left -= wide;
    }
  }
  return result;
}

/** Formats rows in columns, separated by three blanks like in kubectl; the last column is not padded. A cell is one line that is safe to show. */
export function columns(cells: readonly (readonly string[])[]): string[] {
  const rows = cells.map((row) => row.map(cellOf));
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => stringWidth(row[column] ?? ''))),
  );
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - stringWidth(cell) + 3),
      )
      .join('')
      .trimEnd(),
  );
}

/** Wraps a text at its blanks to lines of at most `width` columns; a longer word is cut into pieces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((long) => pieces(long, width))) {
    if (line !== '' && stringWidth(line) + 1 + stringWidth(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function pieces(word: string, width: number): string[] {
  const all = [''];
  for (const character of stringWidth(word) > width ? word : [word]) {
    if (all[0] !== '' && stringWidth(`${all.at(-1)}${character}`) > width) {
      all.push('');
    }
    all.push(`${all.pop()}${character}`);
  }
  return all;
}

/** The least room for a text beside the other columns. */
const LEAST_ROOM = 40;
const INDENT = 3;

/** The same for a window: the last column is a text, which is wrapped, below the row if there is too little room beside it. Nothing of it is cut. */
export function columnsIn(width: number, cells: readonly (readonly string[])[]): string[] {
  const rows = columns(cells.map((row) => row.slice(0, -1)));
  const texts = cells.map((row) => cellOf(row.at(-1) ?? ''));
  const from = Math.max(...rows.map((row) => stringWidth(row))) + INDENT;
  const isBeside = width - from >= LEAST_ROOM;
  const indent = ' '.repeat(isBeside ? from : INDENT);
  return rows.flatMap((row, index) => {
    const lines = wrap(texts[index] ?? '', Math.max(1, width - indent.length)).map(
      (line) => `${indent}${line}`,
    );
    const front = isBeside
      ? `${row}${indent.slice(stringWidth(row))}${lines.shift()?.trimStart()}`
      : fit(row, width);
    return [front.trimEnd(), ...lines.filter((line) => line.trim() !== '')];
  });
}

/** A table as it is printed: for a window on a terminal, and whole lines for a pipe. */
export const tableLines = (
  { terminal, columns: width }: Pick<Io, 'terminal' | 'columns'>,
  cells: readonly (readonly string[])[],
): string[] => (terminal ? columnsIn(width(), cells) : columns(cells));

/** Formats an age like kubectl: `12s`, `4m10s`, `3h5m`, `2d4h`, `41d`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [minutes, hours, days] = [60, 3600, 86_400].map((unit) => Math.floor(seconds / unit)) as [
    number,
    number,
    number,
  ];
  if (seconds < 120) {
    return `${seconds}s`;
  }
  if (minutes < 10) {
    return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
  }
  if (minutes < 180) {
    return `${minutes}m`;
  }
  if (hours < 8) {
    return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  }
  if (hours < 48) {
    return `${hours}h`;
  }
  return days < 8 && hours % 24 ? `${days}d${hours % 24}h` : `${days}d`;
}

/** Formats a time as `03:12:07` in local time. */
export const clockTime = (ms: number): string => new Date(ms).toTimeString().slice(0, 8);

/** Formats the time of day, with the date if it is not today. */
export function moment(iso: string | undefined, now: number): string {
  if (iso === undefined) {
    return '?';
  }
  const at = fromIso(iso);
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
  return sameDay ? clockTime(at) : `${day(at)} ${clockTime(at)}`;
}

function day(ms: number): string {
  const date = new Date(ms);
  const two = (part: number) => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Parses `5m`, `1h30m`, `90s` to milliseconds; a bare number is seconds. */
export function duration(flag: string, value: string): number {
  const ms = milliseconds(value);
  if (ms === undefined) {
    throw new Fault(`${flag} must be a time such as 30s, 5m or 1h30m, not ${JSON.stringify(value)}`);
  }
  return ms;
}

/** The same; `undefined` for any other text. */
export function milliseconds(value: string): number | undefined {
  if (/^\d+$/.test(value)) {
    return Number(value) * 1000;
  }
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  return parts.length === 0 || parts.map(([all]) => all).join('') !== value
    ? undefined
    : parts.reduce((sum, [, number, unit]) => sum + Number(number) * (own(UNITS, unit ?? 's') ?? 0), 0);
}

/** How many letters of a word may be wrong. In a word of two letters none: half of it would be another word. */
const mistakesIn = ({ length }: string): number =>
  Math.min(Math.max(2, Math.floor(length / 3)), Math.floor((length - 1) / 2));

/** Returns the known word that this one most likely stands for; `undefined` if none is similar. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, away: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.away - b.away);
  return best && best.away <= mistakesIn(word) ? best.candidate : undefined;
}
