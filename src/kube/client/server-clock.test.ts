import { expect, jest, test } from '@jest/globals';
import { ServerClock } from './server-clock.ts';

const START = Date.parse('2026-01-01T00:00:00.400Z');

/** A clock on a machine whose own clock shows `own` ms too much; `at` is the server's time. */
function made(own = 0) {
  let passed = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => passed);
  jest.spyOn(Date, 'now').mockReturnValue(START + own);
  const clock = new ServerClock();
  return {
    clock,
    wrong: () => clock.now() - (START + passed),
    /** An exchange that takes so long, and begins after so long; the server stamps it in the middle. */
    exchange: (pauseMs: number, tookMs: number, serverJump = 0) => {
      passed += pauseMs;
      const sentAt = passed;
      passed += tookMs;
      clock.observe(new Date(START + passed - tookMs / 2 + serverJump).toUTCString(), sentAt);
    },
  };
}

test("this machine's time is used until a response contradicts it", () => {
  const { wrong, exchange } = made(40);
  exchange(100, 20);
  exchange(345, 20);
  expect(wrong()).toBe(40);
});

test.each([-3_600_000, 3_600_000, 3000])(
  'a clock that is %d ms off is off by less than an answer tells, and by less with each',
  (own) => {
    const { wrong, exchange } = made(own);
    exchange(0, 10);
    expect(Math.abs(wrong())).toBeLessThan(1010);
    for (let i = 0; i < 50; i++) {
      exchange(137, 10);
    }
    expect(Math.abs(wrong())).toBeLessThan(60);
  },
);

test('a slow response says little, and one without a valid date nothing', () => {
  const { clock, wrong, exchange } = made(5000);
  exchange(0, 30_000);
  expect(wrong()).toBe(5000);
  clock.observe(undefined, 0);
  clock.observe('yesterday', 0);
  expect(wrong()).toBe(5000);
});

test('somebody who sets the clock of the server is followed', () => {
  const { wrong, exchange } = made();
  exchange(0, 10);
  exchange(1000, 10, 90_000);
  expect(Math.abs(wrong() - 90_000)).toBeLessThan(1010);
});
