/** The deadline for progress, and what its expiry means. */
import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf } from '../../../test/support/evaluations.ts';
import {
  activeStatusOf,
  ago,
  conditionOf,
  evicted,
  fallbackOf,
  NOW,
  podOf,
  recordOf,
  snapshotOf,
} from '../../../test/support/snapshots.ts';
import type { Counts } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { NOT_COUNTED } from '../complete-status.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { Evaluation } from './evaluation.ts';
import { policyFor, policyOf } from './policy.ts';
import { findOverdue, lastProgressAt, progressDeadline, recordProgress } from './progress.ts';

const counts = (change: Partial<Counts>): Counts => ({ ...NOT_COUNTED, desired: 3, ...change });

describe('progress is', () => {
  const after = (now: Partial<Counts>, before: Partial<Counts> = {}) => {
    const status = activeStatusOf(
      { counts: counts(before) },
      { maxUpdated: 2, maxPassed: 1, progressAt: ago(60) },
    );
    const summary = { counts: counts(now) } as Evaluation['summary'];
    const { maxUpdated, maxPassed, progressAt } = recordProgress(
      snapshotOf(),
      status,
      summary,
      policyOf('Forward'),
    ).attempt;
    return [maxUpdated, maxPassed, (NOW - Date.parse(progressAt)) / 1000];
  };

  test.each<[string, Partial<Counts>, readonly number[], Partial<Counts>?]>([
    ['none with as many pods', { updated: 2, passed: 1 }, [2, 1, 60]],
    ['none with fewer', { updated: 1, passed: 0 }, [2, 1, 60]],
    ['another updated pod', { updated: 3, passed: 1 }, [3, 1, 0]],
    ['another verified pod', { updated: 2, passed: 2 }, [2, 2, 0]],
    ['another skipped pod', { updated: 2, passed: 1, skipped: 1 }, [2, 2, 0]],
    ['the first pod of a workload that had none', { updated: 0 }, [0, 0, 0], { desired: 0 }],
    ['none while it has none', { desired: 0 }, [2, 1, 60], { desired: 0 }],
    ['none when fewer pods are desired', { desired: 1 }, [1, 1, 60]],
    ['none with pods that are no longer desired', { desired: 1, updated: 3, passed: 3 }, [1, 1, 60]],
  ])('%s', (_, now, expected, before = {}) => {
    expect(after(now, before)).toEqual(expected);
  });

  describe('counted anew', () => {
    const REACHED = { maxUpdated: 3, maxPassed: 2, progressAt: ago(60) };
    const reached = (
      status: Parameters<typeof activeStatusOf>[0],
      attempt: Parameters<typeof activeStatusOf>[1] = {},
      updateRevision: string | undefined = 'restarted',
    ) => {
      const summary = { counts: counts({ updated: 1 }) } as Evaluation['summary'];
      const before = activeStatusOf(status, { ...REACHED, ...attempt });
      const after = recordProgress(
        snapshotOf({ updateRevision }),
        before,
        summary,
        policyFor(before),
      ).attempt;
      return [
        after.maxUpdated,
        after.maxPassed,
        after.passedBefore,
        (NOW - Date.parse(after.progressAt)) / 1000,
      ];
    };
    const to = { images: { web: 'web:2.0' }, revision: 'new' };
    const fallback = fallbackOf({ revision: 'old' });

    test.each<[string, ReturnType<typeof reached>, ReturnType<typeof reached>]>([
      ['when the template was changed', reached({ to }), [1, 0, 2, 0]],
      ['also in a fallback', reached({ to, phase: 'FallingBack', fallback }), [1, 0, 2, 0]],
      ['if more had passed than before', reached({ to }, { passedBefore: 1 }), [1, 0, 2, 0]],
      ['not if as many had', reached({ to }, { passedBefore: 2 }), [3, 2, 2, 60]],
      ['not if none had', reached({ to }, { maxPassed: 0 }), [3, 0, undefined, 60]],
      ['not with the same template', reached({ to }, {}, 'new'), [3, 2, undefined, 60]],
      [
        'with what there is when the first revision is observed',
        reached({ to: { images: to.images } }),
        [3, 2, undefined, 0],
      ],
    ])('%s', (_, found, expected) => {
      expect(found).toEqual(expected);
    });

    test('not while the controller has not observed the template', () => {
      const summary = { counts: counts({ updated: 1 }) } as Evaluation['summary'];
      const before = activeStatusOf({ to }, REACHED);
      const after = recordProgress(
        snapshotOf({ updateRevision: undefined }),
        before,
        summary,
        policyOf('Forward'),
      );
      expect(after).toBe(before);
    });
  });

  test('counted from the resume of a pause', () => {
    expect(lastProgressAt(activeStatusOf())).toBe(NOW - 60_000);
    expect(lastProgressAt(activeStatusOf({ paused: { resumedAt: ago(9) } }))).toBe(NOW - 9000);
    expect(lastProgressAt(activeStatusOf({ paused: { resumedAt: ago(99) } }))).toBe(NOW - 60_000);
  });
});

describe('the deadline', () => {
  const secondsLeft = (change: EvaluationChange): number =>
    (progressDeadline(evaluationOf(change)) - NOW) / 1000;
  const back = (node: string, at: number) => ({ nodeBackAt: new Map([[node, at]]) });
  test.each<[string, EvaluationChange, number]>([
    ['counts from the last progress', {}, 840],
    ['counts from the write, if that is later', { rollout: { rolledAt: NOW - 5000 } }, 895],
    ['does not, if that is earlier', { rollout: { rolledAt: NOW - 90_000 } }, 840],
    ["adds the controller's own waits", { workload: { ownWaitSeconds: 75 } }, 915],
    ['counts from the return of a node', { pods: [{ name: 'a' }], snapshot: back('a', NOW - 3000) }, 897],
    ['ignores nodes of other pods', { pods: [{ name: 'a' }], snapshot: back('b', NOW - 3000) }, 840],
    ['ignores that none was lost', { snapshot: { nodeBackAt: new Map() } }, 840],
  ])('%s', (_, change, seconds) => {
    expect(secondsLeft(change)).toBe(seconds);
  });
});

describe('at the deadline', () => {
  const DEADLINE = NOW - 1000;
  const TRIED = {
    check: 'probe',
    container: 'web',
    containerId: 'containerd://aaaa',
    verdict: { class: 'Retry', reason: 'ProbeFailed', exitCode: 17, confirm: 'no', output: '' },
    attempts: 1,
    timeouts: 0,
    firstAt: DEADLINE,
    lastAt: NOW,
  } as const;
  const result = (change: Partial<PodResult>): PodResult => ({
    pod: podOf(),
    state: 'Retrying',
    cause: { reason: 'ProbeFailed', check: 'probe', container: 'web', exitCode: 17 },
    isPodReady: false,
    isGated: true,
    codes: '',
    recorded: false,
    record: recordOf({ class: 'Retry', startedAt: NOW - 500 }),
    ...change,
  });
  function overdue(results: readonly PodResult[], change: EvaluationChange = {}, deadline = DEADLINE) {
    const evaluation = evaluationOf(change);
    const summary = { ...evaluation.summary, results };
    return findOverdue({ ...evaluation, summary }, deadline);
  }
  const warned = (message: string): EvaluationChange => ({
    rollout: { rolledAt: NOW - 60_000 },
    snapshot: { eventsSeen: () => ({ at: NOW, warning: { reason: 'FailedCreate', message, at: NOW } }) },
  });

  test('a probe that failed after it is evidence', () => {
    expect(overdue([result({})])).toMatchObject({
      hasEvidence: true,
      evidence: {
        cause: { reason: 'ProbeFailed', exitCode: 17, idleSeconds: 900 },
        pods: [{ name: 'web-new-1' }],
      },
    });
  });

  test('nothing follows before it, nor without desired pods', () => {
    expect(overdue([result({})], {}, NOW + 1)).toBeUndefined();
    expect(overdue([result({})], { desired: 0 })).toBeUndefined();
  });

  test('exactly then, a failed probe of this moment is evidence', () => {
    expect(
      overdue([result({ record: recordOf({ class: 'Retry', startedAt: NOW }) })], {}, NOW),
    ).toMatchObject({
      hasEvidence: true,
    });
  });

  test.each<[string, Partial<PodResult>]>([
    ['a probe before it', { record: recordOf({ class: 'Retry', startedAt: DEADLINE - 1 }) }],
    ['a pod that is not ready', { state: 'Waiting' }],
    ['a probe without a response', { record: recordOf({ class: 'Error', startedAt: NOW }) }],
    ['no probe', { record: undefined }],
    [
      'a pod that was first probed after it',
      { record: recordOf({ class: 'Retry', startedAt: NOW, tries: [{ ...TRIED, firstAt: DEADLINE }] }) },
    ],
  ])('%s is no evidence, but names the cause', (_, change) => {
    expect(overdue([result(change)])).toMatchObject({
      hasEvidence: false,
      evidence: { cause: { reason: 'ProbeFailed' }, pods: [] },
    });
  });

  test.each<[string, Partial<PodResult>, boolean]>([
    [
      'one of before is to be repeated',
      { record: recordOf({ startedAt: DEADLINE - 1 }), cycleAt: NOW + 9 },
      true,
    ],
    ['one of now is to be repeated', { record: recordOf({ startedAt: DEADLINE }), cycleAt: NOW + 9 }, false],
    ['the first one is due', { record: undefined, cycleAt: NOW }, true],
    ['the first one is due later', { record: undefined, cycleAt: NOW + 9 }, false],
    ['none is to be made', { record: recordOf({ startedAt: DEADLINE - 1 }) }, false],
  ])('waits for a probe if %s: %s', (_, change, waits) => {
    expect(overdue([result({ state: 'Waiting', ...change })]) === undefined).toBe(waits);
  });

  test('does not wait for another probe if there is evidence', () => {
    const coming = result({ record: undefined, state: 'Waiting', cycleAt: NOW });
    expect(overdue([coming, result({})])).toMatchObject({ hasEvidence: true });
  });

  test('a pod that was started late postpones it once, until it has had its time', () => {
    const late = result({ deadlineAt: NOW + 1 });
    expect(overdue([late])).toBeUndefined();
    expect(overdue([result({ deadlineAt: NOW })])?.hasEvidence).toBe(true);
    expect(overdue([{ ...late, record: undefined, state: 'Waiting' }])?.hasEvidence).toBe(false);
    expect(overdue([late], {}, NOW - 599_999)).toBeUndefined();
    expect(overdue([late], {}, NOW - 600_000)).toBeDefined();
  });

  describe('a verified pod that is not ready any more', () => {
    const lapse = (countsAt: number | undefined): PodResult =>
      result({
        state: 'Passed',
        cause: { reason: 'PostCheckPassed' },
        recorded: true,
        lapse: { cause: { reason: 'NotReady', container: 'web', late: true }, countsAt },
      });
    const old = (status: 'True' | 'False') =>
      podOf({ name: 'web-old', revision: 'old', conditions: { Ready: conditionOf(status) } });
    const withOld = (status: 'True' | 'False') => {
      const evaluation = evaluationOf({});
      const summary = { ...evaluation.summary, results: [lapse(NOW)], outdated: [old(status)] };
      return findOverdue({ ...evaluation, summary }, DEADLINE);
    };

    test('is evidence once it has had its time', () => {
      expect(overdue([lapse(NOW)])).toMatchObject({
        hasEvidence: true,
        evidence: {
          cause: { reason: 'NotReady', late: true, idleSeconds: 900 },
          pods: [{ name: 'web-new-1' }],
        },
      });
    });
    test.each([NOW + 1, undefined])('is none before that, but names the cause: %s', (at) => {
      expect(overdue([result({ state: 'Passed' }), lapse(at)])).toMatchObject({
        hasEvidence: false,
        evidence: { cause: { reason: 'NotReady', late: true }, pods: [] },
      });
    });
    test('is none where pods of the previous version are not ready either', () => {
      expect(withOld('True')?.hasEvidence).toBe(true);
      expect(withOld('False')?.hasEvidence).toBe(false);
    });
  });

  test('waits for no probe, and has no evidence, where nothing is verified', () => {
    const spec = { fallback: { verify: false } } as never;
    const coming = result({ record: undefined, state: 'Waiting', cycleAt: NOW });
    const change = { direction: 'Back', spec } as const;
    expect(overdue([result({}), coming], change)).toMatchObject({ hasEvidence: false });
  });

  test('the cause is that of the worst pod without a result', () => {
    const [passed, skipped] = [result({ state: 'Passed' }), result({ state: 'Skipped' })];
    const waiting = result({ state: 'Waiting', cause: { reason: 'NotReady' }, record: undefined });
    expect(overdue([passed, skipped, waiting])?.evidence.cause.reason).toBe('NotReady');
    expect(overdue([passed, skipped])?.evidence.cause).toMatchObject({
      reason: 'NoProgress',
      detail: undefined,
    });
  });

  test('or else of a pod that its node ended since the last progress, or that is still terminating', () => {
    const ended = podOf({ phase: 'Failed', reason: 'Evicted', message: 'low on memory', createdAt: NOW });
    const rolled = { rollout: { rolledAt: NOW - 60_000 } } as const;
    const causeWith = (pod: PodView, results: PodResult[] = []) =>
      overdue(results, { ...rolled, snapshot: { pods: [pod], updateRevision: 'new' } })?.evidence.cause;
    const cause = { reason: 'PodEnded', pod: 'web-new-1', detail: 'Evicted: low on memory' };
    expect(causeWith(ended, [result({ state: 'Waiting', record: undefined })])).toMatchObject(cause);
    expect(causeWith({ ...ended, createdAt: NOW - 90_000 })?.reason).toBe('NoProgress');
    expect(causeWith({ ...ended, revision: 'old' })?.reason).toBe('NoProgress');
    for (const terminating of [podOf({ deleting: true }), evicted()]) {
      expect(causeWith(terminating)).toMatchObject({ reason: 'PodTerminating', pod: 'web-new-1' });
    }
    expect(causeWith(evicted({ phase: 'Failed', createdAt: NOW - 90_000 }))?.reason).toBe('NoProgress');
  });

  test('pods that the API server rejects are evidence against a new version', () => {
    const detail = 'admission webhook "a" denied the request: image is not signed';
    const pods = warned(detail);
    expect(overdue([], pods)).toMatchObject({
      hasEvidence: true,
      evidence: { cause: { reason: 'PodsRefused', detail } },
    });
    expect(overdue([], { ...pods, direction: 'Back' })).toMatchObject({
      hasEvidence: false,
      evidence: { cause: { reason: 'NoProgress', detail } },
    });
    expect(overdue([], { ...pods, pods: [{ name: 'a' }] })).toMatchObject({ hasEvidence: false });
    expect(overdue([], warned('timed out'))).toMatchObject({
      hasEvidence: false,
      evidence: { cause: { reason: 'NoProgress', detail: 'timed out' } },
    });
    expect(overdue([result({})], pods)).toMatchObject({ evidence: { cause: { reason: 'ProbeFailed' } } });
  });
});
