/** Which pods postcheck replaces where the controller replaces only what is deleted. */
import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf, type Pod } from '../../../test/support/evaluations.ts';
import {
  ago,
  conditionOf,
  fallbackOf,
  notReady,
  OLD,
  oldPodOf,
  snapshotOf,
  specOf,
  statusOf,
  templateOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import type { Snapshot } from '../snapshot.ts';
import { advance, movePartition, recordOrAdvance } from './advance.ts';
import type { Evaluation } from './evaluation.ts';

const COUNT = 20;
const old = (index: number, change: Partial<PodView> = {}): PodView =>
  oldPodOf({ name: `web-${index}`, uid: `pod-${index}`, node: `node-${index}`, ...change });
const fleet = Array.from({ length: COUNT }, (_, index) => old(index));

/** The first stage has begun. */
const begun = (stages: readonly { readonly name: string }[]) =>
  stages.slice(0, 1).map(({ name }) => ({ name, state: 'Rolling' as const, desired: COUNT, verified: 0 }));

interface Strategy {
  readonly maxParallel?: number | string;
  readonly stages?: readonly { readonly name: string; readonly [field: string]: unknown }[];
}

function deleted(
  strategy: Strategy,
  pods: readonly PodView[] = fleet,
  more: Partial<Snapshot> = {},
): string[] {
  const { action } = decide(
    snapshotOf({
      upgrade: upgradeOf({ spec: { strategy }, status: statusOf({ stages: begun(strategy.stages ?? []) }) }),
      pods,
      workload: workloadOf({ kind: 'DaemonSet', onDelete: true, desired: COUNT, updated: 0 }),
      ...more,
    }),
  );
  return action.kind === 'deletePods' ? action.pods.map(({ name }) => name) : [];
}

test('as many at once as maxParallel allows, one by default', () => {
  expect(deleted({ maxParallel: '25%' })).toHaveLength(5);
  expect(deleted({ maxParallel: 3 })).toHaveLength(3);
  expect(deleted({})).toHaveLength(1);
});

test('those that are being replaced count', () => {
  const going = fleet.map((pod, index) => (index < 2 ? { ...pod, deleting: true } : pod));
  expect(deleted({ maxParallel: 3 }, going)).toHaveLength(1);
});

test('none on a lost node, and another one in its place', () => {
  const names = deleted({ maxParallel: 3 }, fleet, { nodeReady: (name) => name !== 'node-0' });
  expect(names).toHaveLength(3);
  expect(names).not.toContain('web-0');
});

test('never more than the present stage has room for', () => {
  expect(deleted({ maxParallel: 10, stages: [{ name: 'canary', pods: 2 }] })).toHaveLength(2);
});

test('in a stage of nodes only those there', () => {
  const stages = [{ name: 'edge', nodes: { matchLabels: { tier: 'edge' } }, pods: 3 }];
  const nodeLabels = (name: string) => ({ tier: Number(name.slice(5)) >= 15 ? 'edge' : 'core' });
  const names = deleted({ maxParallel: 10, stages }, fleet, { nodeLabels });
  expect(names).toHaveLength(3);
  expect(names.filter((name) => Number(name.slice(4)) < 15)).toEqual([]);
});

test('a fallback replaces pods that are not Ready without waiting', () => {
  const pods = Array.from({ length: COUNT }, (_, index) =>
    index < 6
      ? notReady({ name: `web-${index}`, uid: `pod-${index}`, node: `node-${index}`, revision: 'new' })
      : old(index),
  );
  const { action } = decide(
    snapshotOf({
      upgrade: upgradeOf({
        status: statusOf({ phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(5) }) }),
      }),
      pods,
      updateRevision: 'old',
      workload: workloadOf({
        kind: 'DaemonSet',
        onDelete: true,
        desired: COUNT,
        updated: COUNT - 6,
        containers: templateOf(OLD),
      }),
    }),
  );
  expect(action).toMatchObject({ kind: 'deletePods', reason: 'Replaced' });
  expect(action.kind === 'deletePods' && action.pods).toHaveLength(6);
});

interface Given extends EvaluationChange {
  readonly maxParallel?: number;
  /** Names of outdated pods that are Ready. */
  readonly serving?: readonly string[];
  readonly isPodReady?: boolean;
}

/** A DaemonSet on ten nodes that postcheck replaces. */
function fleetOf({ maxParallel = 3, serving = [], isPodReady = true, ...change }: Given): Evaluation {
  const spec = specOf({ strategy: { maxParallel }, fallback: { maxParallel } });
  const evaluation = evaluationOf({
    desired: 10,
    outdated: ['a', 'b', 'c', 'd', 'e'],
    ...change,
    spec,
    workload: { kind: 'DaemonSet', onDelete: true, ...change.workload } as never,
  });
  const outdated = evaluation.summary.outdated.map((pod) => ({
    ...pod,
    conditions: { Ready: conditionOf(serving.includes(pod.name) ? 'True' : 'False') },
  }));
  const results = evaluation.summary.results.map((result) => ({ ...result, isPodReady }));
  return { ...evaluation, summary: { ...evaluation.summary, outdated, results } };
}
const namesOf = (action: ReturnType<typeof advance>): string =>
  action.kind === 'deletePods' ? action.pods.map(({ name }) => name).join(' ') : action.kind;
const pods = (count: number, pod: Partial<Pod> = {}): Pod[] =>
  Array.from({ length: count }, (_, index) => ({ name: `new-${index}`, ...pod }));

describe('the next pods are replaced', () => {
  const served = ['a', 'b', 'c', 'd', 'e'];
  test.each<[string, Given, string]>([
    ['as many as may be', { pods: pods(5) }, 'a b c'],
    ['those that serve nobody first', { pods: pods(5), serving: ['a', 'b'] }, 'c d e'],
    ['fewer while one is verified', { pods: [...pods(4), { name: 'x', state: 'Retrying' }] }, 'a b'],
    ['fewer while a result is not recorded', { pods: [...pods(4), { name: 'x', recorded: false }] }, 'a b'],
    ['fewer while a verified pod is not Ready yet', { pods: pods(5), isPodReady: false }, 'none'],
    [
      'no fewer for a failed pod',
      { pods: [...pods(4), { name: 'x', state: 'Failed', recorded: false }] },
      'a b c',
    ],
    ['fewer while pods are missing', { pods: pods(3) }, 'a'],
    ['no fewer for a place that failed', { pods: pods(4), left: ['x'] }, 'a b c'],
    ['none while too many are missing', { pods: pods(1) }, 'none'],
    ['one at least', { pods: pods(5), maxParallel: 0 }, 'a'],
    ['none if there are none', { pods: pods(10), outdated: [] }, 'none'],
    ['none on a lost node', { pods: pods(5), snapshot: { nodeReady: (node) => node !== 'a' } }, 'b c d'],
    [
      'none while the revision is not known',
      { pods: pods(5), snapshot: { updateRevision: undefined } },
      'none',
    ],
    ['none while the template is reverted', { pods: pods(5), rollout: { templateRevert: 'Back' } }, 'none'],
    [
      'none where the controller does that',
      { pods: pods(5), workload: { onDelete: false } as never },
      'none',
    ],
    ['in a fallback too', { pods: pods(5), direction: 'Back', serving: served }, 'a b c'],
    [
      'in a fallback those that serve nobody at once',
      { pods: pods(5), direction: 'Back', serving: ['e'] },
      'a b c d',
    ],
    [
      'in a fallback that is not verified, once they are Ready',
      { pods: pods(5, { recorded: false }), direction: 'Back', serving: served },
      'none',
    ],
  ])('%s', (_, given, expected) => {
    expect(namesOf(advance(fleetOf(given)))).toBe(expected);
  });

  test('without waiting for results where nothing is verified', () => {
    const evaluation = fleetOf({ pods: pods(5, { recorded: false }), direction: 'Back', serving: served });
    const { upgrade } = evaluation.snapshot;
    const spec = { ...upgrade.spec, fallback: { ...upgrade.spec.fallback, verify: false } };
    const snapshot = { ...evaluation.snapshot, upgrade: { ...upgrade, spec } };
    expect(namesOf(advance({ ...evaluation, snapshot }))).toBe('a b c');
  });
});

describe('of results to record and pods to replace, the more are dealt with', () => {
  const verdict = { recorded: false, state: 'Failed' } as const;
  const context = { id: 'proof-1', spec: specOf() } as Evaluation['context'];
  test.each<[string, Given, string]>([
    ['one result, three pods', { pods: [...pods(4), { name: 'x', ...verdict }] }, 'a b c'],
    [
      'as many results',
      { pods: [...pods(2), ...[1, 2, 3].map((i) => ({ name: `x${i}`, ...verdict }))] },
      'recordResults',
    ],
    ['one result alone', { pods: [...pods(9), { name: 'x', ...verdict }], outdated: [] }, 'recordResults'],
    ['no result: pods are replaced later', { pods: pods(5) }, 'none'],
  ])('%s', (_, given, expected) => {
    expect(namesOf(recordOrAdvance({ ...fleetOf(given), context }))).toBe(expected);
  });
});

describe('the partition is moved', () => {
  function moved(held: number | undefined, partition: number, change: EvaluationChange = {}) {
    const evaluation = evaluationOf({
      desired: 5,
      ...change,
      workload: { partition, ...change.workload } as never,
    });
    const { attempt } = evaluation.status;
    const status = {
      ...evaluation.status,
      attempt: { ...attempt, held: held === undefined ? held : { partition: held } },
    };
    const action = movePartition({ ...evaluation, status });
    return action.kind === 'patchPartition' ? action.partition : action.kind;
  }
  test.each([
    ['to the end, without stages', moved(0, 5), 0],
    ['to that of the user', moved(2, 5), 2],
    ['not if it is there', moved(0, 0), 'none'],
    ['not if the attempt does not hold it', moved(undefined, 5), 'none'],
    ['not with OnDelete', moved(0, 5, { workload: { onDelete: true } as never }), 'none'],
  ])('%s', (_, partition, expected) => {
    expect(partition).toBe(expected);
  });
});
