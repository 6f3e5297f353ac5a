/** Windows across time zones and both changes of the clock. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { momentText } from './report/wait-detail.ts';
import { isTimeZone, openingOf, type Window } from './windows.ts';

const HOUR = 3_600_000;
const at = (time: string): number => Date.parse(time);
const windowOf = (change: Partial<Window> = {}): Window => ({
  days: ['Sun'],
  start: '02:30',
  durationSeconds: 3600,
  timeZone: 'Europe/Berlin',
  ...change,
});

/** When it opens next, or `open`. */
function seen(window: Window | readonly Window[], time: string): string {
  const opening = openingOf([window].flat(), at(time));
  return opening.isOpen ? 'open' : new Date(opening.opensAt).toISOString().replace(':00.000Z', 'Z');
}

describe('a window', () => {
  test.each<[string, Partial<Window>, string, string]>([
    ['opens at its start', { timeZone: 'UTC' }, '2026-11-29T02:30:00Z', 'open'],
    ['not a moment before', { timeZone: 'UTC' }, '2026-11-29T02:29:59.999Z', '2026-11-29T02:30Z'],
    ['is open to the last moment', { timeZone: 'UTC' }, '2026-11-29T03:29:59.999Z', 'open'],
    ['and then waits for the next week', { timeZone: 'UTC' }, '2026-11-29T03:30:00Z', '2026-12-06T02:30Z'],
    ['has the date of its zone', { timeZone: 'Asia/Taipei' }, '2026-11-28T18:30:00Z', 'open'],
    ['is open across midnight', { start: '23:00', durationSeconds: 7200 }, '2026-11-29T23:30:00Z', 'open'],
    [
      'belongs to the day on which it starts',
      { start: '23:00', durationSeconds: 7200 },
      '2026-11-28T23:30:00Z',
      '2026-11-29T22:00Z',
    ],
    ['may be as long as the week', { durationSeconds: 604_800 }, '2026-11-27T12:00:00Z', 'open'],
    [
      'is there on every day when it names none',
      { days: undefined },
      '2026-11-25T12:00:00Z',
      '2026-11-26T01:30Z',
    ],
    [
      'knows zones of a quarter of an hour',
      { timeZone: 'Asia/Kathmandu' },
      '2026-11-28T12:00:00Z',
      '2026-11-28T20:45Z',
    ],
    [
      'knows the far side of the date line',
      { timeZone: 'Pacific/Kiritimati' },
      '2026-11-28T00:00:00Z',
      '2026-11-28T12:30Z',
    ],
  ])('%s', (_what, change, time, expected) => {
    expect(seen(windowOf(change), time)).toBe(expected);
  });

  test.each<[string, Partial<Window>, string, string]>([
    [
      'a start that the clock skips counts by the clock of before',
      {},
      '2026-03-29T00:00:00Z',
      '2026-03-29T01:30Z',
    ],
    [
      'a start that the clock shows twice is the first of the two',
      {},
      '2026-10-25T00:00:00Z',
      '2026-10-25T00:30Z',
    ],
    ['and is not opened again at the second', {}, '2026-10-25T01:30:00Z', '2026-11-01T01:30Z'],
    [
      'the length is of real time, also on the day of 23 hours',
      { start: '00:00', durationSeconds: 14_400 },
      '2026-03-29T02:30:00Z',
      'open',
    ],
    [
      'and on the day of 25 hours',
      { start: '00:00', durationSeconds: 14_400 },
      '2026-10-25T02:30:00Z',
      '2026-10-31T23:00Z',
    ],
    [
      'half an hour of summer time, skipped',
      { start: '02:15', timeZone: 'Australia/Lord_Howe' },
      '2026-10-03T12:00:00Z',
      '2026-10-03T15:45Z',
    ],
    [
      'half an hour of summer time, twice',
      { start: '01:45', timeZone: 'Australia/Lord_Howe' },
      '2026-04-04T12:00:00Z',
      '2026-04-04T14:45Z',
    ],
    [
      'a midnight that does not exist',
      { start: '00:00', days: ['Sun'], timeZone: 'America/Asuncion' },
      '2023-10-01T00:00:00Z',
      '2023-10-01T04:00Z',
    ],
    [
      'a date that does not exist',
      { start: '12:00', days: ['Fri'], timeZone: 'Pacific/Apia' },
      '2011-12-30T11:00:00Z',
      '2011-12-30T22:00Z',
    ],
  ])('%s', (_what, change, time, expected) => {
    expect(seen(windowOf(change), time)).toBe(expected);
  });
});

test('of several windows the one that opens first is reported, in its time zone', () => {
  const windows = [windowOf(), windowOf({ days: ['Sat'], start: '22:00', timeZone: 'Asia/Taipei' })];
  const opening = openingOf(windows, at('2026-11-25T00:00:00Z'));
  expect(opening).toEqual({ isOpen: false, opensAt: at('2026-11-28T14:00:00Z'), timeZone: 'Asia/Taipei' });
  expect(momentText(at('2026-11-28T14:00:00Z'), 'Asia/Taipei')).toBe(
    'Sat 2026-11-28 22:00 Asia/Taipei (2026-11-28 14:00 UTC)',
  );
  expect(momentText(at('2026-11-28T14:00:00Z'), 'UTC')).toBe('Sat 2026-11-28 14:00 UTC');
});

test('without windows it is open', () => {
  expect(openingOf([], 0)).toEqual({ isOpen: true });
});

test('a time zone that does not exist is known as such, by its name alone', () => {
  expect(['Europe/Berlin', 'UTC', 'Mars/Olympus', '', '__proto__'].map(isTimeZone)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

describe('in every time zone, at any time', () => {
  const anywhere = fc.record({
    timeZone: fc.constantFrom(...Intl.supportedValuesOf('timeZone'), 'UTC'),
    start: fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, '0')).join(':')),
    durationSeconds: fc.oneof(fc.integer({ min: 1, max: 7200 }), fc.integer({ min: 1, max: 604_800 })),
    days: fc.option(fc.uniqueArray(fc.constantFrom('Mon', 'Wed', 'Sat', 'Sun'), { minLength: 1 }), {
      nil: undefined,
    }),
  }) as fc.Arbitrary<Window>;
  const moments = fc.integer({ min: at('2000-01-01T00:00:00Z'), max: at('2037-01-01T00:00:00Z') });
  const runs = { numRuns: 300, seed: 20_260_101 };
  const clockOf = (moment: number, timeZone: string) =>
    new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit' })
      .format(moment)
      .replace(' ', ' ');

  test('it opens when the clock there shows the start, but for starts that it skips, and not before', () => {
    fc.assert(
      fc.property(anywhere, moments, (window, now) => {
        const opening = openingOf([window], now);
        if (opening.isOpen) {
          return;
        }
        const { opensAt } = opening;
        expect(opensAt).toBeGreaterThan(now);
        expect(opensAt - now).toBeLessThan(9 * 24 * HOUR);
        expect(openingOf([window], opensAt).isOpen).toBe(true);
        expect(openingOf([window], opensAt - 1).isOpen).toBe(false);
        const shown = clockOf(opensAt, window.timeZone);
        const beforeJump = clockOf(opensAt - 2 * HOUR, window.timeZone);
        const isSkipped = clockOf(opensAt - 2 * HOUR + 2 * HOUR, window.timeZone).slice(-5) !== window.start;
        if (!isSkipped) {
          expect(window.days?.some((day) => shown.startsWith(day)) ?? true).toBe(true);
          return;
        }
        // The clock was put on shortly before: two hours of real time are more than two hours on the wall.
        const minutes = (text: string) => Number(text.slice(-5, -3)) * 60 + Number(text.slice(-2));
        const walked = (minutes(shown) - minutes(beforeJump) + 1440) % 1440;
        expect(walked === 120).toBe(false);
      }),
      runs,
    );
  });

  test('one that is open was opened by a start no longer ago than it lasts', () => {
    fc.assert(
      fc.property(anywhere, moments, (window, now) => {
        const opening = openingOf([window], now);
        const before = openingOf([window], now - window.durationSeconds * 1000);
        if (!before.isOpen) {
          expect(opening.isOpen).toBe(before.opensAt <= now);
        }
      }),
      runs,
    );
  });
});
