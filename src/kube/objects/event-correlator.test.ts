import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import type { ObjectReference, OperatorEvent } from '../../engine/ports.ts';
import { EventCorrelator, type EventWrite } from './event-correlator.ts';

const MINUTE_MS = 60_000;
const about = (uid: string): ObjectReference => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  namespace: 'shop',
  name: 'web',
  uid,
});
const event = (note: string, change: Partial<OperatorEvent> = {}): OperatorEvent => ({
  type: 'Normal',
  reason: 'CommandAccepted',
  action: 'Command',
  note,
  ...change,
});
const say = (write: EventWrite | undefined): string =>
  write === undefined
    ? 'nothing'
    : write.kind === 'create'
      ? `create ${write.note}`
      : `count ${write.series.count}`;

test('the same event again becomes a series that is counted, until ten quiet minutes have passed', () => {
  const correlator = new EventCorrelator();
  const at = (minutes: number) => say(correlator.correlate(about('u'), event('a'), minutes * MINUTE_MS));
  expect([at(0), at(1), at(10), at(20), at(21)]).toEqual([
    'create a',
    'count 2',
    'count 3',
    'create a',
    'count 2',
  ]);
});

test('another type, reason, action, note or related object is another event', () => {
  const correlator = new EventCorrelator();
  const all = [
    event('a'),
    event('b'),
    event('a', { type: 'Warning' }),
    event('a', { reason: 'PostCheckFailed' }),
    event('a', { action: 'Checking' }),
    event('a', { related: about('other') }),
  ];
  expect(all.map((one) => correlator.correlate(about('u'), one, 0)?.kind)).toEqual(all.map(() => 'create'));
});

test('of events that differ only in their note, ten are recorded and the others combined', () => {
  const correlator = new EventCorrelator();
  const said = Array.from({ length: 13 }, (_, i) =>
    say(correlator.correlate(about('u'), event(`token ${i}`), 0)),
  );
  expect(said.slice(9)).toEqual([
    'create token 9',
    'create (combined from similar events): token 10',
    'count 2',
    'count 3',
  ]);
  expect(say(correlator.correlate(about('u'), event('token 3'), 0))).toBe('count 2');
});

describe('one object', () => {
  test('has a burst of 25 and one in five minutes, whatever the events are; other objects have their own', () => {
    const correlator = new EventCorrelator();
    const written = (uid: string, count: number, now: number) =>
      Array.from({ length: count }, (_, i) =>
        correlator.correlate(about(uid), event(`${i}`, { action: `A${i}` }), now),
      ).filter((write) => write !== undefined).length;
    expect(written('u', 300, 0)).toBe(25);
    expect(written('v', 300, 0)).toBe(25);
    expect(written('u', 300, 5 * MINUTE_MS - 1)).toBe(0);
    expect(written('u', 300, 10 * MINUTE_MS)).toBe(2);
    expect(written('u', 300, 24 * 60 * MINUTE_MS)).toBe(25);
  });

  test('is forgotten after thousands of others', () => {
    const correlator = new EventCorrelator();
    correlator.correlate(about('first'), event('a'), 0);
    for (let i = 0; i < 4096; i++) {
      correlator.correlate(about(`u-${i}`), event('a'), 0);
    }
    expect(say(correlator.correlate(about('first'), event('a'), 0))).toBe('create a');
    expect(say(correlator.correlate(about('u-4000'), event('a'), 0))).toBe('count 2');
  });
});

test('nothing of what notes say is kept, however long they are', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const correlator = new EventCorrelator();
  const length = 1_000_000;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  for (let i = 0; i < 50; i++) {
    correlator.correlate(about(`u-${i % 5}`), event(Buffer.alloc(length, `${i}`).toString('latin1')), 0);
  }
  expect(heap() - before).toBeLessThan(10 * length);
  expect(
    say(correlator.correlate(about('u-0'), event(Buffer.alloc(length, '5').toString('latin1')), 0)),
  ).toBe('count 2');
});
