/** Rolling back exactly the pods that failed, step by step. */
import { describe, expect, test } from '@jest/globals';
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
  statusOf,
  templateOf,
  upgradeOf,
  type WorkloadChange,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';

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
