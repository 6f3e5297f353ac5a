import { expect, test } from '@jest/globals';
import { NOW, podOf, recordOf, verificationContext } from '../../../test/support/snapshots.ts';
import { scheduleProbes } from './due.ts';
import type { PodResult } from './pod-result.ts';

const resultOf = (name: string, cycleAt?: number, lookAt?: number): PodResult =>
  ({ pod: podOf({ name, uid: name }), cycleAt, lookAt }) as PodResult;
function dueOf(results: readonly PodResult[], probing: readonly string[] = []) {
  const snapshot = { now: NOW, isProbing: (uid: string) => probing.includes(uid) };
  const { cycles, wakeAt } = scheduleProbes(snapshot, results, verificationContext({ inFallback: true }));
  return [cycles.map(({ pod }) => pod.name), wakeAt === undefined ? undefined : wakeAt - NOW];
}

test('a pod is probed when it is due, unless it is being probed', () => {
  expect(dueOf([resultOf('a', NOW), resultOf('b', NOW - 1), resultOf('c', NOW + 1), resultOf('d')])).toEqual([
    ['a', 'b'],
    1,
  ]);
  expect(dueOf([resultOf('a', NOW), resultOf('b', NOW)], ['a'])).toEqual([['b'], undefined]);
  const [due] = [resultOf('a', NOW)];
  const context = verificationContext({ inFallback: true, template: ['web'] });
  expect(scheduleProbes({ now: NOW }, [due], context).cycles).toEqual([
    {
      pod: due.pod,
      verification: 'proof-1',
      inFallback: true,
      template: ['web'],
      tries: [
        {
          check: expect.objectContaining({ name: 'readiness-probe' }),
          container: 'web',
          containerId: 'containerd://aaaaaaaaaaaaaaaa',
          baseline: 'Unknown',
        },
      ],
      mayDecide: false,
    },
  ]);
});

test('that the pod is not ready may count from its second cycle on, and after its deadline', () => {
  const mayDecide = (change: Partial<PodResult>): boolean | undefined =>
    scheduleProbes({ now: NOW }, [{ ...resultOf('a', NOW), ...change }], verificationContext()).cycles[0]
      ?.mayDecide;
  expect(mayDecide({ deadlineAt: NOW + 1 })).toBe(false);
  expect(mayDecide({ deadlineAt: NOW })).toBe(true);
  expect(mayDecide({ record: recordOf({}), deadlineAt: NOW + 1 })).toBe(true);
});

test('the next decision is due at the next probe, or when a result may change', () => {
  expect(dueOf([resultOf('a', NOW + 9, NOW + 5), resultOf('b', NOW + 7)])).toEqual([[], 5]);
  expect(dueOf([resultOf('a', NOW + 3, NOW + 5), resultOf('b', NOW, NOW)])).toEqual([['b'], 3]);
  expect(dueOf([])).toEqual([[], undefined]);
});
