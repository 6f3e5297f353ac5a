/**
 * When an attempt, and each further stage, may start: weekly windows in a time zone. Local times come from `Intl`, so changes to and from
 * daylight saving time are those of that zone.
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

/** Whether a window is open, or else when the next one opens. Without windows, and with an unknown time zone, it counts as open. */
export function openingOf(windows: readonly Window[], now: number): Opening {
  const valid = windows.filter(({ timeZone }) => isTimeZone(timeZone));
  const next = valid.map((window) => ({ timeZone: window.timeZone, opensAt: nextStart(window, now) }));
  const [first] = next.sort((a, b) => a.opensAt - b.opensAt);
  return first && !valid.some((window) => isInside(window, now)) ? { isOpen: false, ...first } : OPEN;
}

/** A local start time differs from the same time in UTC by at most a day, plus a change of the clock. */
function isInside(window: Window, now: number): boolean {
  const lengthMs = window.durationSeconds * 1000;
  return starts(window, now - lengthMs - 2 * DAY_MS, now + 2 * DAY_MS).some(
    (start) => start <= now && now < start + lengthMs,
  );
}

const nextStart = (window: Window, now: number): number =>
  Math.min(...starts(window, now - 2 * DAY_MS, now + 9 * DAY_MS).filter((start) => start > now));

/** The starts of the window on its days between two times. */
function starts({ days, start, timeZone }: Window, from: number, until: number): number[] {
  const [hours = 0, minutes = 0] = start.split(':').map(Number);
  const first = Math.floor(from / DAY_MS) * DAY_MS;
  return Array.from({ length: Math.ceil((until - first) / DAY_MS) }, (_, index) => first + index * DAY_MS)
    .filter((date) => !days || days.some((day) => day === DAYS[new Date(date).getUTCDay()]))
    .map((date) => momentOf(date + (hours * 60 + minutes) * 60_000, timeZone));
}

/**
 * The time at which local clocks show `wall` (written as if it were UTC). Of a local time that occurs twice, the first one; one that is skipped
 * uses the offset before the change, as in RFC 5545: 2:30 is then 3:30.
 */
function momentOf(wall: number, timeZone: string): number {
  const [before, after] = [wall - DAY_MS, wall + DAY_MS].map((about) => wall - offsetAt(about, timeZone));
  return [before, after].find((at = 0) => at + offsetAt(at, timeZone) === wall) ?? before ?? wall;
}

/** By how much local clocks of a zone are ahead of UTC. */
const offsetAt = (at: number, timeZone: string): number =>
  wallAt(at, timeZone) - Math.floor(at / 1000) * 1000;

/** What local clocks of a zone show, written as if it were UTC. */
export function wallAt(at: number, timeZone: string): number {
  const parts = Object.fromEntries(
    formatterOf(timeZone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day, hour, minute, second } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Creating a formatter is slow, so they are cached; the limit bounds what Upgrades with many time zones can make us keep. */
const formatters = new Map<string, Intl.DateTimeFormat>();
const MAX_FORMATTERS = 64;

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const cached = formatters.get(timeZone);
  if (cached) {
    return cached;
  }
  const numeric = 'numeric' as const;
  const formatter = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
  });
  if (formatters.size >= MAX_FORMATTERS) {
    formatters.clear();
  }
  formatters.set(timeZone, formatter);
  return formatter;
}

/** Whether the time zone exists. */
export function isTimeZone(timeZone: string): boolean {
  try {
    return formatterOf(timeZone) !== undefined;
  } catch {
    return false;
  }
}
