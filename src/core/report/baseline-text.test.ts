import { expect, test } from '@jest/globals';
import { ago, fallbackOf, statusOf } from '../../../test/support/snapshots.ts';
import type { EndReason } from '../../api/reasons.ts';
import type { BaselineEntry } from '../../api/types.ts';
import { completeStatus } from '../complete-status.ts';
import { beforeClause } from './baseline-text.ts';

const entry = { check: 'probe', container: 'web', exitCode: 17, pods: 2, total: 3 };
const why = { reason: 'ProbeFailed', check: 'probe', container: 'web', exitCode: 17 } as const;
const clause = (
  baseline: readonly BaselineEntry[] | undefined,
  cause: object = why,
  reason: EndReason = 'FallbackDisabled',
): string =>
  beforeClause(
    completeStatus(
      statusOf(
        { phase: 'Failed', from: { images: {}, baseline } },
        { end: { outcome: 'Failed', reason, cause: '', at: ago(1), why: { ...why, ...cause } } },
      ),
    ),
  );

test.each<[string, string, string]>([
  ['the same code', clause([entry]), '; it exited 17 before the upgrade too, on 2 of 3 pods'],
  [
    'the same code in the only pod',
    clause([{ ...entry, pods: 1, total: 1 }]),
    '; it exited 17 before the upgrade too, on 1 of 1 pod',
  ],
  ['another code', clause([{ ...entry, exitCode: 0 }]), '; before the upgrade it exited 0 on 2 of 3 pods'],
  ['no baseline', clause(undefined), ''],
  ['another check', clause([{ ...entry, check: 'other' }]), ''],
  ['another container', clause([{ ...entry, container: 'log' }]), ''],
  ['a missing command', clause([{ check: 'probe', container: 'web', missing: true }]), ''],
  ['no pod', clause([{ ...entry, total: 0 }]), ''],
  ['a failure without a code', clause([entry], { exitCode: undefined }), ''],
  ['a previous version that had to pass', clause([entry], {}, 'BaselineFailed'), ''],
])('with %s the clause is', (_, clause, text) => {
  expect(clause).toBe(text);
});

const unready = { pods: 1, total: 3 };
const notReady = { reason: 'NotReady', pod: 'web-1' } as const;

test.each([
  ['one pod was not ready', unready, notReady, {}, '; before the upgrade 1 of 3 pods was not ready'],
  [
    'several were not',
    { pods: 2, total: 3 },
    notReady,
    {},
    '; before the upgrade 2 of 3 pods were not ready',
  ],
  [
    'the only one was not',
    { pods: 1, total: 1 },
    notReady,
    {},
    '; before the upgrade 1 of 1 pod was not ready',
  ],
  ['all were ready', undefined, notReady, {}, ''],
  ['no pod is the cause', unready, { reason: 'NoProgress' } as const, {}, ''],
  ['there is no previous version', unready, notReady, { adopted: true }, ''],
])('if before the attempt %s, the clause is', (_, before, cause, attempt, text) => {
  const from = { images: {}, unready: before };
  const status = statusOf({ phase: 'FallingBack', from, fallback: fallbackOf({ why: cause }) }, attempt);
  expect(beforeClause(completeStatus(status))).toBe(text);
});

test('a fallback has the cause of its attempt', () => {
  const of = (cause: object | undefined) =>
    beforeClause(
      completeStatus(
        statusOf({
          phase: 'FallingBack',
          from: { images: {}, baseline: [entry] },
          fallback: fallbackOf({ why: cause as never }),
        }),
      ),
    );
  expect(of(why)).toBe('; it exited 17 before the upgrade too, on 2 of 3 pods');
  expect(of(undefined)).toBe('');
  expect(beforeClause(completeStatus({}))).toBe('');
});
