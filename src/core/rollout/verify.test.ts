/** What the controller does by itself, and what it cannot do, at the progress deadline. */
import { describe, expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  fallbackOf,
  NOW,
  notReady,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { VERIFIED } from '../../api/names.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import { decide } from '../decision/decide.ts';
import type { Snapshot } from '../snapshot.ts';
import { verificationId } from '../status.ts';
import { withPins } from '../verification/recorded.ts';

const containers = [{ name: 'web', image: OLD, role: 'regular' as const, startupProbe: false }];

/** A fallback whose one pod has passed, the last thing that happened 16 minutes ago; the controller has yet to count it as available. */
function fallback(workload: Partial<WorkloadView>) {
  const status = statusOf(
    { phase: 'FallbackChecking', fallback: fallbackOf({ startedAt: ago(2000), rolledAt: ago(1990) }) },
    { progressAt: ago(960), startedAt: ago(2100), maxPassed: 1 },
  );
  const upgrade = upgradeOf({ status });
  const pod = podOf();
  const message = withPins('readiness-probe in container web exited 0', verificationId(upgrade, status), pod);
  const verified = { ...conditionOf('True', 950), reason: 'PostCheckPassed', message };
  const pods = [{ ...pod, conditions: { ...pod.conditions, [VERIFIED]: verified } }];
  return decide(
    snapshotOf({ upgrade, pods, workload: workloadOf({ containers, available: 0, ...workload } as object) }),
  ).status;
}

describe('a fallback whose pods have passed', () => {
  test('waits as long as the controller does by itself', () => {
    expect(fallback({ ownWaitSeconds: 75 }).phase).toBe('FallbackChecking');
  });

  test('and whose controller goes no further is told without the reason of a pod that passed', () => {
    const status = fallback({ ownWaitSeconds: 0 });
    expect(status).toMatchObject({
      phase: 'FallbackFailed',
      attempt: { end: { reason: 'NoProgress' } },
    });
  });
});

describe('an attempt of which no pod comes into being', () => {
  const attempt = (workload: Partial<WorkloadView>) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          status: statusOf(
            {},
            { progressAt: ago(960), rolledAt: ago(960), startedAt: ago(970), maxUpdated: 0 },
          ),
        }),
        pods: [],
        workload: workloadOf({ updated: 0, available: 0, ...workload } as object),
      }),
    ).status;

  test('as the API server refuses its pods falls back at the progress deadline', () => {
    const status = attempt({ replicaFailure: 'pods "web" is forbidden: exceeded quota' });
    expect(status).toMatchObject({ phase: 'FallingBack', fallback: { reason: 'PodsRefused' } });
    expect(status.message).toContain('no pod of it can be made: pods "web" is forbidden: exceeded quota');
  });

  test('for no known reason is inconclusive', () => {
    expect(attempt({}).phase).toBe('Inconclusive');
  });
});

describe('an attempt on a StatefulSet of which a pod is not Ready', () => {
  const attempt = (revision: string) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          status: statusOf({ from: { images: { web: OLD }, revision: 'old', baseline: [] } }),
        }),
        pods: [notReady({ name: 'web-2', revision })],
        workload: workloadOf({ kind: 'StatefulSet', ordered: true, updated: 0, updateRevision: 'new' }),
      }),
    );

  test('names one that ran before, and the command, and leaves it alone', () => {
    const { action, status } = attempt('old');
    expect(action.kind).not.toBe('deletePod');
    expect(status.message).toContain('kubectl delete pod web-2 -n shop');
  });

  test('frees one of a version in between, and does not send the user', () => {
    const { action, status } = attempt('between');
    expect(action).toMatchObject({ kind: 'deletePod', reason: 'StuckPodDeleted' });
    expect(status.message).not.toContain('kubectl delete');
  });
});

describe('an attempt on a DaemonSet of which a pod is missing', () => {
  const REFUSED = 'pods "web-x" is forbidden: image is not signed';
  const attempt = (
    idleSeconds: number,
    workloadWarning?: Snapshot['workloadWarning'],
    pods: PodView[] = [],
  ) =>
    decide(
      snapshotOf({
        upgrade: upgradeOf({
          status: statusOf(
            {},
            { progressAt: ago(idleSeconds), rolledAt: ago(idleSeconds), startedAt: ago(970), maxUpdated: 0 },
          ),
        }),
        pods,
        workload: workloadOf({ kind: 'DaemonSet', updated: 0, available: 0 }),
        workloadWarning,
      }),
    );
  const warned = (secondsAgo: number) => ({ message: REFUSED, at: NOW - secondsAgo * 1000 });

  test('asks for events when it has been missing for a while, and again when the answer is old', () => {
    expect(attempt(5).action.kind).not.toBe('readWarning');
    expect(attempt(5).wakeAt).toBe(NOW + 5000);
    expect(attempt(10).action).toMatchObject({ kind: 'readWarning' });
    expect(attempt(20, 'None').action.kind).not.toBe('readWarning');
    expect(attempt(20, 'None').wakeAt).toBe(NOW + 30_000);
  });

  test('asks nothing when no pod is missing', () => {
    expect(attempt(60, undefined, [podOf({ revision: 'old' })]).action.kind).not.toBe('readWarning');
  });

  test('says what an event says, and falls back at the progress deadline', () => {
    const early = attempt(60, warned(50)).status;
    expect(early).toMatchObject({ phase: 'Upgrading', message: expect.stringContaining(`; ${REFUSED}`) });
    expect(attempt(960, warned(50)).status).toMatchObject({
      phase: 'FallingBack',
      fallback: { reason: 'PodsRefused', cause: expect.stringContaining(REFUSED) },
    });
  });

  test('does not take an event from before the rollout for evidence', () => {
    const { status } = attempt(960, warned(970));
    expect(status.phase).toBe('Inconclusive');
    expect(status.message).not.toContain(REFUSED);
  });
});
