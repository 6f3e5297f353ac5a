import { describe, expect, jest, test } from '@jest/globals';
import { checkRunner, type HealthCheck, type HealthVerdict } from './check-runner.ts';
import { healthCode } from './health-codes.ts';

const limits = { checkTimeoutMs: 1000, cacheMs: 0 };

test.each<[string, HealthCheck, number]>([
  ['true', () => true, 0],
  ['zero', () => 0, 0],
  ['a promise of true', async () => true, 0],
  ['false', () => false, healthCode.unhealthy],
  ['a promise of false, although a promise is truthy', async () => false, healthCode.unhealthy],
  ['a code of its own', () => 17, 17],
  ['a promise of 255', async () => 255, 255],
  ['256, which would wrap to 0 as an exit code', () => 256, healthCode.checkFailed],
  ['-1', () => -1, healthCode.checkFailed],
  ['1.5', () => 1.5, healthCode.checkFailed],
  ['nothing', () => undefined as unknown as HealthVerdict, healthCode.checkFailed],
  ['a string', () => 'ok' as unknown as HealthVerdict, healthCode.checkFailed],
  ['a throw', () => JSON.parse('{'), healthCode.checkFailed],
  ['a rejection', () => Promise.reject(new Error('database gone')), healthCode.checkFailed],
])('a check that gives %s', async (_name, check, code) => {
  expect((await checkRunner(check, limits)()).code).toBe(code);
});

test('the reason of a rejection reaches the caller', async () => {
  expect((await checkRunner(() => Promise.reject(new Error('database gone')), limits)()).message).toContain(
    'database gone',
  );
});

describe('a check that hangs', () => {
  test('is distinguished from one that returns false, after its timeout', async () => {
    const ask = checkRunner(() => new Promise(() => undefined), { checkTimeoutMs: 20, cacheMs: 0 });
    expect((await ask()).code).toBe(healthCode.checkTimedOut);
  });

  test('is not started a second time, and later callers do not wait for another timeout', async () => {
    const check = jest.fn(() => new Promise<boolean>(() => undefined));
    const ask = checkRunner(check, { checkTimeoutMs: 400, cacheMs: 0 });
    await ask();
    const startedMs = performance.now();
    const codes = await Promise.all(Array.from({ length: 100 }, async () => (await ask()).code));
    expect(new Set(codes)).toEqual(new Set([healthCode.checkTimedOut]));
    expect(performance.now() - startedMs).toBeLessThan(350);
    expect(check).toHaveBeenCalledTimes(1);
  });

  test('may recover: its late result is returned, and the next run is a new one', async () => {
    let finish = (_verdict: boolean): void => undefined;
    const check = jest.fn(
      () =>
        new Promise<boolean>((resolve) => {
          finish = resolve;
        }),
    );
    const ask = checkRunner(check, { checkTimeoutMs: 10, cacheMs: 10_000 });
    expect((await ask()).code).toBe(healthCode.checkTimedOut);
    finish(true);
    await new Promise(setImmediate);
    expect((await ask()).code).toBe(0);
    expect(check).toHaveBeenCalledTimes(1);
  });
});

test('many callers share one run while its result is cached, and the next run starts after that', async () => {
  const check = jest.fn(async () => true);
  const ask = checkRunner(check, { checkTimeoutMs: 1000, cacheMs: 100 });
  await Promise.all(Array.from({ length: 1000 }, ask));
  await ask();
  expect(check).toHaveBeenCalledTimes(1);
  await new Promise((resolve) => setTimeout(resolve, 110));
  await ask();
  expect(check).toHaveBeenCalledTimes(2);
});
