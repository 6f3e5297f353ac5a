/** What is done with the pods of a rollout, one kind of change at a time. */
import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf, type Pod } from '../../../test/support/evaluations.ts';
import {
  containerOf,
  NEW,
  NOW,
  notReady,
  OLD,
  podOf,
  recordOf,
  specOf,
  verificationContext,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Cause } from '../cause.ts';
import type { Action } from '../plan.ts';
import type { PodResult } from '../verification/pod-result.ts';
import {
  closeGates,
  explainFailures,
  recordResults,
  recordRolledBack,
  releaseFields,
  replaceMissedGate,
  unblock,
} from './actions.ts';
import type { Evaluation } from './evaluation.ts';

const withContext = (change: EvaluationChange): Evaluation => ({
  ...evaluationOf(change),
  context: verificationContext(),
  rolledBackContext: verificationContext({ id: 'back-1' }),
});
function named(action: Action): string {
  switch (action.kind) {
    case 'recordResults':
      return action.conditions.map(({ pod, condition }) => `${pod.name} ${condition.status}`).join(', ');
    case 'deletePods':
      return action.pods.map(({ name }) => `${name} ${action.reason}`).join(', ');
    default:
      return action.kind;
  }
}
const pod = (name: string, state: Pod['state'], recorded = false): Pod => ({ name, state, recorded });

describe('results are recorded', () => {
  const unverified = { fallback: { ...specOf().fallback, verify: false } };
  const stages = {
    all: [{ name: 'a', pods: 2 }],
    present: { index: 0, stage: { name: 'a', pods: 2 }, state: { state: 'Rolling' } },
  };
  /** A Deployment in a stage of two pods, whose gate holds it. */
  const inStage = (pods: readonly Pod[]): Evaluation => ({
    ...withContext({ pods, desired: 5, workload: { kind: 'Deployment' } as never }),
    stages: stages as unknown as Evaluation['stages'],
  });
  test.each<[string, Evaluation, string]>([
    [
      'of every pod that has one',
      withContext({
        pods: [pod('a', 'Passed'), pod('b', 'Skipped'), pod('c', 'Failed'), pod('d', 'Waiting')],
      }),
      'a True, b True, c False',
    ],
    ['once', withContext({ pods: [pod('a', 'Passed', true), pod('b', 'Failed', true)] }), 'none'],
    ['if the fallback is verified', withContext({ pods: [pod('a', 'Passed')], direction: 'Back' }), 'a True'],
    [
      'not if it is not',
      withContext({ pods: [pod('a', 'Passed')], direction: 'Back', spec: unverified }),
      'none',
    ],
    [
      'up to the stage where only the gate holds it',
      inStage(['a', 'b', 'c'].map((name) => pod(name, 'Passed'))),
      'a True, b True',
    ],
    [
      'beside those of before',
      inStage([pod('a', 'Passed', true), pod('b', 'Passed'), pod('c', 'Passed')]),
      'b True',
    ],
    [
      'beside those that were skipped',
      inStage([pod('a', 'Skipped', true), pod('b', 'Skipped', true), pod('c', 'Passed')]),
      'none',
    ],
    [
      'of failed pods in any case',
      inStage([pod('a', 'Passed', true), pod('b', 'Passed', true), pod('c', 'Failed')]),
      'c False',
    ],
  ])('%s', (_, evaluation, expected) => {
    expect(named(recordResults(evaluation))).toBe(expected);
  });

  test('of 24 pods at once', () => {
    const pods = Array.from({ length: 150 }, (_, index) => pod(`web-${index}`, 'Passed'));
    const action = recordResults(withContext({ pods, desired: 150 }));
    expect(action.kind === 'recordResults' && action.conditions).toHaveLength(24);
  });

  test('with the reason, and pinned to the containers', () => {
    const { conditions } = recordResults(withContext({ pods: [pod('a', 'Passed')] })) as Extract<
      Action,
      { kind: 'recordResults' }
    >;
    expect(conditions[0]?.condition).toEqual({
      status: 'True',
      reason: 'PostCheckPassed',
      message: 'ready [proof-1 web@aaaaaaaaaaaa]',
    });
  });

  test('of pods that were rolled back, for their own verification', () => {
    const back = (change: EvaluationChange, isRecorded: boolean) => {
      const evaluation = withContext({ rolledBack: ['a'], ...change });
      const rolledBack = evaluation.rolledBack.map((result) => ({ ...result, recorded: isRecorded }));
      return recordRolledBack({ ...evaluation, rolledBack });
    };
    expect(back({}, false)).toMatchObject({
      conditions: [{ condition: { message: expect.stringContaining('[back-1 ') } }],
    });
    expect(named(back({}, true))).toBe('none');
    expect(named(back({ spec: unverified }, false))).toBe('none');
  });
});

describe('a gate', () => {
  const result = (cause: Cause, change: Partial<PodResult> = {}): PodResult =>
    ({ pod: podOf(), state: 'Waiting', cause, record: recordOf({ cycles: 1 }), ...change }) as PodResult;
  const of = (results: readonly PodResult[], rolledBack: readonly PodResult[] = []): Evaluation => {
    const evaluation = withContext({});
    return { ...evaluation, summary: { ...evaluation.summary, results }, rolledBack };
  };
  const changed = { reason: 'ImageChanged', container: 'web', image: 'web:3', wanted: NEW } as const;

  test('is closed where somebody set another image, also of a pod that was rolled back', () => {
    expect(named(closeGates(of([result(changed), result({ reason: 'NotReady' })])))).toBe('web-new-1 False');
    expect(named(closeGates(of([], [result({ reason: 'ForeignPod' })])))).toBe('web-new-1 False');
    expect(named(closeGates(of([])))).toBe('none');
    const many = Array.from({ length: 150 }, () => result(changed));
    const action = closeGates(of(many));
    expect(action.kind === 'recordResults' && action.conditions).toHaveLength(24);
  });

  test('says why it is closed while a check fails', () => {
    const failing = result(
      { reason: 'ProbeFailed', check: 'probe', container: 'web', exitCode: 17 },
      { state: 'Retrying' },
    );
    expect(named(explainFailures(of([failing])))).toBe('web-new-1 False');
    expect(named(explainFailures(of([result({ reason: 'NotReady' })])))).toBe('none');
  });
});

describe('a pod that blocks its controller is deleted', () => {
  const broken = notReady({ name: 'web-2', revision: 'between' });
  function blocked(change: EvaluationChange & { readonly from?: string | undefined }, pods = [broken]) {
    const { from, ...rest } = { from: 'old', ...change };
    const evaluation = evaluationOf({ ...rest, snapshot: { pods }, workload: { ordered: true } as never });
    const status = { ...evaluation.status, from: { images: { web: OLD }, revision: from } };
    return named(unblock({ ...evaluation, status }));
  }
  test.each<[string, string, string]>([
    ['if it is of neither version', blocked({}), 'web-2 StuckPodDeleted'],
    ['not if it is of the previous version', blocked({}, [{ ...broken, revision: 'old' }]), 'none'],
    ['also if the revision of that is not known', blocked({ from: undefined }), 'web-2 StuckPodDeleted'],
    [
      'but not if it has the images of that',
      blocked({ from: undefined }, [{ ...broken, containers: [containerOf({ image: OLD })] }]),
      'none',
    ],
    [
      'in a fallback, whatever ran before',
      blocked({ direction: 'Back', from: undefined }),
      'web-2 StuckPodDeleted',
    ],
    [
      'in a fallback also of the revision before',
      blocked({ direction: 'Back' }, [{ ...broken, revision: 'old' }]),
      'web-2 StuckPodDeleted',
    ],
    ['not while the template is reverted', blocked({ rollout: { templateRevert: 'Back' } }), 'none'],
    ['not if there is none', blocked({}, []), 'none'],
  ])('%s', (_, deleted, expected) => {
    expect(deleted).toBe(expected);
  });
});

describe('a pod without the gate is replaced', () => {
  function missed(gate: 'Required' | 'Auto', isPodReady: boolean, isGated = false) {
    const evaluation = evaluationOf({ pods: [{ name: 'a' }], spec: { gate } });
    const results = evaluation.summary.results.map((found) => ({
      ...found,
      isPodReady,
      isGated,
      pod: { ...found.pod, createdAt: NOW },
    }));
    return named(replaceMissedGate({ ...evaluation, summary: { ...evaluation.summary, results } }));
  }
  test.each([
    ['if the gate is required', missed('Required', false), 'a GateMissed'],
    ['not if it serves already', missed('Required', true), 'none'],
    ['not if the gate may be missing', missed('Auto', false), 'none'],
    ['not if it has the gate', missed('Required', false, true), 'none'],
  ])('%s', (_, deleted, expected) => {
    expect(deleted).toBe(expected);
  });
});

test('our entry in managedFields is removed if there is one', () => {
  expect(releaseFields(workloadOf({ holdsOurFields: true })).kind).toBe('releaseFields');
  expect(releaseFields(workloadOf()).kind).toBe('none');
});
