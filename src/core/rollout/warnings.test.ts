/** Which events are read, and when. */
import { describe, expect, test } from '@jest/globals';
import {
  ago,
  NOW,
  podOf,
  snapshotOf,
  verificationContext,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Reason } from '../../api/reasons.ts';
import type { PodView, WorkloadKind } from '../../api/views.ts';
import type { Evaluation } from './evaluation.ts';
import { readWarning, warningAt } from './warnings.ts';

interface Given {
  readonly kind?: WorkloadKind;
  readonly desired?: number;
  readonly rolledSecondsAgo?: number;
  /** The reason of the only pod, which was created so many seconds ago. */
  readonly pod?: readonly [reason: string, secondsAgo: number];
  readonly isFailed?: boolean;
  readonly outdated?: number;
  readonly readSecondsAgo?: number;
}

function evaluationOf(given: Given): Evaluation {
  const { kind = 'StatefulSet', desired = 1, rolledSecondsAgo, pod, outdated = 0, readSecondsAgo } = given;
  const view = podOf({ createdAt: NOW - (pod?.[1] ?? 0) * 1000 });
  const state = given.isFailed ? 'Failed' : 'Waiting';
  const read = readSecondsAgo === undefined ? undefined : { at: NOW - readSecondsAgo * 1000 };
  return {
    snapshot: snapshotOf({ eventsSeen: () => read }),
    workload: workloadOf({ kind }),
    summary: {
      results: pod ? [{ pod: view, state, cause: { reason: pod[0] } }] : [],
      outdated: Array<PodView>(outdated).fill(podOf()),
      desired,
    },
    rollout: {
      direction: 'Forward',
      rolledAt: rolledSecondsAgo === undefined ? undefined : NOW - rolledSecondsAgo * 1000,
    },
    context: verificationContext({ startedAt: Date.parse(ago(600)) }),
  } as unknown as Evaluation;
}

/** The object whose events are read now, and in how many seconds the next read is due. */
function warningOf(given: Given): readonly [string, number | undefined] {
  const evaluation = evaluationOf(given);
  const action = readWarning(evaluation);
  const at = warningAt(evaluation);
  const about = action.kind === 'readWarning' ? action.about.name : action.kind;
  return [about, at === undefined ? undefined : (at - NOW) / 1000];
}

describe('the events', () => {
  test.each<[string, Given, readonly [string, number | undefined]]>([
    [
      'of a workload whose pod is missing are read after ten seconds',
      { rolledSecondsAgo: 10 },
      ['web', undefined],
    ],
    ['and not before', { rolledSecondsAgo: 4 }, ['none', 6]],
    ['again half a minute later', { rolledSecondsAgo: 60, readSecondsAgo: 30 }, ['web', undefined]],
    ['and not before that', { rolledSecondsAgo: 60, readSecondsAgo: 10 }, ['none', 20]],
    ['not before its images are written', {}, ['none', undefined]],
    ['not where its status has them', { rolledSecondsAgo: 60, kind: 'Deployment' }, ['none', undefined]],
    ['not while an old pod is there', { rolledSecondsAgo: 60, outdated: 1 }, ['none', undefined]],
    [
      'not while its pods exist',
      { rolledSecondsAgo: 60, pod: ['ProbeFailed', 60] satisfies [Reason, number] },
      ['none', undefined],
    ],
    ['of a pod that is not started are read', { pod: ['ContainerCreating', 10] }, ['web-new-1', undefined]],
    ['of a pod that is not scheduled, too', { pod: ['NotStarted', 10] }, ['web-new-1', undefined]],
    ['of a pod that initializes, too', { pod: ['PodInitializing', 10] }, ['web-new-1', undefined]],
    ['of a new pod are read later', { pod: ['ContainerCreating', 3] }, ['none', 7]],
    ['of a pod that says why are not read', { pod: ['Unschedulable', 60] }, ['none', undefined]],
    ['of a failed pod are not read', { pod: ['ContainerCreating', 60], isFailed: true }, ['none', undefined]],
    [
      'of the workload come first',
      { rolledSecondsAgo: 60, desired: 2, pod: ['ContainerCreating', 60] },
      ['web', undefined],
    ],
    [
      'of a pod are read while those of the workload are not due',
      { rolledSecondsAgo: 2, desired: 2, pod: ['ContainerCreating', 60] },
      ['web-new-1', 8],
    ],
  ])('%s', (_, given, expected) => {
    expect(warningOf(given)).toEqual(expected);
  });
});
