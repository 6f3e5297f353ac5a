/** When nothing more is to be rolled, and when every wanted pod has its result. */
import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf, type Pod } from '../../../test/support/evaluations.ts';
import { isRolledOut, isSettled } from './done.ts';

const pods = (...states: NonNullable<Pod['state']>[]): Pod[] =>
  states.map((state, index) => ({ name: `web-${index}`, state }));

describe('a rollout has nothing more to roll', () => {
  const ONE_FAILED: EvaluationChange = {
    pods: pods('Passed', 'Passed', 'Failed'),
    rolledOut: false,
    workload: { available: 2 },
  };
  test.each<[when: string, change: EvaluationChange, isDone: boolean]>([
    ['when the controller says so', { pods: pods('Passed', 'Passed', 'Passed') }, true],
    ['and not before', { pods: pods('Passed', 'Passed', 'Passed'), rolledOut: false }, false],
    ['not without a revision of its template', { snapshot: { updateRevision: undefined } }, false],
    ['not while the template is reverted', { rollout: { templateRevert: 'Back' as never } }, false],
    ['when all but the failed pods are available', ONE_FAILED, true],
    ['not when fewer are', { ...ONE_FAILED, workload: { available: 1 } }, false],
    ['not when the controller has not seen the template', { ...ONE_FAILED, workload: { available: 2, observedGeneration: 0 } }, false],
    ['not when a pod is still to be replaced', { ...ONE_FAILED, outdated: ['web-3'] }, false],
    ['not when a pod is missing', { ...ONE_FAILED, desired: 4, workload: { available: 3 } }, false],
    ['when the missing one was rolled back', { ...ONE_FAILED, desired: 4, rolledBack: ['web-3'], left: ['web-3'], workload: { available: 2 } }, true],
  ])('%s', (_when, change, isDone) => {
    expect(isRolledOut(evaluationOf(change))).toBe(isDone);
  }); // biome-ignore format: a table
});

describe('every wanted pod has its result', () => {
  test.each<[when: string, change: EvaluationChange, isDone: boolean]>([
    ['when all have passed', { pods: pods('Passed', 'Passed', 'Passed') }, true],
    ['however they are decided', { pods: pods('Passed', 'Skipped', 'Failed') }, true],
    ['not when one is not decided', { pods: pods('Passed', 'Passed', 'Retrying') }, false],
    ['not when one is not decided beside enough others', { pods: pods('Passed', 'Passed', 'Passed', 'Retrying') }, false],
    ['not when one is not recorded', { pods: [...pods('Passed', 'Passed'), { name: 'web-2', recorded: false }] }, false],
    ['not when one is missing', { pods: pods('Passed', 'Passed') }, false],
    ['when the missing one is left', { pods: pods('Passed', 'Passed'), left: ['web-2'] }, true],
    ['not when what is left has a pod that counts already', { pods: pods('Passed', 'Failed'), left: ['web-1'] }, false],
  ])('%s', (_when, change, isDone) => {
    expect(isSettled(evaluationOf(change))).toBe(isDone);
  }); // biome-ignore format: a table
});
