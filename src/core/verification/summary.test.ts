import { describe, expect, test } from '@jest/globals';
import { activeStatusOf, NEW, NOW, OLD, podOf } from '../../../test/support/snapshots.ts';
import type { Attempt } from '../complete-status.ts';
import { type PodSummary, ungated } from './summary.ts';

const MINUTE = 60_000;

/** A pod of the wanted revision without the gate, made so long after the start of the attempt by the API server's clock. */
function missed(afterMs: number, change: Partial<Attempt>, from: string | undefined): number {
  const pod = podOf({ gates: [], createdAt: NOW + afterMs });
  const status = activeStatusOf();
  const attempt = { ...status.attempt, startedAt: new Date(NOW).toISOString(), gating: true, ...change };
  return ungated(
    {
      results: [{ pod, state: 'Waiting', cause: { reason: 'NotProbedYet' }, recorded: false }],
    } as unknown as PodSummary,
    {
      ...status,
      attempt: attempt as Attempt,
      from: { images: { web: OLD }, ...(from ? { revision: from } : {}) },
      to: { images: { web: NEW }, revision: 'new' },
    },
  ).length;
}

describe('a pod that came without the gate', () => {
  test.each([
    ['made after the start', MINUTE, {}, 'old', 1],
    ['of a revision that the attempt brought, whatever the clocks say', -MINUTE, {}, 'old', 1],
    ['older than a retry, which may find it', -MINUTE, { trigger: 'Retry' }, 'old', 0],
    ['older than an attempt that overtook another one', -MINUTE, { inherited: true }, 'old', 0],
    ['of the revision that ran before', -MINUTE, {}, 'new', 0],
    ['older, where the revision before is not known', -MINUTE, {}, undefined, 0],
    ['while the attempt does not gate', MINUTE, { gating: false }, 'old', 0],
  ] as const)('%s', (_which, afterMs, change, from, count) => {
    expect(missed(afterMs, change as Partial<Attempt>, from)).toBe(count);
  });
});
