/** Parses the values of flags where they are declared: a wrong one is wrong usage, before any request is sent. */
import { Option } from 'commander';
import { PHASES } from '../../../src/api/enums.ts';
import { Fault } from './fault.ts';
import { duration, nearest } from './text.ts';

/** Parses a time such as `30s` to milliseconds. */
export const time =
  (flag: string) =>
  (value: string): number =>
    duration(flag, value);

/** A flag that takes some of a closed list, separated by commas and in any case: it parses them, and completion suggests them. */
function listFlag<T extends string>(
  flags: string,
  description: string,
  known: readonly T[],
  problem: (word: string) => string,
): Option {
  const parse = (value: string): readonly T[] =>
    value.split(',').map((word) => oneOf(word, known, problem(JSON.stringify(word))));
  return new ListOption(flags, description).choices(known).argParser(parse);
}

/** An option whose value may be several of its choices, separated by commas. */
export class ListOption extends Option {}

export const phases = (): Option =>
  listFlag(
    '--phase <phases>',
    'only these phases, separated by commas',
    PHASES,
    (word) => `there is no phase ${word}`,
  );

/** The types of events. */
export const EVENT_TYPES = ['Normal', 'Warning'];

export const eventTypes = (): Option =>
  listFlag(
    '--types <types>',
    'Normal, Warning, or both (default)',
    EVENT_TYPES,
    (word) => `there are no events of type ${word}`,
  );

/** Parses `--flag`, `--flag=true` and `--flag=false`, like kubectl. */
export const boolean = (flags: string, description: string): Option =>
  new Option(flags, description).choices(['true', 'false']).argParser((value: string): boolean => {
    if (!/^(true|1|yes|false|0|no)$/i.test(value)) {
      throw new Fault(`${flags.split(' ')[0]} must be true or false, not ${JSON.stringify(value)}`);
    }
    return /^(true|1|yes)$/i.test(value);
  });

function oneOf<T extends string>(word: string, known: readonly T[], problem: string): T {
  const found = known.find((one) => one.toLowerCase() === word.trim().toLowerCase());
  if (found !== undefined) {
    return found;
  }
  const meant = nearest(word, known);
  throw new Fault(`${problem}${meant ? `; did you mean ${meant}?` : `: use ${known.join(', ')}`}`);
}

/** Parses the number of an attempt. */
export const attemptNumber = (value: string): number => whole('--attempt', value, { from: 1 });

/** Parses a port; 0 is a free one. */
export const port = (value: string): number => whole('--port', value, { from: 0, to: 65_535 });

function whole(flag: string, value: string, { from, to }: { from: number; to?: number }): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < from || number > (to ?? Number.MAX_SAFE_INTEGER)) {
    const range = to === undefined ? `from ${from}` : `from ${from} to ${to}`;
    throw new Fault(`${flag} must be a number ${range}, not ${JSON.stringify(value)}`);
  }
  return number;
}
