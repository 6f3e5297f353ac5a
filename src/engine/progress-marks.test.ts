import { describe, expect, test } from '@jest/globals';
import type { UpgradeStatus } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { WriteAction } from './action-executor.ts';
import { actionProgress, statusProgress } from './progress-marks.ts';

const attempting = { attempt: { id: '1-a' }, phase: 'Upgrading' } as UpgradeStatus;
const fallingBack = { ...attempting, phase: 'FallingBack', fallback: {} } as UpgradeStatus;
const workload = { kind: 'DaemonSet', name: 'web' } as WorkloadView;
const pod = (name: string, node: string) => ({ uid: `uid of ${name}`, name, node }) as PodView;
const deletion = (reason: 'Replaced' | 'GateMissed', ...pods: PodView[]): WriteAction => ({
  kind: 'deletePods',
  workload,
  pods,
  reason,
});
const marksOf = (action: WriteAction, status = attempting) => actionProgress(action, status).marks;

describe('a status', () => {
  test('reaches a mark for its phase and direction', () => {
    expect(statusProgress(attempting, attempting)).toEqual({ attempt: '1-a', marks: ['forward Upgrading'] });
    expect(statusProgress(attempting, fallingBack).marks).toEqual(['back FallingBack']);
  });

  test('that starts an attempt reaches no mark', () => {
    expect(statusProgress(undefined, attempting)).toEqual({ attempt: '1-a', marks: [] });
    expect(statusProgress({ attempt: { id: '0-b' } } as UpgradeStatus, attempting).marks).toEqual([]);
  });
});

describe('a write', () => {
  test('of the same images reaches another mark in the fallback', () => {
    const action: WriteAction = {
      kind: 'patchImages',
      workload,
      images: { web: 'web:1' },
    };
    expect(marksOf(action)).toEqual(marksOf(action));
    expect(marksOf(action)).not.toEqual(marksOf(action, fallingBack));
  });

  test('of a result reaches a mark for each pod and verdict', () => {
    const result = (name: string, status: 'True' | 'False', message: string): WriteAction => ({
      kind: 'recordResults',
      conditions: [{ pod: pod(name, 'n1'), condition: { status, reason: 'PostCheckPassed', message } }],
    });
    expect(marksOf(result('a', 'True', 'exit 0'))).toEqual(marksOf(result('a', 'True', 'exit 0 again')));
    expect(marksOf(result('a', 'True', ''))).not.toEqual(marksOf(result('a', 'False', '')));
    expect(marksOf(result('a', 'True', ''))).not.toEqual(marksOf(result('b', 'True', '')));
  });

  test('that deletes a pod to replace it reaches a mark for its place once', () => {
    expect(marksOf(deletion('Replaced', pod('a', 'n1')))).toEqual(
      marksOf(deletion('Replaced', pod('b', 'n1'))),
    );
    expect(marksOf(deletion('Replaced', pod('a', 'n1'), pod('b', 'n2')))).toHaveLength(2);
  });

  test('that deletes a pod for another reason reaches no mark', () => {
    expect(marksOf(deletion('GateMissed', pod('a', 'n1')))).toEqual([]);
  });
});
