/** The places where the new version does not run, while pods come and go. */
import { expect, test } from '@jest/globals';
import { podOf, statusOf, workloadOf } from '../../../test/support/snapshots.ts';
import { completeStatus } from '../complete-status.ts';
import type { Evaluation } from './evaluation.ts';
import { followLeft } from './left.ts';

/** A DaemonSet on three nodes, of which node-3 is left; its pod is made anew and is on this node. */
function leftWith(node: string) {
  const pod = (name: string, at: string) => podOf({ name, uid: name, node: at });
  const results = [pod('a', 'node-1'), pod('b', 'node-2')].map((own) => ({
    pod: own,
    state: 'Passed',
    recorded: true,
  }));
  const entry = { name: 'node-3', state: 'Failed', reason: 'ProbeFailed', message: 'x' };
  const evaluation = {
    workload: workloadOf({ kind: 'DaemonSet', onDelete: true }),
    status: completeStatus(statusOf({ left: [entry] } as never)),
    summary: { results, outdated: [pod('c', node)], desired: 3 },
    rolledBack: [],
  } as unknown as Evaluation;
  return followLeft(evaluation).left?.map(({ name }) => name);
}

test('a place stays while a pod that may come there is not scheduled yet', () => {
  expect(leftWith('')).toEqual(['node-3']);
});

test('a place is no more when all wanted pods are elsewhere', () => {
  expect(leftWith('node-4')).toEqual([]);
});
