/** Rolling back exactly the pods that failed, step by step. */
import { describe, expect, test } from '@jest/globals';
import { type EvaluationChange, evaluationOf } from '../../../test/support/evaluations.ts';
import {
  ago,
  conditionOf,
  exit,
  NEW,
  OLD,
  oldPodOf,
  podOf,
  probed,
  snapshotOf,
  specOf,
  statusOf,
  templateOf,
  upgradeOf,
  type WorkloadChange,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { LeftState } from '../../api/enums.ts';
import type { UpgradeSpec, UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import type { Evaluation } from './evaluation.ts';
import { recordTemplateRevert, rollBackPods } from './template-revert.ts';

const ENTRY = { name: 'node-0', state: 'Failed', reason: 'ProbeFailed', message: 'it exited 17' } as const;
const TURNED = { images: { web: OLD }, startedAt: ago(9), rolledAt: ago(8) };

type What = 'failed' | 'verified' | 'old' | 'back';

interface Case {
  readonly status?: Partial<UpgradeStatus>;
  readonly workload?: WorkloadChange;
  readonly scope?: 'All' | 'FailedPods';
  /** What runs on node-0, node-1, …: the default is one that failed, one that is verified and one to be replaced. */
  readonly nodes?: readonly What[];
  readonly recorded?: boolean;
}

/** A DaemonSet whose pods postcheck replaces; one of them may fail. */
function decided({ nodes = ['failed', 'verified', 'old'], recorded = true, ...given }: Case = {}) {
  const status = statusOf(
    {
      from: { images: { web: OLD }, revision: 'old', baseline: [] },
      to: { images: { web: NEW }, revision: 'new' },
      left: [ENTRY],
      ...given.status,
    },
    { progressAt: ago(5), maxUpdated: 2, maxPassed: 1 },
  );
  const spec = {
    strategy: { failureBudget: { maxFailed: 1 } },
    postCheck: { failureThreshold: 1 },
    fallback: { scope: given.scope ?? 'FailedPods' },
  };
  const upgrade = upgradeOf({ status, spec });
  const pods = nodes.map((what, index): PodView => {
    const isNew = what === 'failed' || what === 'verified';
    const place = { name: `web-${index}`, uid: `web-${index}`, node: `node-${index}` };
    const pod = isNew ? podOf(place) : oldPodOf(place);
    const hasResult = what !== 'old' && (recorded || what !== 'failed');
    return hasResult
      ? withResult(upgrade, pod, what !== 'failed', what === 'back' ? 'Back' : undefined)
      : { ...pod, conditions: { ...pod.conditions, Ready: conditionOf('True') } };
  });
  const set = { kind: 'DaemonSet', onDelete: true, desired: nodes.length, total: nodes.length } as const;
  const workload = workloadOf({ ...set, containers: templateOf(NEW), ...given.workload });
  const updateRevision = given.status?.turnedBack?.rolledAt ? 'old' : 'new';
  return decide(
    snapshotOf({ upgrade, pods, workload, updateRevision, records: probed(upgrade, pods, exit(17)) }),
  );
}

const names = ({ action }: ReturnType<typeof decided>): string[] =>
  action.kind === 'deletePods' ? action.pods.map(({ name }) => name) : [];

describe('a pod that failed', () => {
  test('is rolled back by reverting the template, which is recorded first', () => {
    const plan = decided();
    expect(plan).toMatchObject({ intent: true, action: { kind: 'none' } });
    expect(plan.status.turnedBack).toMatchObject({ images: { web: OLD } });
    expect(plan.status.turnedBack?.rolledAt).toBeUndefined();
  });

  test('is rolled back only once its failure is recorded on it', () => {
    const plan = decided({ recorded: false });
    expect(plan.status.left).toMatchObject([{ name: 'node-0', state: 'Failed' }]);
    expect(plan.status.turnedBack).toBeUndefined();
    expect(plan.action).toMatchObject({ kind: 'recordResults', conditions: [{ pod: { name: 'web-0' } }] });
  });

  test('is not replaced with the scope All', () => {
    const plan = decided({ scope: 'All' });
    expect(plan.status.turnedBack).toBeUndefined();
    expect(names(plan)).toEqual(['web-2']);
  });

  test('is deleted once its controller has seen the template of before, and no other pod meanwhile', () => {
    const turned = { status: { turnedBack: TURNED }, workload: { containers: templateOf(OLD) } };
    expect(names(decided(turned))).toEqual(['web-0']);
    const unseen = { ...turned, workload: { containers: templateOf(OLD), generation: 3 } };
    expect(names(decided(unseen))).toEqual([]);
  });

  test('runs the previous version again: no other pod is replaced until the template has the new images', () => {
    const turned = { turnedBack: TURNED, left: [{ ...ENTRY, state: 'Back' as const }] };
    const plan = decided({
      status: turned,
      workload: { containers: templateOf(OLD) },
      nodes: ['back', 'verified', 'old'],
    });
    expect(names(plan)).toEqual([]);
    expect(plan.status.turnedBack?.returnAt).toBeDefined();
  });

  test('is not replaced again when the rollout continues', () => {
    const left = [{ ...ENTRY, state: 'Back' as const }];
    expect(names(decided({ status: { left }, nodes: ['back', 'verified', 'old'] }))).toEqual(['web-2']);
  });

  test('is rolled back before the attempt ends, also if it is the last one', () => {
    const plan = decided({ nodes: ['failed', 'verified'], workload: { available: 1, updated: 2 } });
    expect(plan.status.phase).toBe('Upgrading');
    expect(plan.status.turnedBack).toBeDefined();
  });
});

/** A DaemonSet on nodes of these names, whose pods of the new version have all failed. */
function failed(
  nodes: Readonly<Record<string, 'ready' | 'unready' | 'unrecorded'>>,
  change: EvaluationChange & {
    readonly fallback?: Partial<UpgradeSpec['fallback']>;
    readonly states?: Readonly<Record<string, LeftState>>;
    readonly turnedBack?: UpgradeStatus['turnedBack'];
  } = {},
): Evaluation {
  const { fallback, states = {}, turnedBack, ...rest } = change;
  const names = Object.keys(nodes);
  const spec = { fallback: { ...specOf().fallback, scope: 'FailedPods' as const, ...fallback } };
  const evaluation = evaluationOf({
    pods: names.map((name) => ({ name, state: 'Failed', recorded: nodes[name] !== 'unrecorded' })),
    left: [...names, ...Object.keys(states)],
    desired: 10,
    rollout: { templateRevert: 'Back' },
    ...rest,
    spec,
    workload: { kind: 'DaemonSet', onDelete: true, ...rest.workload } as never,
  });
  const results = evaluation.summary.results.map((result) => {
    const Ready = conditionOf(nodes[result.pod.name] === 'unready' ? 'False' : 'True');
    return { ...result, pod: { ...result.pod, conditions: { Ready } } };
  });
  const left = evaluation.status.left.map((entry) => ({
    ...entry,
    state: states[entry.name] ?? entry.state,
  }));
  return {
    ...evaluation,
    status: { ...evaluation.status, left, turnedBack },
    summary: { ...evaluation.summary, results },
  };
}

describe('failed pods are deleted', () => {
  const deleted = (...given: Parameters<typeof failed>) => {
    const action = rollBackPods(failed(...given));
    return action.kind === 'deletePods' ? action.pods.map(({ name }) => name).join(' ') : action.kind;
  };
  const four = { a: 'ready', b: 'ready', c: 'ready', d: 'ready' } as const;
  const lost = { snapshot: { nodeReady: (node: string) => node !== 'a' } };

  test.each<[string, string, string]>([
    ['one at a time', deleted(four), 'a'],
    ['as many as may be', deleted(four, { fallback: { maxParallel: 2 } }), 'a b'],
    ['as many percent of the desired pods', deleted(four, { fallback: { maxParallel: '30%' } }), 'a b c'],
    ['at least one', deleted(four, { fallback: { maxParallel: 0 } as never }), 'a'],
    ['at once if they serve nobody', deleted({ ...four, a: 'unready', c: 'unready' }), 'a c'],
    [
      'beside those that serve nobody, if there is room',
      deleted({ ...four, d: 'unready' }, { fallback: { maxParallel: 3 } }),
      'd a b',
    ],
    ['not while another place is being rolled back', deleted(four, { states: { x: 'Failed' } }), 'none'],
    ['once that is back', deleted(four, { states: { x: 'Back' } }), 'a'],
    ['not on a lost node', deleted(four, { ...lost, fallback: { maxParallel: 2 } }), 'b'],
    ['not before the failure is recorded', deleted({ a: 'unrecorded' }), 'none'],
    ['not before the template is reverted', deleted(four, { rollout: {} }), 'none'],
    [
      'not before the controller has observed it',
      deleted(four, { workload: { observedGeneration: 1 } }),
      'none',
    ],
    ['not if there are none', deleted({}), 'none'],
  ])('%s', (_, names, expected) => {
    expect(names).toBe(expected);
  });
});

describe('the template is reverted', () => {
  const begun = (...given: Parameters<typeof failed>) => recordTemplateRevert(failed(...given))?.turnedBack;
  const start = { images: { web: OLD }, startedAt: ago(0) };
  const one = { a: 'ready' } as const;
  const deleting = {
    snapshot: { upgrade: upgradeOf({ deleting: true, spec: { fallback: { scope: 'FailedPods' } } }) },
  };
  const runsOld = { containers: templateOf(OLD) };

  test.each<[string, ReturnType<typeof begun>, object | undefined]>([
    ['for a failed pod', begun(one), start],
    ['not with the scope All', begun(one, { fallback: { scope: 'All' } }), undefined],
    ['not in a fallback', begun(one, { direction: 'Back' }), undefined],
    ['not while the Upgrade is deleted', begun(one, deleting), undefined],
    [
      'not where the controller replaces the pods',
      begun(one, { workload: { onDelete: false } as never }),
      undefined,
    ],
    ['not without a failed pod', begun({}), undefined],
    ['not if the previous images run already', begun(one, { workload: runsOld }), undefined],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  test('not by an attempt that changed nothing', () => {
    const evaluation = failed(one);
    const { status } = evaluation;
    const adopted = { ...status, attempt: { ...status.attempt, adopted: true } };
    expect(recordTemplateRevert({ ...evaluation, status: adopted })).toBeUndefined();
    expect(recordTemplateRevert(evaluation)?.attempt.progressAt).toBe(ago(0));
  });

  const turnedBack = { images: { web: OLD }, startedAt: ago(9), rolledAt: ago(8) };
  const over = (...[nodes, change]: Parameters<typeof failed>) =>
    recordTemplateRevert(failed(nodes, { ...change, turnedBack }))?.turnedBack?.returnAt;
  test.each<[string, string | undefined, string | undefined]>([
    ['until its pod is replaced', over(one), undefined],
    ['until its pod is created', over({}, { states: { a: 'Failed' } }), undefined],
    ['until that is back', over({}, { states: { a: 'Back' } }), ago(0)],
    ['until that is known not to work', over({}, { states: { a: 'Unverified' } }), ago(0)],
    ['not for a pod on a lost node', over(one, { snapshot: { nodeReady: () => false } }), ago(0)],
    ['until the deadline for progress', over(one, { snapshot: { now: Date.parse(ago(-3600)) } }), ago(-3600)],
  ])('%s', (_, at, expected) => {
    expect(at).toBe(expected);
  });
});
