/** The places where the new version does not run, while pods come and go. */
import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  conditionOf,
  containerOf,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { LeftState, PodState } from '../../api/enums.ts';
import type { LeftEntry } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { completeStatus } from '../complete-status.ts';
import type { Evaluation } from './evaluation.ts';
import {
  failedEntries,
  failedPlaces,
  followLeft,
  isLeftUnreached,
  leftWithoutPod,
  rolledBackCount,
  rolledBackPods,
  runsPrevious,
} from './left.ts';

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

const entryOf = (name: string, state: LeftState = 'Failed'): LeftEntry => ({
  name,
  state,
  reason: 'ProbeFailed',
  message: 'as recorded',
});
const podOn = (node: string, name = `pod-on-${node}`): PodView => podOf({ name, uid: name, node });

interface Given {
  readonly left?: readonly LeftEntry[];
  /** By node, the results of pods of the new version. */
  readonly results?: Readonly<Record<string, readonly [state: PodState, recorded: boolean]>>;
  readonly rolledBack?: Readonly<Record<string, readonly [state: PodState, recorded: boolean]>>;
  /** The nodes of pods that are to be replaced. */
  readonly outdated?: readonly string[];
  readonly excludedNodes?: readonly string[];
  readonly desired?: number;
  readonly kind?: 'DaemonSet' | 'Deployment';
  readonly verify?: boolean;
  readonly isReady?: boolean;
}

function evaluationOf(given: Given): Evaluation {
  const { results = {}, rolledBack = {}, outdated = [], desired = 3, isReady = false } = given;
  const Ready = conditionOf(isReady ? 'True' : 'False');
  const of = (states: NonNullable<Given['results']>) =>
    Object.entries(states).map(([node, [state, recorded]]) => ({
      pod: { ...podOn(node), conditions: { Ready } },
      state,
      recorded,
      cause: { reason: 'TooManyRestarts', container: 'web', restarts: 3, limit: 2 },
    }));
  return {
    snapshot: snapshotOf({ upgrade: upgradeOf({ spec: { fallback: { verify: given.verify ?? true } } }) }),
    workload: workloadOf({ kind: given.kind ?? 'DaemonSet', onDelete: true }),
    status: activeStatusOf({ left: given.left ?? [] }, { excludedNodes: given.excludedNodes ?? [] }),
    summary: { results: of(results), outdated: outdated.map((node) => podOn(node)), desired },
    rolledBack: of(rolledBack),
  } as unknown as Evaluation;
}

/** `name state`, and whether the message is the recorded one. */
const leftOf = (given: Given): string[] =>
  followLeft(evaluationOf(given)).left.map(({ name, state }) => `${name} ${state}`);

describe('a failed place', () => {
  const [passed, failed] = [
    ['Passed', true],
    ['Failed', false],
  ] as const;
  test.each<[string, Given, readonly string[]]>([
    ['is added with the first failed pod', { results: { a: failed, b: passed } }, ['a Failed']],
    ['is listed once', { left: [entryOf('a')], results: { a: failed } }, ['a Failed']],
    ['is removed with a verified pod', { left: [entryOf('a')], results: { a: passed } }, []],
    ['is removed with a skipped pod', { left: [entryOf('a')], results: { a: ['Skipped', true] } }, []],
    [
      'stays until the pass is recorded',
      { left: [entryOf('a')], results: { a: ['Passed', false] } },
      ['a Failed'],
    ],
    [
      'stays while its new pod has no result',
      { left: [entryOf('a', 'Back')], results: { a: ['Retrying', false] } },
      ['a Failed'],
    ],
    ['stays while it has no pod, and another one is missing', { left: [entryOf('a')] }, ['a Failed']],
    [
      'is removed if all desired pods are elsewhere',
      { left: [entryOf('a')], results: { b: passed, c: passed, d: passed } },
      [],
    ],
    ['is removed while its pod is replaced', { left: [entryOf('a')], outdated: ['a'] }, []],
    [
      'counts pods that were rolled back, and those that are replaced',
      { left: [entryOf('a')], results: { b: passed }, rolledBack: { c: passed }, outdated: ['d'] },
      [],
    ],
    [
      'is back with a verified pod of the previous version',
      { left: [entryOf('a')], rolledBack: { a: passed } },
      ['a Back'],
    ],
    [
      'is still failed while that pod has no result',
      { left: [entryOf('a')], rolledBack: { a: ['Waiting', false] } },
      ['a Failed'],
    ],
    [
      'is unverified if that pod fails',
      { left: [entryOf('a')], rolledBack: { a: failed } },
      ['a Unverified'],
    ],
    [
      'is unverified if that pod cannot be probed',
      { left: [entryOf('a')], rolledBack: { a: ['Inconclusive', false] } },
      ['a Unverified'],
    ],
    [
      'is unverified once that pod is Ready, where nothing verifies it',
      { left: [entryOf('a')], rolledBack: { a: ['Waiting', false] }, verify: false, isReady: true },
      ['a Unverified'],
    ],
    [
      'is still failed before it is Ready, where nothing verifies it',
      { left: [entryOf('a')], rolledBack: { a: passed }, verify: false },
      ['a Failed'],
    ],
  ])('%s', (_, given, left) => {
    expect(leftOf(given)).toEqual(left);
  });

  test('has the present cause while a pod fails there, and the recorded one afterwards', () => {
    const messages = (state: PodState) =>
      followLeft(evaluationOf({ left: [entryOf('a')], results: { a: [state, false] } })).left;
    expect(messages('Failed')).toEqual([
      {
        name: 'a',
        state: 'Failed',
        reason: 'TooManyRestarts',
        message: 'container web restarted 3 times; allowed: 2',
      },
    ]);
    expect(messages('Retrying')).toMatchObject([{ reason: 'ProbeFailed', message: 'as recorded' }]);
  });

  test('names the node of a pod, where the node is not the place', () => {
    const results = { a: ['Failed', true], '': ['Failed', true] } as const;
    expect(followLeft(evaluationOf({ kind: 'Deployment', results })).left).toMatchObject([
      { name: 'pod-on-a', node: 'a' },
      { name: 'pod-on-', node: undefined },
    ]);
  });

  test('is one of at most 50', () => {
    const results = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`node-${index}`, ['Failed', true] as const]),
    );
    expect(leftOf({ results, desired: 60 })).toHaveLength(50);
  });
});

describe('an unreachable place', () => {
  const lost = entryOf('a', 'Unreachable');
  const three = { b: ['Passed', true], c: ['Passed', true], d: ['Passed', true] } as const;
  test.each<[string, Given, readonly string[]]>([
    ['is added with its node', { excludedNodes: ['a'] }, ['a Unreachable']],
    ['is listed once', { excludedNodes: ['a'], left: [lost] }, ['a Unreachable']],
    [
      'comes after those that failed',
      { excludedNodes: ['b'], left: [lost], results: { c: ['Failed', true] } },
      ['c Failed', 'a Unreachable', 'b Unreachable'],
    ],
    [
      'stays while its node is lost',
      { excludedNodes: ['a'], left: [lost], results: three },
      ['a Unreachable'],
    ],
    [
      'stays while the node is back and its pod is replaced',
      { left: [lost], outdated: ['a'] },
      ['a Unreachable'],
    ],
    [
      'stays while its new pod has no result',
      { left: [lost], results: { a: ['Waiting', false] } },
      ['a Unreachable'],
    ],
    ['is removed with a verified pod', { left: [lost], results: { a: ['Passed', true] } }, []],
    ['is removed if all desired pods are elsewhere', { left: [lost], results: three }, []],
    ['is failed if its pod fails', { left: [lost], results: { a: ['Failed', true] } }, ['a Failed']],
    [
      'stays if enough pods exist, and the one there is still to be replaced',
      { left: [lost], results: { b: ['Passed', true], c: ['Passed', true] }, outdated: ['a'] },
      ['a Unreachable'],
    ],
  ])('%s', (_, given, left) => {
    expect(leftOf(given)).toEqual(left);
  });

  test('says why', () => {
    expect(followLeft(evaluationOf({ excludedNodes: ['a'] })).left).toEqual([
      { name: 'a', state: 'Unreachable', reason: 'NodeUnreachable', message: 'node a is not Ready' },
    ]);
  });

  test('is no failed one', () => {
    expect(failedEntries({ left: [lost, entryOf('b')] }).map(({ name }) => name)).toEqual(['b']);
    expect(isLeftUnreached({ left: [] })).toBe(false);
    expect(isLeftUnreached({ left: [lost] })).toBe(true);
    expect(isLeftUnreached({ left: [lost, entryOf('b')] })).toBe(false);
  });
});

test('places count once, whether recorded or not', () => {
  const evaluation = evaluationOf({
    left: [entryOf('a'), entryOf('b', 'Back'), entryOf('c', 'Unreachable')],
    results: { a: ['Failed', true], d: ['Failed', false], e: ['Passed', true] },
  });
  expect([...failedPlaces(evaluation)]).toEqual(['a', 'b', 'd']);
  expect(leftWithoutPod(evaluation)).toBe(1);
  expect(rolledBackCount(evaluation.status)).toBe(1);
  expect(rolledBackCount({ left: [entryOf('a', 'Unverified'), entryOf('b', 'Back')] })).toBe(2);
});

describe('a pod of the previous version', () => {
  const status = activeStatusOf({
    left: [entryOf('a'), entryOf('b', 'Unreachable')],
    from: { images: { web: OLD, log: 'log:1' }, revision: 'old' },
  });
  const old = (node: string, images: Readonly<Record<string, string>> = { web: OLD, log: 'log:1' }) => ({
    ...podOn(node),
    revision: 'rewritten',
    containers: Object.entries(images).map(([name, image]) => containerOf({ name, image })),
  });

  test('is known by its revision, or by all its images', () => {
    expect(runsPrevious({ ...podOn('a'), revision: 'old' }, status)).toBe(true);
    expect(runsPrevious(old('a'), status)).toBe(true);
    expect(runsPrevious(old('a', { web: OLD, log: 'log:1', proxy: 'proxy:1' }), status)).toBe(true);
    expect(runsPrevious(old('a', { web: OLD, log: 'log:2' }), status)).toBe(false);
    expect(runsPrevious(old('a', { web: OLD }), status)).toBe(false);
  });

  test('was rolled back where the new version failed', () => {
    const pods = [old('a'), old('b'), old('c'), old('a', { web: 'web:3' })];
    const summary = { outdated: pods } as unknown as Evaluation['summary'];
    const workload = workloadOf({ kind: 'DaemonSet', onDelete: true });
    expect(rolledBackPods({ workload, status }, summary)).toEqual([pods[0]]);
  });
});
