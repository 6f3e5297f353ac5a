/**
 * When an attempt, and each further stage, may begin: windows of the week in a time zone. What a clock on the wall of that zone shows is
 * taken from the rules of `Intl`, so that changes to and from summer time are those that hold there.
 */
import type { UpgradeSpec } from '../api/types.ts';

export type Window = NonNullable<UpgradeSpec['windows']>[number];

/** In the order of Date.getUTCDay. */
export const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const DAY_MS = 24 * 60 * 60_000;

export type Opening =
  | { readonly isOpen: true }
  | { readonly isOpen: false; readonly opensAt: number; readonly timeZone: string };

const OPEN: Opening = { isOpen: true };

/** Whether one of the windows is open, and else which one opens next. Without windows, and with a time zone that does not exist, it is open. */
export function openingOf(windows: readonly Window[], now: number): Opening {
  const known = windows.filter(({ timeZone }) => isTimeZone(timeZone));
  const next = known.map((window) => ({ timeZone: window.timeZone, opensAt: nextStart(window, now) }));
  const [first] = next.sort((a, b) => a.opensAt - b.opensAt);
  return first && !known.some((window) => isInside(window, now)) ? { isOpen: false, ...first } : OPEN;
}

/** A start is at most one day, and what the clock is put on by, away from where its date is in UTC. */
function isInside(window: Window, now: number): boolean {
  const lengthMs = window.durationSeconds * 1000;
  return starts(window, now - lengthMs - 2 * DAY_MS, now + 2 * DAY_MS).some(
    (start) => start <= now && now < start + lengthMs,
  );
}

const nextStart = (window: Window, now: number): number =>
  Math.min(...starts(window, now - 2 * DAY_MS, now + 9 * DAY_MS).filter((start) => start > now));

/** When the window starts on each of its days between two moments, as dates are counted in UTC. */
function starts({ days, start, timeZone }: Window, from: number, until: number): number[] {
  const [hours = 0, minutes = 0] = start.split(':').map(Number);
  const first = Math.floor(from / DAY_MS) * DAY_MS;
  return Array.from({ length: Math.ceil((until - first) / DAY_MS) }, (_, index) => first + index * DAY_MS)
    .filter((date) => !days || days.some((day) => day === DAYS[new Date(date).getUTCDay()]))
    .map((date) => momentOf(date + (hours * 60 + minutes) * 60_000, timeZone));
}

/**
 * When the clock of a zone shows `wall` (written as if it were UTC). A time that is shown twice is the first of the two; one that is
 * skipped counts by the clock of before, as in RFC 5545: half past two is then half past three.
 */
function momentOf(wall: number, timeZone: string): number {
  const [before, after] = [wall - DAY_MS, wall + DAY_MS].map((about) => wall - offsetAt(about, timeZone));
  return [before, after].find((at = 0) => at + offsetAt(at, timeZone) === wall) ?? before ?? wall;
}

/** By how much the clock of a zone is ahead of UTC. */
const offsetAt = (at: number, timeZone: string): number =>
  wallAt(at, timeZone) - Math.floor(at / 1000) * 1000;

/** What the clock of a zone shows, written as if it were UTC. */
export function wallAt(at: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatterOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** To make one takes longer than to use it a hundred times; who may write Upgrades must not make us keep them all. */
const formatters = new Map<string, Intl.DateTimeFormat>();
const MOST_FORMATTERS = 64;

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known) {
    return known;
  }
  const numeric = 'numeric' as const;
  const formatter = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
  });
  if (formatters.size >= MOST_FORMATTERS) {
    formatters.clear();
  }
  formatters.set(timeZone, formatter);
  return formatter;
}

/** Is there such a time zone? */
export function isTimeZone(timeZone: string): boolean {
  try {
    return formatterOf(timeZone) !== undefined;
  } catch {
    return false;
  }
}
