/** How many pods, and which, a rollout may update now. */
import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  oldPodOf,
  podOf,
  snapshotOf,
  specOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { StageState } from '../../api/enums.ts';
import type { PodView } from '../../api/views.ts';
import { effectiveSpec } from '../effective-spec.ts';
import type { Evaluation } from './evaluation.ts';
import { isOnNodes, isPlaceInStage, isServing, limitOf, reachOf } from './reach.ts';
import { stagesFor } from './stages.ts';

/** Nodes 0 to 3 are at the edge in zone a, 4 to 9 in the core in zone a. */
const NODES = Array.from({ length: 10 }, (_, index) => `node-${index}`);
const labelsOf = (node: string) => ({ tier: Number(node.slice(5)) < 4 ? 'edge' : 'core', zone: 'a' });
const EDGE = { matchLabels: { tier: 'edge', zone: 'a' } };
const onNode = (node: string, isNew: boolean): PodView =>
  (isNew ? podOf : oldPodOf)({ name: `pod-on-${node}`, uid: node, node });

interface Given {
  readonly stages?: readonly object[];
  readonly states?: readonly StageState[];
  /** How many nodes, from the first, have the new version. */
  readonly updated?: number;
  readonly excludedNodes?: readonly string[];
  readonly kind?: 'DaemonSet' | 'StatefulSet';
  readonly partition?: number;
  readonly knowsNodes?: boolean;
  readonly desired?: number;
}

function evaluationOf(given: Given): Evaluation {
  const {
    stages = [],
    states = [],
    updated = 0,
    excludedNodes = [],
    kind = 'DaemonSet',
    partition = 0,
  } = given;
  const spec = effectiveSpec(specOf({ strategy: { stages } }));
  const status = activeStatusOf(
    {
      stages: spec.stages.map(({ name }, i) => ({
        name,
        state: states[i] ?? 'Waiting',
        desired: 0,
        verified: 0,
      })),
    },
    { excludedNodes },
  );
  const pods = NODES.map((node, index) => onNode(node, index < updated));
  return {
    snapshot: snapshotOf({ pods, nodeLabels: given.knowsNodes === false ? undefined : labelsOf }),
    workload: workloadOf({ kind, onDelete: kind === 'DaemonSet', partition }),
    status,
    summary: {
      outdated: pods.filter(({ revision, node }) => revision === 'old' && !excludedNodes.includes(node)),
      desired: given.desired ?? 10,
    },
    stages: stagesFor({ isStaged: true }, spec, status),
  } as unknown as Evaluation;
}

/** How many pods may be verified, and how many of those that are outdated may be replaced. */
function shown(given: Given): readonly [number, string] {
  const evaluation = evaluationOf(given);
  const { pods, within } = reachOf(evaluation);
  const numbers = within(evaluation.summary.outdated).map(({ node }) => node.slice(5));
  return [pods, numbers.join(' ')];
}

describe('a rollout reaches', () => {
  const canary = { name: 'canary', pods: 2 };
  const half = { name: 'half', pods: '50%' };
  const edge = { name: 'edge', nodes: EDGE };
  const all = [Number.POSITIVE_INFINITY, '0 1 2 3 4 5 6 7 8 9'] as const;
  test.each<[string, Given, readonly [number, string]]>([
    ['every pod without stages', {}, all],
    ['every pod once all stages are done', { stages: [canary], states: ['Done', 'Done'] }, all],
    ['none before the first stage', { stages: [canary] }, [0, '']],
    ['those of the first stage', { stages: [canary], states: ['Rolling'] }, [2, '0 1']],
    ['those that are left of it', { stages: [canary], states: ['Rolling'], updated: 1 }, [2, '1']],
    [
      'none while it waits for approval',
      { stages: [canary], states: ['AwaitingApproval'], updated: 2 },
      [2, ''],
    ],
    [
      'those of the stage before while the next waits',
      { stages: [canary, half], states: ['Done'] },
      [2, '0 1'],
    ],
    [
      'those of a larger stage, which includes the one before',
      { stages: [canary, half], states: ['Done', 'Rolling'], updated: 2 },
      [5, '2 3 4'],
    ],
    [
      'the remaining ones in the last stage',
      { stages: [canary], states: ['Done', 'Rolling'], updated: 2 },
      [10, '2 3 4 5 6 7 8 9'],
    ],
    ['the nodes of a stage', { stages: [edge], states: ['Rolling'] }, [4, '0 1 2 3']],
    [
      'those that can be reached',
      { stages: [edge], states: ['Rolling'], excludedNodes: ['node-1'] },
      [3, '0 2 3'],
    ],
    ['so many of them', { stages: [{ ...edge, pods: 3 }], states: ['Rolling'], updated: 1 }, [3, '1 2']],
    ['no more than there are', { stages: [{ ...edge, pods: 9 }], states: ['Rolling'] }, [4, '0 1 2 3']],
    [
      'none by labels of nodes that are not known',
      { stages: [edge], states: ['Rolling'], knowsNodes: false },
      [0, ''],
    ],
    [
      'pods of two stages, each of which takes room in both',
      {
        stages: [
          { ...edge, pods: 1 },
          { name: 'three', pods: 3 },
        ],
        states: ['Done', 'Rolling'],
      },
      [3, '0 1 2'],
    ],
    ['up to the partition of the user', { kind: 'StatefulSet', partition: 7 }, [3, '0 1 2 3 4 5 6 7 8 9']],
    [
      'up to the stage, if that has fewer',
      { kind: 'StatefulSet', partition: 7, stages: [canary], states: ['Rolling'] },
      [2, '0 1'],
    ],
    [
      'none with a partition that excludes all',
      { kind: 'StatefulSet', partition: 12 },
      [0, '0 1 2 3 4 5 6 7 8 9'],
    ],
  ])('%s', (_, given, expected) => {
    expect(shown(given)).toEqual(expected);
  });
});

describe('a node', () => {
  const evaluation = evaluationOf({});
  const [edge, rest] = effectiveSpec(
    specOf({ strategy: { stages: [{ name: 'edge', nodes: EDGE }] } }),
  ).stages;

  test('is in a stage if it has all its labels', () => {
    for (const isIn of [isOnNodes, isPlaceInStage]) {
      expect(edge && isIn(evaluation, edge, 'node-3')).toBe(true);
      expect(edge && isIn(evaluation, edge, 'node-4')).toBe(false);
      expect(rest && isIn(evaluation, rest, 'node-4')).toBe(true);
    }
    const zone = { matchLabels: { constructor: 'Object' } };
    expect(edge && isOnNodes(evaluation, { ...edge, nodes: zone }, 'node-3')).toBe(false);
  });

  test('without pods gives a stage no room', () => {
    const empty = { ...evaluation, snapshot: { ...evaluation.snapshot, pods: [onNode('', false)] } };
    expect(edge && limitOf(empty, { ...edge, nodes: { matchLabels: {} } }).pods).toBe(0);
  });
});

test.each([
  ['Passed', true, true, true],
  ['Skipped', true, true, true],
  ['Failed', true, true, false],
  ['Passed', false, true, false],
  ['Passed', true, false, false],
] as const)('a pod that has %s, recorded %s, Ready %s, serves: %s', (state, recorded, isPodReady, serves) => {
  expect(isServing({ state, recorded, isPodReady } as Parameters<typeof isServing>[0])).toBe(serves);
});
