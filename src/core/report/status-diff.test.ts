import { describe, expect, test } from '@jest/globals';
import { ago, fallbackOf, statusOf } from '../../../test/support/snapshots.ts';
import type { Condition, PodReport, UpgradeStatus } from '../../api/types.ts';
import { changeOf } from './status-diff.ts';

const report = (
  change: Partial<PodReport['checks'][number]> = {},
  state: PodReport['state'] = 'Retrying',
): PodReport[] => [
  {
    name: 'web-1',
    state,
    reason: 'ProbeFailed',
    checks: [
      {
        check: 'readiness-probe',
        container: 'web',
        exitCode: 17,
        class: 'Retry',
        reason: 'ProbeFailed',
        attempts: 1,
        firstAt: ago(9),
        lastAt: ago(9),
        ...change,
      },
    ],
  },
];
const status = (change: Partial<UpgradeStatus> = {}): UpgradeStatus =>
  statusOf({ message: 'Rolling', pods: report(), ...change });
const condition = (reason: Condition['reason'], value: 'True' | 'False' = 'True') => ({
  type: 'Ready' as const,
  status: value,
  reason,
  message: 'm',
  lastTransitionTime: ago(9),
  observedGeneration: 1,
});

describe('between two statuses', () => {
  test.each([
    [
      'the same fields in another order',
      Object.fromEntries(Object.entries(status()).reverse()) as UpgradeStatus,
      'none',
    ],
    [
      'another try that said the same',
      status({ pods: report({ attempts: 2, lastAt: ago(0), output: 'x' }) }),
      'volatile',
    ],
    ['another exit code', status({ pods: report({ exitCode: 18 }) }), 'progress'],
    ['another sentence', status({ message: 'Checking' }), 'progress'],
    ['more pods passed', status({ summary: '1/3' }), 'progress'],
    ['all pods exist', status({ phase: 'PostChecking' }), 'progress'],
    ['the end of the attempt', status({ phase: 'Succeeded' }), 'transition'],
    ['no verdict', status({ phase: 'Inconclusive' }), 'transition'],
    ['a fallback', status({ phase: 'FallingBack', fallback: fallbackOf() }), 'transition'],
    [
      'a recorded command',
      status({ commands: { abort: { token: 'a', at: ago(0), result: 'FallingBack' } } }),
      'transition',
    ],
    ['a gate that was missed', status({ conditions: [condition('GateMissed', 'False')] }), 'transition'],
  ] as const)('%s is reported', (_what, after, expected) => {
    expect(changeOf(status(), after)).toBe(expected);
  });

  test('a field that is gone is as different as one that is new', () => {
    const { pods: _, ...without } = status();
    expect(changeOf(status(), without)).toBe('progress');
    expect(changeOf(without, status())).toBe('progress');
    expect(changeOf(undefined, {})).toBe('none');
    expect(changeOf(undefined, status())).toBe('transition');
  });

  test('a fallback that goes from rolling to checking is progress', () => {
    const rolling = status({ phase: 'FallingBack', fallback: fallbackOf() });
    expect(
      changeOf(rolling, {
        ...rolling,
        phase: 'FallbackChecking',
        fallback: fallbackOf({ state: 'Checking' }),
      }),
    ).toBe('progress');
    expect(
      changeOf(rolling, { ...rolling, phase: 'FellBack', fallback: fallbackOf({ state: 'Verified' }) }),
    ).toBe('transition');
  });

  test('the number with which a check of the rollout passes is volatile, and that it does not pass is progress', () => {
    const measured = (check: 'Pass' | 'Fail', message: string) =>
      status({ rolloutChecks: [{ name: 'errors', class: check, message, lastAt: ago(9) }] });
    expect(changeOf(measured('Pass', '0.01'), measured('Pass', '0.02'))).toBe('volatile');
    expect(changeOf(measured('Pass', '0.01'), measured('Fail', '0.2'))).toBe('progress');
    expect(changeOf(measured('Fail', '0.2'), measured('Fail', '0.3'))).toBe('progress');
  });

  const attempted = (change: object): UpgradeStatus => ({
    ...status(),
    attempt: { ...status().attempt, ...change } as never,
  });
  const counted = (passed: number): UpgradeStatus['counts'] => ({
    desired: 3,
    updated: 3,
    ready: 3,
    passed,
    retrying: 0,
    failed: 0,
    inconclusive: 0,
    skipped: 0,
  });
  const row = {
    check: 'c',
    container: 'web',
    code: 1,
    class: 'Retry',
    reason: 'ProbeFailed',
    pods: 1,
  } as const;
  const stage = { name: 'canary', state: 'Rolling', desired: 2, verified: 0 } as const;
  const rolloutCheck = { name: 'errors', class: 'Pass', message: '0' } as const;
  test.each<[string, UpgradeStatus, UpgradeStatus, string]>([
    ['counts', status({ counts: counted(1) }), status({ counts: counted(2) }), 'progress'],
    ['the headline', status({ headline: 'a' }), status({ headline: 'b' }), 'progress'],
    ['exit codes', status({ exitCodes: [row] }), status({ exitCodes: [{ ...row, pods: 2 }] }), 'progress'],
    ['a stage', status({ stage: '1/2 canary' }), status({ stage: '2/2 rest' }), 'progress'],
    [
      'the pods of a stage',
      status({ stages: [stage] }),
      status({ stages: [{ ...stage, verified: 1 }] }),
      'progress',
    ],
    [
      'the time of a check of the rollout',
      status({ rolloutChecks: [{ ...rolloutCheck, lastAt: ago(9) }] }),
      status({ rolloutChecks: [{ ...rolloutCheck, lastAt: ago(0) }] }),
      'volatile',
    ],
    ['another check of the rollout', status(), status({ rolloutChecks: [rolloutCheck] }), 'progress'],
    ['the last progress', attempted({ progressAt: ago(60) }), attempted({ progressAt: ago(1) }), 'progress'],
    ['a deadline', attempted({}), attempted({ deadlineAt: ago(-60) }), 'progress'],
    ['the most updated pods', attempted({ maxUpdated: 1 }), attempted({ maxUpdated: 2 }), 'progress'],
    ['the most verified pods', attempted({ maxPassed: 1 }), attempted({ maxPassed: 2 }), 'progress'],
    [
      'a revision',
      status({ to: { images: {} } }),
      status({ to: { images: {}, revision: 'new' } }),
      'progress',
    ],
    ['the first time of a try', status(), status({ pods: report({ firstAt: ago(8) }) }), 'volatile'],
    ['the last time of a try', status(), status({ pods: report({ lastAt: ago(8) }) }), 'volatile'],
    ['the number of tries', status(), status({ pods: report({ attempts: 2 }) }), 'volatile'],
    ['the output of a try', status(), status({ pods: report({ output: 'x' }) }), 'volatile'],
    ['the gate of an attempt', attempted({ gating: true }), attempted({ gating: false }), 'transition'],
    ['a wait', status(), status({ waiting: { reason: 'Soaking', since: ago(9) } }), 'transition'],
    [
      'the reason of a condition, while pods come and go',
      status({ conditions: [condition('Upgrading')] }),
      status({ conditions: [condition('PostChecking')] }),
      'progress',
    ],
    ['a value in place of a list', status({ pods: {} as never }), status({ pods: [] }), 'progress'],
  ])('%s differs', (_, before, after, expected) => {
    expect(changeOf(before, after)).toBe(expected);
  });

  test('what a status lacks is no difference', () => {
    expect(changeOf({ phase: 'Upgrading' }, { phase: 'Upgrading', message: 'Rolling' })).toBe('progress');
    expect(changeOf({ phase: 'Upgrading' }, { phase: 'Upgrading', message: undefined })).toBe('none');
    expect(changeOf({}, { message: 'Rolling' })).toBe('progress');
  });

  test('nothing is hidden in lists: a shorter one differs', () => {
    expect(changeOf(status(), status({ pods: [] }))).toBe('progress');
  });
});
