import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  containerOf,
  fallbackOf,
  OLD,
  podOf,
  snapshotOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Reason } from '../../api/reasons.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import { verificationContext } from '../rollout/context.ts';
import type { Snapshot } from '../snapshot.ts';
import { summarizePods } from '../verification/summary.ts';
import { refusalOf } from '../workload/refusal.ts';
import { type Facts, sentence } from './sentence.ts';

interface Given {
  readonly status?: Partial<UpgradeStatus>;
  readonly attempt?: Partial<Attempt>;
  readonly workload?: WorkloadChange;
  readonly rest?: Partial<Snapshot>;
  readonly obstacle?: Facts['obstacle'];
}

const counts = {
  desired: 3,
  updated: 3,
  ready: 3,
  passed: 3,
  retrying: 0,
  failed: 0,
  inconclusive: 0,
  skipped: 0,
};
const end = (
  outcome: 'Succeeded' | 'FellBack' | 'FallbackFailed' | 'Failed' | 'Aborted',
  reason: Reason,
  cause = '',
) => ({
  end: { outcome, reason, cause, at: ago(0) },
});

function said({ status = {}, attempt = {}, workload = {}, rest = {}, obstacle }: Given): string {
  const stored = activeStatusOf(status, attempt);
  const snapshot = snapshotOf({
    upgrade: upgradeOf({ status: stored }),
    workload: workloadOf({ desired: 3, ...workload }),
    ...rest,
  });
  const summary = summarizePods(
    snapshot,
    snapshot.workload as WorkloadView,
    verificationContext(snapshot, stored),
  );
  const refusal = refusalOf(snapshot, undefined);
  return sentence(
    { upgrade: snapshot.upgrade, status: stored, workload: snapshot.workload, summary, obstacle, refusal },
    undefined,
  );
}

test.each<[string, Given, string]>([
  [
    'recorded',
    { status: { phase: 'Pending' } },
    'Starting attempt 1: Deployment web from web:1.0 to web:2.0',
  ],
  [
    'rolling',
    {},
    `Rolling Deployment web from web:1.0 to web:2.0: 1 of 3 updated, 0 passed; pod web-new-1 on node-1: not probed yet`,
  ],
  [
    'rolling and none of the pods there',
    { rest: { pods: [] } },
    `Rolling Deployment web from web:1.0 to web:2.0: 0 of 3 updated, 0 passed`,
  ],
  [
    'rolling into a quota',
    { rest: { pods: [] }, workload: { replicaFailure: 'pods "web-x" is forbidden: exceeded quota' } },
    `Rolling Deployment web from web:1.0 to web:2.0: 0 of 3 updated, 0 passed; pods "web-x" is forbidden: exceeded quota`,
  ],
  [
    'rolling without a gate',
    { attempt: { gating: false }, rest: { pods: [] } },
    `Rolling Deployment web from web:1.0 to web:2.0: 0 of 3 updated, 0 passed; not gated, because neither gate policy nor webhook acts here`,
  ],
  [
    'rolling with nothing left to serve',
    { rest: { pods: [] }, workload: { servesNothingMeanwhile: true } },
    `Rolling Deployment web from web:1.0 to web:2.0: 0 of 3 updated, 0 passed; its strategy leaves no pod serving during the rollout`,
  ],
  [
    'checking',
    { status: { phase: 'PostChecking' } },
    `Verifying web:2.0: 0 of 3 pods passed; pod web-new-1 on node-1: not probed yet`,
  ],
  [
    'without a verdict',
    { status: { phase: 'Inconclusive' }, rest: { nodeReady: () => false } },
    `No verdict on web:2.0 yet: 0 of 3 pods passed; pod web-new-1 on node-1: node node-1 is not Ready`,
  ],
  [
    'verified',
    { status: { phase: 'Succeeded', counts }, attempt: end('Succeeded', 'PostCheckPassed') },
    `Deployment web runs web:2.0, verified on 3 of 3 pods in 2m`,
  ],
  [
    'verified by readiness only, as adopted',
    {
      status: { phase: 'Succeeded', counts: { ...counts, desired: 1, passed: 1 } },
      attempt: { adopted: true, ...end('Succeeded', 'ReadinessOnly') },
    },
    `Deployment web runs web:2.0, verified by readiness only on 1 of 1 pod`,
  ],
  [
    'verified by readiness only, as no image has the command: how to add a check',
    {
      status: { phase: 'Succeeded', counts, checks: ['readiness-probe'] },
      attempt: end('Succeeded', 'ReadinessOnly'),
    },
    `Deployment web runs web:2.0, verified by readiness only on 3 of 3 pods in 2m; it has no /usr/bin/readiness_probe.sh: add it to the image, or name another check in spec.postCheck.checks`,
  ],
  [
    'verified but for some that had nothing to check',
    {
      status: { phase: 'Succeeded', counts: { ...counts, passed: 2, skipped: 1 } },
      attempt: end('Succeeded', 'PostCheckPassed'),
    },
    `Deployment web runs web:2.0, verified on 2 of 3 pods, 1 skipped in 2m`,
  ],
  [
    'waiting, because no pods are wanted',
    { status: { phase: 'PostChecking', counts: { ...counts, desired: 0 } } },
    'Deployment web has 0 replicas: web:2.0 is verified once it has pods',
  ],
  [
    'falling back',
    { status: { phase: 'FallingBack', fallback: fallbackOf() } },
    `Falling back to web:1.0; web:2.0 failed: pod web-new-1: it exited 17`,
  ],
  [
    'falling back, while the pods are still those of the version that failed',
    {
      status: { phase: 'FallingBack', fallback: fallbackOf() },
      rest: { pods: [podOf({ containers: [containerOf({ restarts: 9 })] })] },
    },
    `Falling back to web:1.0; web:2.0 failed: pod web-new-1: it exited 17`,
  ],
  [
    'falling back, and a pod of the version before cannot start',
    {
      status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(60) }) },
      rest: { pods: [podOf({ containers: [containerOf({ image: OLD, restarts: 9 })] })] },
    },
    `Falling back to web:1.0, which is blocked: pod web-new-1 on node-1: container web restarted 9 times; allowed: 2; web:2.0 failed: pod web-new-1: it exited 17`,
  ],
  [
    'falling back, and the pods of the version before are refused too',
    {
      status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(60) }) },
      workload: { replicaFailure: 'pods "web-x" is forbidden: exceeded quota' },
      rest: { pods: [] },
    },
    `Falling back to web:1.0, which is blocked: pods "web-x" is forbidden: exceeded quota; web:2.0 failed: pod web-new-1: it exited 17`,
  ],
  [
    'fallen back',
    {
      status: {
        phase: 'FellBack',
        counts,
        fallback: fallbackOf({ state: 'Verified', verified: 'PostCheck' }),
      },
    },
    `web:1.0 runs again, verified on 3 pods; web:2.0 failed: pod web-new-1: it exited 17`,
  ],
  [
    'fallen back to a version without the script',
    {
      status: {
        phase: 'FellBack',
        counts,
        fallback: fallbackOf({ state: 'Verified', verified: 'ReadinessOnly' }),
      },
    },
    `web:1.0 runs again, verified by readiness only on 3 pods; web:2.0 failed: pod web-new-1: it exited 17`,
  ],
  [
    'left in part, and what was left is being made anew',
    { status: { phase: 'Partial', counts: { ...counts, passed: 2 } } },
    'Deployment web runs web:2.0, verified on 2 of 3 pods',
  ],
  [
    'in trouble',
    {
      status: { phase: 'FallbackFailed', fallback: fallbackOf() },
      attempt: end('FallbackFailed', 'NotReady', 'A; the fallback failed too: B'),
    },
    `The fallback from web:2.0 to web:1.0 did not complete, manual intervention is required: A; the fallback failed too: B`,
  ],
  [
    'failed and left alone',
    {
      status: { phase: 'Failed' },
      attempt: end('Failed', 'FallbackDisabled', 'pod web-new-1: it exited 17'),
    },
    `web:2.0 failed and was not rolled back, because spec.fallback.action is None: pod web-new-1: it exited 17`,
  ],
  [
    'aborted',
    { status: { phase: 'Aborted' }, attempt: end('Aborted', 'Aborted', 'aborted by postcheck.dev/abort') },
    `Ended before web:2.0 was verified: aborted by postcheck.dev/abort`,
  ],
  [
    'paused',
    { obstacle: { reason: 'Paused' }, rest: { pods: [] } },
    `Paused by spec.paused, set it to false to continue; Rolling Deployment web from web:1.0 to web:2.0: 0 of 3 updated, 0 passed`,
  ],
  [
    'claimed by another',
    {
      obstacle: {
        reason: 'TargetClaimed',
        workload: { kind: 'Deployment', name: 'web' },
        by: 'a',
      },
    },
    'Upgrade a already acts on Deployment web: delete one of the two',
  ],
])('an Upgrade that is %s says so', (_what, given, expected) => {
  expect(said(given)).toBe(expected);
});

test('an image in the sentence changes nothing that a terminal shows', () => {
  const images = { web: 'registry.example/web:\u001b[2J\u009b\u202e2.0' };
  expect(said({ status: { phase: 'PostChecking', to: { images } } })).toContain('web:2.0');
});

describe('a sentence', () => {
  test('names the worst pod, not the first', () => {
    const healthy = podOf({ name: 'a', uid: 'pod-a' });
    const lost = podOf({ name: 'z', uid: 'pod-z', node: 'node-9' });
    expect(said({ rest: { pods: [healthy, lost], nodeReady: (node) => node !== 'node-9' } })).toMatch(
      /; pod z on node-9: node node-9 is not Ready$/,
    );
  });

  test('is never longer than 4,000 characters', () => {
    expect(
      said({ attempt: end('Failed', 'FallbackDisabled', 'x'.repeat(9000)), status: { phase: 'Failed' } })
        .length,
    ).toBeLessThanOrEqual(4000);
  });
});
