import { describe, expect, test } from '@jest/globals';
import { drain, VirtualClock } from '../../test/sim/clock.ts';
import { Turns } from './turns.ts';

const PATIENCE_MS = 1500;

function benchOf() {
  const clock = new VirtualClock(0, 1);
  const done: string[] = [];
  let spentMs = 0;
  const turns = new Turns({
    clock: { steady: () => clock.steady() + spentMs, after: (delayMs, run) => clock.after(delayMs, run) },
    patienceMs: PATIENCE_MS,
  });
  const take = (namespace: string, costMs = 0, gone = new AbortController().signal, client = 'api-server') =>
    turns.take(
      { client, namespace },
      () => {
        spentMs += costMs;
        done.push(namespace);
        return namespace;
      },
      gone,
    );
  const run = async (ms: number) => {
    await clock.runUntil(clock.now() + ms, () => {});
    await drain();
  };
  return { clock, done, take, run };
}

describe('expensive work', () => {
  test('is done one at a time, with rests of nine times its cost', async () => {
    const { done, take, run } = benchOf();
    const taken = [take('a', 10), take('a', 10), take('a', 10)];
    await run(1);
    expect(done).toHaveLength(1);
    await run(80);
    expect(done).toHaveLength(1);
    await run(20);
    expect(done).toHaveLength(2);
    await run(200);
    expect(await Promise.all(taken)).toEqual(['a', 'a', 'a']);
  });

  test('is not followed by a rest if it was cheap', async () => {
    const { done, take, run } = benchOf();
    const taken = Array.from({ length: 50 }, () => take('a', 0));
    await run(1);
    expect(done).toHaveLength(50);
    await Promise.all(taken);
  });

  test('of one namespace does not wait for all that another one has sent', async () => {
    const { done, take, run } = benchOf();
    const taken = [...Array.from({ length: 10 }, () => take('hostile', 10)), take('shop', 10)];
    await run(PATIENCE_MS);
    expect(done.indexOf('shop')).toBe(1);
    await Promise.all(taken);
  });

  test('of one client does not wait for all that another one has sent in whatever namespaces', async () => {
    const { done, take, run } = benchOf();
    const { signal } = new AbortController();
    const hostile = (namespace: string) => take(namespace, 10, signal, 'pod');
    const taken = [...Array.from({ length: 10 }, (_, n) => hostile(`shop-${n}`)), hostile('shop')];
    taken.push(take('bank', 10), take('shop', 10));
    await run(PATIENCE_MS);
    expect(done.slice(0, 4)).toEqual(['shop-0', 'bank', 'shop-1', 'shop']);
    await Promise.all(taken);
  });

  test('is given up, and not done, when its turn does not come in time', async () => {
    const { done, take, run } = benchOf();
    const taken = Array.from({ length: 5 }, () => take('a', 100));
    await run(PATIENCE_MS + 1);
    expect(done).toHaveLength(2);
    expect((await Promise.all(taken)).filter((result) => result === undefined)).toHaveLength(3);
    await run(10_000);
    expect(done).toHaveLength(2);
  });

  test('is not done if nobody waits for it any more', async () => {
    const { done, take, run } = benchOf();
    const leaving = new AbortController();
    const taken = [take('a', 10), take('a', 10, leaving.signal), take('a', 10, AbortSignal.abort())];
    leaving.abort();
    await run(1000);
    expect([await Promise.all(taken), done]).toEqual([['a', undefined, undefined], ['a']]);
  });

  test('that stalls for minutes is followed by a rest of a second', async () => {
    const { done, take, run } = benchOf();
    const taken = [take('a', 100_000), take('a')];
    await run(1001);
    expect(done).toHaveLength(2);
    await Promise.all(taken);
  });

  test('that throws rejects, and the next has its turn', async () => {
    const clock = new VirtualClock(0, 1);
    const turns = new Turns({ clock, patienceMs: PATIENCE_MS });
    const { signal } = new AbortController();
    const fails = (): string => {
      throw new Error('broken');
    };
    const failing = expect(turns.take({ client: 'a', namespace: 'a' }, fails, signal)).rejects.toThrow(
      'broken',
    );
    const next = turns.take({ client: 'a', namespace: 'a' }, () => 'next', signal);
    await clock.runUntil(1, () => {});
    await failing;
    expect(await next).toBe('next');
  });
});
