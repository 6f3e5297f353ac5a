/** Putting back exactly the pods that failed, step by step. */
import { describe, expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  NEW,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import { verificationId } from '../status.ts';
import { addCycle, type PodRecord } from '../verification/probe-cycle.ts';
import { withPins } from '../verification/recorded.ts';

const template = (image: string): WorkloadChange => ({
  containers: [{ name: 'web', image, role: 'regular', startupProbe: false }],
});
const ENTRY = { name: 'node-0', state: 'Failed', reason: 'ProbeFailed', message: 'it exited 17' } as const;
const TURNED = { images: { web: OLD }, startedAt: ago(9), rolledAt: ago(8) };

/** What the check said in each: that it does not work. */
function recordsOf(upgrade: Upgrade, pods: readonly PodView[]): ReadonlyMap<string, PodRecord> {
  const verification = verificationId(upgrade, upgrade.status ?? {});
  const context = { spec: upgrade.spec, template: ['web'], verification, inFallback: false };
  return new Map(
    pods.map((pod) => [pod.uid, addCycle(undefined, context, pod, cycleOf(exit(17), pod, upgrade.spec))]),
  );
}

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
  const result = (pod: PodView, isGood: boolean, direction?: 'Back') => {
    const message = withPins('exited', verificationId(upgrade, status, direction), pod);
    return isGood
      ? { ...conditionOf('True', 5), reason: 'PostCheckPassed', message }
      : { ...conditionOf('False', 5), reason: 'ProbeFailed', message };
  };
  const pods = nodes.map((what, index): PodView => {
    const isNew = what === 'failed' || what === 'verified';
    const place = { name: `web-${index}`, uid: `web-${index}`, node: `node-${index}` };
    const before = { revision: 'old', containers: [containerOf({ image: OLD })] };
    const pod = podOf(isNew ? place : { ...place, ...before });
    const isKnown = what !== 'old' && (recorded || what !== 'failed');
    const said = result(pod, what !== 'failed', what === 'back' ? 'Back' : undefined);
    const conditions = { ...pod.conditions, Ready: conditionOf('True') };
    return { ...pod, conditions: isKnown ? { ...conditions, [VERIFIED]: said } : conditions };
  });
  const set = { kind: 'DaemonSet', onDelete: true, desired: nodes.length, total: nodes.length } as const;
  const workload = workloadOf({ ...set, ...template(NEW), ...given.workload });
  const updateRevision = given.status?.turnedBack?.rolledAt ? 'old' : 'new';
  return decide(snapshotOf({ upgrade, pods, workload, updateRevision, records: recordsOf(upgrade, pods) }));
}

const names = ({ action }: ReturnType<typeof decided>): string[] =>
  action.kind === 'deletePods' ? action.pods.map(({ name }) => name) : [];

describe('a pod that failed', () => {
  test('is put back by turning the template back, which is recorded first', () => {
    const plan = decided();
    expect(plan).toMatchObject({ intent: true, action: { kind: 'none' } });
    expect(plan.status.turnedBack).toMatchObject({ images: { web: OLD } });
    expect(plan.status.turnedBack?.rolledAt).toBeUndefined();
  });

  test('is put back only once that it failed is on it', () => {
    const plan = decided({ recorded: false });
    expect(plan.status.left).toMatchObject([{ name: 'node-0', state: 'Failed' }]);
    expect(plan.status.turnedBack).toBeUndefined();
    expect(plan.action).toMatchObject({ kind: 'recordResults', conditions: [{ pod: { name: 'web-0' } }] });
  });

  test('stays where it is when the scope is All', () => {
    const plan = decided({ scope: 'All' });
    expect(plan.status.turnedBack).toBeUndefined();
    expect(names(plan)).toEqual(['web-2']);
  });

  test('is deleted once its controller has seen the template of before, and no other pod meanwhile', () => {
    const turned = { status: { turnedBack: TURNED }, workload: template(OLD) };
    expect(names(decided(turned))).toEqual(['web-0']);
    const unseen = { ...turned, workload: { ...template(OLD), generation: 3 } };
    expect(names(decided(unseen))).toEqual([]);
  });

  test('is in the version before again: nothing is replaced until the template is turned forward', () => {
    const turned = { turnedBack: TURNED, left: [{ ...ENTRY, state: 'Back' as const }] };
    const plan = decided({ status: turned, workload: template(OLD), nodes: ['back', 'verified', 'old'] });
    expect(names(plan)).toEqual([]);
    expect(plan.status.turnedBack?.returnAt).toBeDefined();
  });

  test('is not replaced again when the rest goes on', () => {
    const left = [{ ...ENTRY, state: 'Back' as const }];
    expect(names(decided({ status: { left }, nodes: ['back', 'verified', 'old'] }))).toEqual(['web-2']);
  });

  test('is put back before the attempt ends, also when it is the last one', () => {
    const plan = decided({ nodes: ['failed', 'verified'], workload: { available: 1, updated: 2 } });
    expect(plan.status.phase).toBe('Upgrading');
    expect(plan.status.turnedBack).toBeDefined();
  });
});
