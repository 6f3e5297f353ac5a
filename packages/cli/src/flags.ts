/** Parses the values of flags where they are declared: a wrong one is wrong usage, before any request is sent. */
import { PHASES, type Phase } from '../../../src/api/enums.ts';
import { Fault } from './fault.ts';
import { duration, nearest } from './text.ts';

/** Parses a time such as `30s` to milliseconds. */
export const time =
  (flag: string) =>
  (value: string): number =>
    duration(flag, value);

/** Parses `FellBack,Failed`, in any case. */
export const phases = (value: string): readonly Phase[] =>
  value.split(',').map((word) => oneOf(word, PHASES, `there is no phase ${JSON.stringify(word)}`));

/** The types of events. */
export const EVENT_TYPES = ['Normal', 'Warning'];

/** Parses `Normal,Warning`, in any case. */
export const eventTypes = (value: string): readonly string[] =>
  value
    .split(',')
    .map((word) => oneOf(word, EVENT_TYPES, `there are no events of type ${JSON.stringify(word)}`));

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
