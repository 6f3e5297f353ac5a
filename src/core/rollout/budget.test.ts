import { describe, expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  containerOf,
  fallbackOf,
  notReady,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import { verificationId } from '../status.ts';
import { withPins } from '../verification/recorded.ts';

/** With its result on it. */
function judged(upgrade: Upgrade, pod: PodView, isGood: boolean): PodView {
  const message = withPins('exited', verificationId(upgrade, upgrade.status ?? {}), pod);
  const result = isGood
    ? { ...conditionOf('True', 5), reason: 'PostCheckPassed', message }
    : { ...conditionOf('False', 5), reason: 'ProbeFailed', message };
  return { ...pod, conditions: { ...pod.conditions, Ready: conditionOf('True'), [VERIFIED]: result } };
}

/** A DaemonSet on ten nodes, replaced by postcheck, of which so many have failed and so many passed. */
function phaseWith(failed: number, passed: number, maxFailed: number | string): UpgradeStatus['phase'] {
  const status = statusOf({}, { progressAt: ago(1), maxUpdated: failed + passed });
  const upgrade = upgradeOf({ status, spec: { strategy: { failureBudget: { maxFailed } } } });
  const pods = Array.from({ length: 10 }, (_, index) => {
    const place = { name: `web-${index}`, uid: `pod-${index}`, node: `node-${index}` };
    return index < failed + passed
      ? judged(upgrade, podOf(place), index >= failed)
      : podOf({ ...place, revision: 'old', containers: [containerOf({ image: OLD })] });
  });
  const workload = workloadOf({ kind: 'DaemonSet', onDelete: true, desired: 10, updated: failed + passed });
  return decide(snapshotOf({ upgrade, pods, workload })).status.phase;
}

describe('an attempt goes on', () => {
  test.each<[number, number, number | string, boolean]>([
    [1, 4, 0, false],
    [1, 4, 1, true],
    [2, 4, 1, false],
    [2, 4, '25%', true],
    [3, 4, '25%', false],
    [2, 0, 2, true],
  ])('with %d failed and %d verified of 10 pods, where %s may fail: %s', (failed, passed, most, goesOn) => {
    expect(phaseWith(failed, passed, most)).toBe(goesOn ? 'Upgrading' : 'FallingBack');
  });

  test('with none verified only while there is one left to try', () => {
    expect(phaseWith(9, 0, '100%')).toBe('Upgrading');
    expect(phaseWith(10, 0, '100%')).toBe('FallingBack');
  });
});

test('a fallback frees its controller first: after its end nobody would delete the pod that blocks it', () => {
  const status = statusOf({
    phase: 'FallingBack',
    from: { images: { web: OLD }, revision: 'old', baseline: [] },
    fallback: fallbackOf({ rolledAt: ago(20) }),
  });
  const upgrade = upgradeOf({ status });
  const containers = [containerOf({ image: OLD })];
  const failed = judged(upgrade, podOf({ name: 'web-0', uid: 'web-0', revision: 'old', containers }), false);
  const blocking = notReady({ name: 'web-1', uid: 'web-1', revision: 'new' });
  const template = [{ name: 'web', image: OLD, role: 'regular' as const, startupProbe: false }];
  const set = workloadOf({ kind: 'StatefulSet', ordered: true, desired: 2, total: 2, containers: template });
  const decided = (pods: readonly PodView[]) =>
    decide(snapshotOf({ upgrade, pods, workload: set, updateRevision: 'old' }));
  expect(decided([failed, blocking])).toMatchObject({
    status: { phase: 'FallingBack' },
    action: { kind: 'deletePods', pods: [{ name: 'web-1' }], reason: 'StuckPodDeleted' },
  });
  expect(decided([failed]).status.phase).toBe('FallbackFailed');
});
