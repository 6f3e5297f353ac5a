import { describe, expect, test } from '@jest/globals';
import { activeStatusOf, podOf, snapshotOf, upgradeOf, workloadOf } from '../../../test/support/snapshots.ts';
import type { PodState } from '../../api/enums.ts';
import { storedStatus } from '../complete-status.ts';
import type { Evaluation } from './evaluation.ts';
import { type Attributes, explain, followExplained } from './explain.ts';

const nodes = (count: number, attributes: Attributes): Attributes[] => Array(count).fill(attributes);
const ZONE = 'topology.kubernetes.io/zone';

describe('what explains failures', () => {
  test('is a label that all failed pods have in common, and no verified pod', () => {
    const failed = nodes(3, { asic: 'td3', ring: 'a' });
    const verified = [...nodes(20, { asic: 'th4', ring: 'a' }), ...nodes(18, { asic: 'th3', ring: 'b' })];
    expect(explain({ failed, verified }, ['ring', 'asic'])).toEqual([
      { label: 'asic', value: 'td3', failed: 3, verified: 38 },
    ]);
  });

  test('is not what one verified pod has too, nor what one failed pod lacks', () => {
    expect(
      explain({ failed: nodes(3, { asic: 'td3' }), verified: nodes(1, { asic: 'td3' }) }, ['asic']),
    ).toEqual([]);
    const failed = [...nodes(2, { asic: 'td3' }), {}];
    expect(explain({ failed, verified: nodes(5, { asic: 'th4' }) }, ['asic'])).toEqual([]);
  });

  test('is no label that no node has', () => {
    expect(explain({ failed: nodes(2, {}), verified: nodes(2, {}) }, ['asic'])).toEqual([]);
  });

  test('is a default label only with several failed pods: a single one differs in some by chance', () => {
    const verified = nodes(5, { [ZONE]: 'a', kernel: '6.1' });
    expect(explain({ failed: nodes(1, { [ZONE]: 'b' }), verified }, [])).toEqual([]);
    expect(explain({ failed: nodes(2, { [ZONE]: 'b', kernel: '5.10' }), verified }, [])).toEqual([
      { label: ZONE, value: 'b', failed: 2, verified: 5 },
      { label: 'kernel', value: '5.10', failed: 2, verified: 5 },
    ]);
    expect(explain({ failed: nodes(1, { [ZONE]: 'b' }), verified }, [ZONE])).toHaveLength(1);
  });

  test('is nothing where no pod is verified to compare with', () => {
    expect(explain({ failed: nodes(3, { asic: 'td3' }), verified: [] }, ['asic'])).toEqual([]);
  });

  test('is no name that every object inherits', () => {
    expect(explain({ failed: nodes(2, {}), verified: nodes(2, {}) }, ['constructor'])).toEqual([]);
  });
});

test('at most four labels are named, those of the user first, and none twice', () => {
  const labels = ['kubernetes.io/arch', 'node.kubernetes.io/instance-type', ZONE, 'kernel'];
  const of = (value: string) => Object.fromEntries([...labels, 'asic'].map((label) => [label, value]));
  const verdicts = { failed: nodes(2, of('a')), verified: nodes(2, of('b')) };
  const named = (...names: string[]) => explain(verdicts, names).map(({ label }) => label);
  expect(named('asic')).toEqual(['asic', ZONE, 'kubernetes.io/arch', 'node.kubernetes.io/instance-type']);
  expect(named('kernel', 'asic')).toEqual(['kernel', 'asic', ZONE, 'kubernetes.io/arch']);
  expect(explain({ failed: nodes(2, of('a')), verified: nodes(1, of('b')) }, [])).toEqual([]);
  const long = { failed: nodes(1, { asic: 'x'.repeat(300) }), verified: nodes(1, {}) };
  expect(explain(long, ['asic'])[0]?.value).toHaveLength(256);
});

describe('the failures of an attempt', () => {
  /** By node: what its pod comes to. Nodes d and e have another kernel. */
  function explained(
    states: Readonly<Record<string, PodState>>,
    left: readonly string[] = [],
    isRecorded = true,
  ) {
    const results = Object.entries(states).map(([node, state]) => ({
      pod: podOf({ name: `pod-${node}`, node }),
      state,
      recorded: isRecorded,
    }));
    const entries = left.map((name) => ({ name, state: 'Failed', reason: 'ProbeFailed' }) as const);
    const status = activeStatusOf({ left: entries });
    const snapshot = snapshotOf({
      upgrade: upgradeOf({ spec: { strategy: { explainBy: ['kernel', 'tier'] } } }),
      nodeKernel: (node) => (node === 'a' || node === 'b' || node === 'c' ? '5.10' : '6.1'),
      nodeLabels: (node) => (node === 'x' ? undefined : { tier: node === 'a' ? 'edge' : 'core' }),
    });
    const workload = workloadOf({ kind: 'DaemonSet', onDelete: true });
    const evaluation = { snapshot, workload, summary: { results } } as unknown as Evaluation;
    return followExplained(evaluation, status).explained.map(
      ({ label, value, failed, verified }) => `${label}=${value} ${failed}:${verified}`,
    );
  }

  test('are explained by kernels and labels of the nodes', () => {
    expect(explained({ a: 'Failed', b: 'Failed', d: 'Passed', e: 'Passed' })).toEqual(['kernel=5.10 2:2']);
    expect(explained({ a: 'Failed', d: 'Passed' })).toEqual(['kernel=5.10 1:1', 'tier=edge 1:1']);
    expect(explained({ a: 'Passed', d: 'Passed' })).toEqual([]);
  });

  test('are those of all places, each once', () => {
    expect(explained({ a: 'Failed', d: 'Passed' }, ['a', 'b'])).toEqual(['kernel=5.10 2:1']);
    expect(explained({ d: 'Passed' }, ['b'])).toEqual(['kernel=5.10 1:1']);
    expect(explained({ a: 'Failed', d: 'Passed' }, ['d'])).toEqual([]);
  });

  test('are compared with recorded passes alone, so that a restart of the operator changes nothing', () => {
    expect(explained({ a: 'Failed', d: 'Passed' }, [], false)).toEqual([]);
    expect(explained({ a: 'Failed', d: 'Skipped' })).toEqual([]);
  });

  test('are not explained by a node of which nothing is known', () => {
    expect(explained({ x: 'Failed', a: 'Passed' })).toEqual(['kernel=6.1 1:1']);
  });
});

test('without nodes to read nothing is explained', () => {
  const results = [
    { pod: podOf({ node: 'a' }), state: 'Failed', recorded: true },
    { pod: podOf({ node: 'b' }), state: 'Passed', recorded: true },
  ];
  const snapshot = snapshotOf({ upgrade: upgradeOf({ spec: { strategy: { explainBy: ['kernel'] } } }) });
  const evaluation = { snapshot, workload: workloadOf(), summary: { results } } as unknown as Evaluation;
  expect(followExplained(evaluation, activeStatusOf()).explained).toEqual([]);
});

test('without a failure no list is stored, which would be a change that is written at once', () => {
  const evaluation = {
    snapshot: snapshotOf(),
    workload: workloadOf(),
    summary: { results: [] },
  } as unknown as Evaluation;
  expect(storedStatus(followExplained(evaluation, activeStatusOf()))).not.toHaveProperty('explained');
});
