/** Nodes that nobody can reach: when an attempt leaves them, and when it goes on without them. */
import { describe, expect, jest, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  NOW,
  oldPodOf,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Attempt } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import type { Evaluation } from './evaluation.ts';
import { followLost, lostNodes, lostUntil, mayGoPastLost } from './lost-nodes.ts';
import type { Rolling } from './rollout.ts';

const NODES = ['a', 'b', 'c', 'd'];
const onNode = (node: string, change: Partial<PodView> = {}): PodView =>
  podOf({ name: `agent-${node}`, uid: node, node, ...change });

interface Given {
  /** Nodes that are not Ready. */
  readonly lost?: readonly string[];
  readonly attempt?: Partial<Attempt>;
  /** The time since the images were written. */
  readonly rolledSecondsAgo?: number;
  readonly leaves?: boolean;
  readonly pods?: readonly PodView[];
  /** Nodes whose pod serves verified. */
  readonly serving?: readonly string[];
}

/** A DaemonSet on four nodes; a pod may take 600 s. */
function given({ lost = [], attempt, rolledSecondsAgo = 900, leaves = true, serving = [], ...rest }: Given) {
  const snapshot = snapshotOf({
    pods: rest.pods ?? NODES.map((node) => onNode(node)),
    nodeReady: (node) => !lost.includes(node),
  });
  const status = activeStatusOf({}, { progressAt: ago(700), maxUpdated: 2, maxPassed: 1, ...attempt });
  const workload = workloadOf({ kind: 'DaemonSet', onDelete: true, desired: 4 });
  const rollout = { direction: 'Forward', rolledAt: NOW - rolledSecondsAgo * 1000 } as const;
  const policy = { leavesLostNodes: leaves };
  const results = serving.map((node) => ({
    pod: onNode(node),
    state: 'Passed',
    recorded: true,
    isPodReady: true,
  }));
  return {
    snapshot,
    status,
    workload,
    rollout,
    policy,
    summary: { results },
    lostNodes: lostNodes(snapshot, { workload }),
  } as unknown as Evaluation & Rolling;
}

function excluded(change: Given): readonly string[] | undefined {
  const evaluation = given(change);
  return followLost(evaluation.snapshot, evaluation, evaluation)?.attempt.excludedNodes;
}

describe('a lost node is left', () => {
  test.each<[string, Given, readonly string[] | undefined]>([
    ['after the time that a pod may take', { lost: ['b', 'a'] }, ['a', 'b']],
    ['not before that time', { lost: ['a'], attempt: { progressAt: ago(599) } }, undefined],
    ['exactly then', { lost: ['a'], attempt: { progressAt: ago(600) } }, ['a']],
    ['not before it, counted from the write', { lost: ['a'], rolledSecondsAgo: 599 }, undefined],
    ['never by a fallback', { lost: ['a'], leaves: false }, undefined],
    ['not if no node is lost', {}, undefined],
    ['once', { lost: ['a'], attempt: { excludedNodes: ['a'] } }, undefined],
    ['beside others', { lost: ['a', 'b'], attempt: { excludedNodes: ['a'] } }, ['a', 'b']],
    ['until it is back', { attempt: { excludedNodes: ['a'] } }, []],
    ['in place of one that is back', { lost: ['b'], attempt: { excludedNodes: ['a'] } }, ['b']],
    [
      'and stays left while another one is waited for',
      { lost: ['a', 'b'], attempt: { excludedNodes: ['a', 'c'], progressAt: ago(1) } },
      ['a'],
    ],
    ['not if every node is lost', { lost: NODES }, undefined],
  ])('%s', (_, change, nodes) => {
    expect(excluded(change)).toEqual(nodes);
  });

  test('and the time for progress starts again', () => {
    const evaluation = given({ lost: ['a'] });
    expect(followLost(evaluation.snapshot, evaluation, evaluation)?.attempt).toMatchObject({
      progressAt: ago(0),
      maxUpdated: 0,
      maxPassed: 0,
    });
  });

  test('as one of at most 500', () => {
    const nodes = Array.from({ length: 600 }, (_, index) => `node-${String(index).padStart(3, '0')}`);
    const left = excluded({ lost: nodes, pods: [onNode('a'), ...nodes.map((node) => onNode(node))] });
    expect(left).toEqual(nodes.slice(0, 500));
  });
});

describe('the next decision about a lost node', () => {
  const waited = { lost: ['a'], attempt: { progressAt: ago(100) } };
  test.each<[string, Given, number | undefined]>([
    ['is due when it is left', waited, NOW + 500_000],
    ['counts from the write', { ...waited, rolledSecondsAgo: 60 }, NOW + 540_000],
    ['is not due without a lost node', { ...waited, lost: [] }, undefined],
    [
      'is not due once it is left',
      { ...waited, attempt: { ...waited.attempt, excludedNodes: ['a'] } },
      undefined,
    ],
    ['is not due once its time is over', { lost: ['a'], attempt: { progressAt: ago(600) } }, undefined],
    ['is not due in a fallback', { ...waited, leaves: false }, undefined],
  ])('%s', (_, change, at) => {
    expect(lostUntil(given(change))).toBe(at);
  });
});

describe('further nodes get the new version', () => {
  const left = (...excludedNodes: string[]) => ({ attempt: { excludedNodes } });
  test.each<[string, Given, number, boolean]>([
    ['while no node is left', {}, 1, true],
    ['while none of those that are left has it', { ...left('a'), pods: [oldPodOf({ node: 'a' })] }, 1, true],
    ['while fewer are lost with it than serve it', { ...left('a'), serving: ['b', 'c'] }, 1, true],
    ['not while as many are lost with it as serve it', { ...left('a'), serving: ['b'] }, 1, false],
    ['not if none serves it', left('a'), 1, false],
    [
      'not while more are lost than may be unverified at once',
      { ...left('a', 'b'), serving: ['c', 'd', 'e'] },
      1,
      false,
    ],
    ['while as many are lost as may be', { ...left('a', 'b'), serving: ['c', 'd', 'e'] }, 2, true],
    [
      'while two pods of one lost node count once',
      { ...left('a'), pods: [onNode('a'), onNode('a')], serving: ['c', 'd'] },
      1,
      true,
    ],
    [
      'not while an old pod of a lost node is being replaced',
      { ...left('a'), pods: [oldPodOf({ node: 'a', deleting: true })], serving: ['b'] },
      1,
      false,
    ],
  ])('%s', (_, change, maxParallel, expected) => {
    expect(mayGoPastLost(given(change), maxParallel)).toBe(expected);
  });
});

test('are looked for once in a decision, where a node has a pod at all', () => {
  const looks = (kind: 'DaemonSet' | 'Deployment'): number => {
    const nodeReady = jest.fn((_node: string) => true);
    const status = statusOf({}, { rolledAt: ago(900), progressAt: ago(700) });
    const workload = workloadOf({ kind, desired: 4 } as object);
    decide(
      snapshotOf({
        upgrade: upgradeOf({ status }),
        workload,
        pods: NODES.map((node) => onNode(node)),
        nodeReady,
      }),
    );
    return nodeReady.mock.calls.length;
  };
  expect(looks('DaemonSet') - looks('Deployment')).toBe(NODES.length);
});
