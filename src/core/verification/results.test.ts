/** What makes a pod's kept result void, one by one. */
import { describe, expect, test } from '@jest/globals';
import {
  conditionOf,
  containerOf,
  NOW,
  notReady,
  podOf,
  recordOf,
  verificationContext,
} from '../../../test/support/snapshots.ts';
import type { PodView } from '../../api/views.ts';
import type { VerificationContext } from './context.ts';
import type { PodRecord } from './probe-cycle.ts';
import { PodResults } from './results.ts';

/** Ready for three seconds, of five. */
const pod = podOf({ conditions: { ContainersReady: conditionOf('True', 3) } });
const waits = { postCheck: { readiness: { required: true, minReadySeconds: 5 } } };
const context = verificationContext(waits);
const none = new Map<string, PodRecord>();

function after(change: { context?: VerificationContext; now?: number; records?: Map<string, PodRecord> }) {
  const known = { context, records: none, now: NOW };
  const results = new PodResults();
  const [before] = results.of([pod], known);
  const [kept] = results.of([pod], { ...known, ...change });
  const [fresh] = new PodResults().of([pod], { ...known, ...change });
  expect(kept).toEqual(fresh);
  return { before, kept };
}

test('a result is reused while nothing changes', () => {
  const { before, kept } = after({ now: NOW + 1 });
  expect(kept).toBe(before);
});

test.each([
  ['the time', { now: NOW + 10_000 }],
  ['the loss of its node', { context: { ...context, nodeReady: () => false } }],
  ['another verification', { context: { ...context, id: 'proof-2', deadlineSeconds: 60 } }],
  ['the record of its probes', { records: new Map([[pod.uid, recordOf()]]) }],
])('and evaluated anew by %s', (_what, change) => {
  const { before, kept } = after(change);
  expect(kept).not.toEqual(before);
});

describe('what is remembered of a pod makes its result anew', () => {
  const since = (secondsAgo: number) =>
    new Map([['pod-1/web', { reason: 'ErrImagePull', since: NOW - secondsAgo * 1000 }]]);
  const warning = { reason: 'FailedMount', message: 'no secret', at: NOW };
  const waiting = (reason: string) =>
    notReady({
      phase: 'Pending',
      containers: [containerOf({ id: '', state: 'waiting', reason, ready: false })],
    });
  const crashed = podOf({ containers: [containerOf({ restarts: 3 })] });
  test.each<[string, PodView, Partial<VerificationContext>, Partial<VerificationContext>]>([
    [
      'the return of its node',
      pod,
      { nodeBackAt: new Map() },
      { nodeBackAt: new Map([['node-1', NOW - 1000]]) },
    ],
    ['the event that says what it waits for', waiting('ContainerCreating'), {}, { warningOf: () => warning }],
    [
      'how long a container has waited',
      waiting('ErrImagePull'),
      { waitingSince: since(1) },
      { waitingSince: since(90) },
    ],
    ['earlier restarts of a container', crashed, {}, { restartsBefore: () => 3 }],
  ])('%s', (_, view, before, change) => {
    const known = { context: { ...context, ...before }, records: none, now: NOW };
    const next = { ...known, context: { ...context, ...before, ...change } };
    const results = new PodResults();
    const [first] = results.of([view], known);
    expect(results.of([view], known)[0]).toBe(first);
    const [second] = results.of([view], next);
    expect(second).toEqual(new PodResults().of([view], next)[0]);
    expect(second).not.toEqual(first);
  });

  test('and the time, also when it is set back', () => {
    const results = new PodResults();
    const at = (now: number) => results.of([pod], { context, records: none, now })[0];
    const first = at(NOW);
    const second = at(NOW - 3000);
    expect(second).not.toBe(first);
    expect(second).toEqual(new PodResults().of([pod], { context, records: none, now: NOW - 3000 })[0]);
  });
});

describe('the results', () => {
  const lost = (name: string): PodView => podOf({ name, uid: name, node: 'lost' });
  const good = (name: string): PodView => podOf({ name, uid: name });
  const away = { ...context, nodeReady: (node: string) => node !== 'lost' };
  const results = new PodResults();
  const names = (...pods: readonly PodView[]) =>
    results.of(pods, { context: away, records: none, now: NOW }).map(({ pod: { name } }) => name);
  const [a, b, c, d] = [lost('a'), good('b'), lost('c'), good('d')];

  test('are the worst first, then by name, whichever pods come and go', () => {
    expect(names(d, c, b, a)).toEqual(['a', 'c', 'b', 'd']);
    expect(names(d, b)).toEqual(['b', 'd']);
    expect(names(a, d, b)).toEqual(['a', 'b', 'd']);
    expect(names(lost('b'), good('a'), d)).toEqual(['b', 'a', 'd']);
    expect(names(d)).toEqual(['d']);
    expect(names()).toEqual([]);
    expect(names(a, b, c, d)).toEqual(['a', 'c', 'b', 'd']);
    expect(names(a, b, c, d, good('e'), lost('0'), good('bb'))).toEqual(['0', 'a', 'c', 'b', 'bb', 'd', 'e']);
  });
});
