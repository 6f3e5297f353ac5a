import { describe, expect, test } from '@jest/globals';
import type { PlannedQuery, QueryAnswer } from '../core/rollout/rollout-checks.ts';
import { QueryRunner } from './query-runner.ts';

const KEY = 'shop/web';
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const queryOf = (name: string): PlannedQuery => ({
  id: name,
  check: { name, query: 'up', passWhen: '> 0' },
  expression: name,
});

/** A Prometheus that answers when a test says so, or when the query is cancelled. */
function setUp() {
  const queried: string[] = [];
  const answers = new Map<string, (answer: QueryAnswer) => void>();
  const runner = new QueryRunner({
    clock: { now: () => 0, steady: () => 0, random: () => 0, after: () => () => undefined },
    promQl: {
      query: (expression, signal) =>
        new Promise((resolve) => {
          queried.push(expression);
          answers.set(expression, resolve);
          signal.addEventListener('abort', () => resolve({ kind: 'failed', message: 'cancelled' }));
        }),
    },
  });
  const done: string[] = [];
  return {
    runner,
    queried,
    done,
    start: (name: string, key = KEY) => runner.start(key, queryOf(name), () => done.push(name)),
    answer: async (name: string) => {
      answers.get(name)?.({ kind: 'values', values: [1] });
      await turn();
    },
  };
}

test('a check is queried once at a time, and its result is kept', async () => {
  const { runner, queried, done, start, answer } = setUp();
  start('errors');
  start('errors');
  await turn();
  expect(queried).toEqual(['errors']);
  await answer('errors');
  expect(done).toEqual(['errors']);
  expect(runner.recordOf(KEY, 'errors')?.class).toBe('Pass');
  start('errors');
  await turn();
  expect(queried).toEqual(['errors', 'errors']);
});

describe('nothing is kept, nor waited for, of checks that are gone', () => {
  test('the result of a check that the Upgrade has no more', async () => {
    const { runner, start, answer } = setUp();
    start('errors');
    start('latency');
    await turn();
    await answer('errors');
    await answer('latency');
    runner.keepOnly(KEY, ['latency']);
    expect(runner.recordOf(KEY, 'errors')).toBeUndefined();
    expect(runner.recordOf(KEY, 'latency')?.class).toBe('Pass');
  });

  test('the answer to a query of an Upgrade that was deleted meanwhile', async () => {
    const { runner, done, start, answer } = setUp();
    start('errors');
    await turn();
    runner.forget(KEY);
    await answer('errors');
    expect(runner.recordOf(KEY, 'errors')).toBeUndefined();
    expect(done).toEqual([]);
  });

  test('the slots of such queries are free at once, those of queries that still waited for one too', async () => {
    const { runner, queried, start } = setUp();
    for (let index = 0; index < 100; index++) {
      start(`old-${index}`);
    }
    await turn();
    expect(queried.length).toBeLessThan(4);
    const before = queried.length;
    runner.keepOnly(KEY, ['new']);
    start('new');
    await turn();
    expect(queried.slice(before)).toEqual(['new']);
  });

  test('an Upgrade that is created anew is queried anew, whatever its namesake still waits for', async () => {
    const { runner, queried, done, start, answer } = setUp();
    start('errors');
    await turn();
    runner.forget(KEY);
    start('errors');
    await turn();
    expect(queried).toEqual(['errors', 'errors']);
    await answer('errors');
    expect(done).toEqual(['errors']);
    expect(runner.recordOf(KEY, 'errors')?.class).toBe('Pass');
  });
});

test('after the end no query is started, and no result is reported', async () => {
  const { runner, queried, done, start } = setUp();
  start('errors');
  await turn();
  runner.stop();
  start('latency');
  await turn();
  expect(queried).toEqual(['errors']);
  expect(done).toEqual([]);
});
