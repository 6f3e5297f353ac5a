import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  containerOf,
  fallbackOf,
  type Given,
  NEW,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Phase } from '../../api/enums.ts';
import type { Reason } from '../../api/reasons.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import { completeStatus, NOT_COUNTED } from '../complete-status.ts';
import { verificationContext } from '../rollout/context.ts';
import { summarizePods } from '../verification/summary.ts';
import { refusalOf } from '../workload/refusal.ts';
import { sentence } from './sentence.ts';
import type { Facts } from './sentence-parts.ts';

interface Case extends Omit<Given, 'spec'> {
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

const conflict = (image: string) => ({
  end: {
    ...end('Failed', 'ImageConflict', 'container web was set').end,
    why: { reason: 'ImageConflict' as const, container: 'web', image },
  },
});

function said({ status = {}, attempt = {}, workload = {}, rest = {}, obstacle }: Case): string {
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

test.each<[string, Case, string]>([
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
    'verified, and scaled down while its last pods passed',
    {
      status: { phase: 'Succeeded', counts: { ...counts, desired: 1, updated: 4, passed: 4 } },
      attempt: end('Succeeded', 'PostCheckPassed'),
    },
    `Deployment web runs web:2.0, verified on 1 of 1 pod in 2m`,
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
    `Falling back to web:1.0, which is blocked: pods "web-x" is forbidden: exceeded quota: resolve that, and its controller creates the pods, which get traffic once they are Ready; web:2.0 failed: pod web-new-1: it exited 17`,
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

/** Whatever was lost of a status, its phase is named: a sentence that cannot be made would stop the Upgrade. */
test.each<[Phase, string]>([
  ['Pending', 'Starting attempt 1: Deployment web to web:2.0'],
  ['Upgrading', 'Rolling Deployment web to web:2.0'],
  ['PostChecking', 'Deployment web has 0 replicas: web:2.0 is verified once it has pods'],
  [
    'Inconclusive',
    'No verdict on web:2.0 yet: 0 of 0 pods passed; the controller of Deployment web replaces no further pod: check its events and the nodes',
  ],
  ['Succeeded', 'Deployment web is set to web:2.0, verified on all pods before it had 0 replicas'],
  ['Partial', 'Deployment web runs web:2.0, verified on 0 of 0 pods'],
  ['FallingBack', 'Falling back to ; web:2.0 failed:'],
  ['FallbackChecking', 'Verifying the fallback to : 0 of 0 pods passed; web:2.0 failed:'],
  ['FellBack', 'is set again, not verified, because it has 0 replicas; web:2.0 failed:'],
  ['FallbackFailed', 'The fallback from web:2.0 to  did not complete, manual intervention is required:'],
  ['Failed', 'web:2.0 failed:'],
  ['Aborted', 'Ended before web:2.0 was verified:'],
])('the phase %s alone says so', (phase, expected) => {
  const counts = { ...NOT_COUNTED };
  const facts = {
    upgrade: snapshotOf().upgrade,
    status: completeStatus({ phase, counts }),
    workload: undefined,
    summary: undefined,
    obstacle: undefined,
  };
  expect(sentence(facts, undefined)).toBe(expected);
});

describe('the sentence of', () => {
  interface Change {
    readonly spec?: Record<string, unknown>;
    readonly status?: Partial<UpgradeStatus>;
    readonly attempt?: Partial<Attempt>;
    readonly facts?: Partial<Facts>;
    readonly drift?: string;
  }
  function of({ spec, status, attempt, facts, drift }: Change): string {
    const complete = completeStatus(statusOf({ counts, ...status }, attempt));
    const { upgrade } = snapshotOf({ upgrade: upgradeOf({ spec, status: complete }) });
    const workload = workloadOf();
    const given: Facts = {
      upgrade,
      status: complete,
      workload,
      summary: undefined,
      obstacle: undefined,
      ...facts,
    };
    return sentence(given, drift);
  }
  const left = [{ name: 'node-7', state: 'Failed', reason: 'ProbeFailed', message: 'it exited 17' }] as const;
  const lost = [{ name: 'node-9', state: 'Unreachable', reason: 'NodeUnreachable' }] as const;
  const explained = [{ label: 'asic', value: 'td3', failed: 1, verified: 2 }];
  const baseline = [{ check: 'probe', container: 'web', exitCode: 17, pods: 1, total: 1 }];
  const from = { images: { web: OLD }, baseline };
  const why = { reason: 'ProbeFailed', check: 'probe', container: 'web', exitCode: 17 } as const;
  const before = '; it exited 17 before the upgrade too, on 1 of 1 pod';
  const apart = '; the failed pod is on a node with asic=td3, but none of the 2 verified pods';
  const resultOf = (state: 'Failed' | 'Passed' | 'Skipped' | 'Inconclusive', name: string) =>
    ({ state, cause: { reason: 'NodeUnreachable', pod: name, node: 'node-1' } }) as const;
  const summaryOf = (...results: readonly ReturnType<typeof resultOf>[]) =>
    ({ results, counts: { ...counts, passed: 1, updated: 2 }, desired: 3 }) as unknown as Facts['summary'];
  const rolled = 'Rolling Deployment web from web:1.0 to web:2.0';
  const nodes = { matchLabels: { tier: 'edge' } };
  const stages = [{ name: 'edge', state: 'Rolling', desired: 0, verified: 0 }] as const;
  const staged = { strategy: { stages: [{ name: 'edge', nodes }, { name: 'rest' }] } };
  const noPods =
    '; stage edge has no pods: no reachable node with a pod is known to have tier=edge; label a node, or correct spec.strategy.stages';
  const old = podOf({ name: 'web-0' });
  const unbound = {
    reason: 'Unschedulable',
    detail: '0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
  } as const;
  const heldFor = (why: string): string =>
    `; its controller waits for web-0: ${why}; this attempt did not create that pod (kubernetes#67250): fix it, or run kubectl delete pod web-0 -n shop`;
  const held = heldFor('not Ready');

  test.each<[string, Change, string]>([
    ['a drift', { status: { phase: 'Succeeded' }, drift: 'somebody set it' }, 'somebody set it'],
    [
      'a success by an earlier post-check',
      {
        status: { phase: 'Succeeded' },
        attempt: { ...end('Succeeded', 'PostCheckPassed'), postCheckDigest: 'x' },
      },
      'Deployment web runs web:2.0, verified on 3 of 3 pods in 2m; this was verified by an earlier spec.postCheck: set postcheck.dev/retry to verify again',
    ],
    [
      'an abort under an earlier post-check',
      {
        status: { phase: 'Aborted' },
        attempt: { ...end('Aborted', 'Aborted', 'aborted'), postCheckDigest: 'x' },
      },
      'Ended before web:2.0 was verified: aborted',
    ],
    [
      'a success with nothing verified',
      { status: { phase: 'Succeeded' }, attempt: end('Succeeded', 'AllSkipped') },
      'Deployment web runs web:2.0, but nothing was verified: every check was skipped',
    ],
    [
      'a success by readiness, with a check over the network alone',
      {
        spec: { postCheck: { checks: [{ name: 'port', tcpSocket: { port: 80 } }] } },
        status: { phase: 'Succeeded', checks: ['port'] },
        attempt: end('Succeeded', 'ReadinessOnly'),
      },
      'Deployment web runs web:2.0, verified by readiness only on 3 of 3 pods in 2m',
    ],
    [
      'a rewritten image',
      { status: { to: { images: { web: 'mirror/web:2.0' }, requested: { web: NEW } } } },
      `${rolled} (requested: ${NEW})`,
    ],
    ['a rollout in stages', { status: { stage: '1/2 canary' } }, `${rolled}, stage canary (1 of 2)`],
    ['a rollout whose stage has no pods', { spec: staged, status: { stages } }, `${rolled}${noPods}`],
    [
      'a rollout that an old pod blocks',
      { facts: { waitsFor: { pod: old, cause: undefined } } },
      `${rolled}${held}`,
    ],
    [
      'a rollout that an old pod without a volume blocks',
      { facts: { waitsFor: { pod: old, cause: unbound } } },
      `${rolled}${heldFor('not ready: no node fits: pod has unbound immediate PersistentVolumeClaims')}`,
    ],
    [
      'a rollout with failed places',
      { status: { left, explained }, facts: { summary: summaryOf(resultOf('Failed', 'web-1')) } },
      `${rolled}: 2 of 3 updated, 1 passed; 1 failed, within the budget: node-7: it exited 17${apart}`,
    ],
    [
      'a rollout with lost nodes',
      { status: { left: lost } },
      `${rolled}; 1 unreachable: node-9: NodeUnreachable`,
    ],
    [
      'a rollout with its worst pod',
      {
        facts: {
          summary: summaryOf(resultOf('Skipped', 'a'), resultOf('Passed', 'b'), resultOf('Failed', 'c')),
        },
      },
      `${rolled}: 2 of 3 updated, 1 passed; pod c on node-1: node node-1 is not Ready`,
    ],
    [
      'a rollout with a baseline that decided nothing',
      { spec: { preCheck: { baseline: 'RequirePass' } } },
      `${rolled}; no pod of the previous version answered before the upgrade, so spec.preCheck.baseline decided nothing`,
    ],
    [
      'a rollout with a baseline',
      { spec: { preCheck: { baseline: 'RequirePass' } }, status: { from } },
      rolled,
    ],
    ['a rollout whose gate is disabled', { spec: { gate: 'Disabled' }, attempt: { gating: false } }, rolled],
    [
      'an adopted version',
      { status: { phase: 'PostChecking' }, attempt: { adopted: true, gating: false } },
      'Verifying web:2.0: 3 of 3 pods passed',
    ],
    [
      'a rollout at the partition of the user',
      {
        status: {
          stage: '1/2 canary',
          waiting: { reason: 'PartitionSet', since: ago(9), detail: 'partition 2' },
          left,
        },
      },
      'Deployment web has partition 2, stage canary (1 of 2): web:2.0 is verified on 3 of 3 pods, still probed; the attempt continues when the partition is lowered; 1 failed, within the budget: node-7: it exited 17',
    ],
    [
      'a verification with an empty stage',
      { spec: staged, status: { phase: 'PostChecking', stages } },
      `Verifying web:2.0: 3 of 3 pods passed${noPods}`,
    ],
    [
      'no verdict for an empty stage',
      { spec: staged, status: { phase: 'Inconclusive', stages } },
      `No verdict on web:2.0 yet: 3 of 3 pods passed${noPods}`,
    ],
    [
      'no verdict for an old pod',
      { status: { phase: 'Inconclusive' }, facts: { waitsFor: { pod: old, cause: undefined } } },
      `No verdict on web:2.0 yet: 3 of 3 pods passed${held}`,
    ],
    [
      'no verdict for a check of the rollout',
      {
        status: {
          phase: 'Inconclusive',
          rolloutChecks: [{ name: 'errors', class: 'Error', message: 'no data' }],
        },
      },
      'No verdict on web:2.0 yet: 3 of 3 pods passed; rollout check errors: no data',
    ],
    [
      'no verdict for rejected pods',
      { status: { phase: 'Inconclusive' }, facts: { refusal: 'exceeded quota' } },
      'No verdict on web:2.0 yet: 3 of 3 pods passed; exceeded quota',
    ],
    [
      'no verdict for a pod',
      {
        status: { phase: 'Inconclusive', left: lost },
        attempt: { excludedNodes: ['node-9'] },
        facts: { summary: summaryOf(resultOf('Inconclusive', 'web-1')) },
      },
      'No verdict on web:2.0 yet: 1 of 3 pods passed; pod web-1 on node-1: node node-1 is not Ready',
    ],
    [
      'no verdict for lost nodes',
      {
        status: { phase: 'Inconclusive', left: lost },
        attempt: { excludedNodes: ['node-9'] },
        facts: { workload: workloadOf({ kind: 'DaemonSet', onDelete: true }) },
      },
      'No verdict on web:2.0 yet: 3 of 3 pods passed; 1 unreachable: node-9: NodeUnreachable; the new version may be the cause, so no further node is upgraded until they are back',
    ],
    [
      'no verdict for lost nodes that the controller waits for',
      {
        status: { phase: 'Inconclusive', left: lost },
        attempt: { excludedNodes: ['node-9'] },
        facts: { workload: workloadOf({ kind: 'DaemonSet' }) },
      },
      'No verdict on web:2.0 yet: 3 of 3 pods passed; 1 unreachable: node-9: NodeUnreachable; the controller of Deployment web replaces no further pod, most likely because they use up its maxUnavailable: recover or delete the nodes, or, if the new version is not the cause, raise it',
    ],
    [
      'a partial success',
      { status: { phase: 'Partial', counts: { ...counts, passed: 1, skipped: 1 }, left, explained } },
      `Deployment web runs web:2.0, verified on 2 of 3 pods; 1 failed: node-7: it exited 17${apart}`,
    ],
    [
      'a fallback in progress',
      { status: { phase: 'FallingBack', from, explained, fallback: fallbackOf({ why }) } },
      `Falling back to web:1.0; web:2.0 failed: pod web-new-1: it exited 17${before}${apart}`,
    ],
    [
      'a fallback that a pod blocks',
      {
        status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(9) }) },
        facts: { summary: summaryOf(resultOf('Passed', 'a'), resultOf('Inconclusive', 'b')), refusal: 'x' },
      },
      'Falling back to web:1.0, which is blocked: pod b on node-1: node node-1 is not Ready; web:2.0 failed: pod web-new-1: it exited 17',
    ],
    [
      'a fallback that is not blocked',
      {
        status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(9) }) },
        facts: { summary: summaryOf(resultOf('Passed', 'a')) },
      },
      'Falling back to web:1.0; web:2.0 failed: pod web-new-1: it exited 17',
    ],
    [
      'a fallback after an abort',
      {
        status: {
          phase: 'FallingBack',
          from,
          explained,
          fallback: fallbackOf({ reason: 'Aborted', cause: 'aborted', why }),
        },
      },
      'Falling back to web:1.0; web:2.0 was aborted',
    ],
    [
      'a fallback that is verified',
      { status: { phase: 'FallbackChecking', fallback: fallbackOf() } },
      'Verifying the fallback to web:1.0: 3 of 3 pods passed; web:2.0 failed: pod web-new-1: it exited 17',
    ],
    [
      'a fallback that is not to be verified, and did not reach some nodes',
      {
        status: { phase: 'FellBack', fallback: fallbackOf({ verified: 'No' }) },
        attempt: { excludedNodes: ['a', 'b', 'c', 'd', 'e', 'f'] },
      },
      'web:1.0 runs again, not verified, because spec.fallback.verify is false; web:2.0 failed: pod web-new-1: it exited 17; not reached, because not Ready: a, b, c, d, e',
    ],
    [
      'a fallback without pods',
      {
        status: {
          phase: 'FellBack',
          counts: { ...counts, desired: 0 },
          fallback: fallbackOf({ verified: 'No' }),
        },
      },
      'web:1.0 is set again, not verified, because it has 0 replicas; web:2.0 failed: pod web-new-1: it exited 17',
    ],
    [
      'a fallback that failed',
      {
        status: { phase: 'FallbackFailed', from, fallback: fallbackOf({ why }) },
        attempt: end('FallbackFailed', 'ProbeFailed', 'both failed'),
      },
      `The fallback from web:2.0 to web:1.0 did not complete, manual intervention is required: both failed${before}`,
    ],
    [
      'a failed version that is kept',
      { status: { phase: 'Failed' }, attempt: end('Failed', 'FallbackPaused', 'it exited 17') },
      'web:2.0 failed and stays behind closed gates, because spec.fallback.action is Pause: it exited 17',
    ],
    [
      'a version without a previous one',
      { status: { phase: 'Failed' }, attempt: end('Failed', 'NoFallbackTarget', 'it exited 17') },
      'web:2.0 did not pass, and there is no previous version to fall back to: it exited 17',
    ],
    [
      'an image that somebody set',
      { status: { phase: 'Failed' }, attempt: end('Failed', 'ImageConflict', 'container web was set') },
      'Container web was set, and ended the attempt to roll to web:2.0',
    ],
    [
      'a previous version that fails',
      { status: { phase: 'Failed' }, attempt: end('Failed', 'BaselineFailed', 'it exited 17') },
      'Nothing was upgraded to web:2.0, because spec.preCheck.baseline is RequirePass and web:1.0 fails: it exited 17; fix it, or set postcheck.dev/retry to upgrade all the same',
    ],
    [
      'an image that somebody set, and what to do about it',
      {
        status: { phase: 'Failed' },
        attempt: conflict('registry.example/web:1.8'),
      },
      'Container web was set, and ended the attempt to roll to web:2.0; the image is not verified: set it in spec.containers to verify it, or postcheck.dev/retry to roll to web:2.0',
    ],
    [
      'an image of an attempt that was superseded',
      {
        status: {
          phase: 'Failed',
          history: [
            {
              attempt: 3,
              images: { web: 'registry.example/web:1.8' },
              outcome: 'Superseded',
              cause: '',
              startedAt: ago(90),
              finishedAt: ago(60),
            },
          ],
        },
        attempt: conflict('registry.example/web:1.8'),
      },
      'Container web was set, and ended the attempt to roll to web:2.0; the image, which attempt 3 set before it was superseded, is not verified: set it in spec.containers to verify it, or postcheck.dev/retry to roll to web:2.0',
    ],
    [
      'an image that admission set',
      { status: { phase: 'Failed' }, attempt: end('Failed', 'ImageRewritten', 'the API server stored it') },
      'Nothing was upgraded to web:2.0: the API server stored it',
    ],
    [
      'another failure',
      { status: { phase: 'Failed' }, attempt: end('Failed', 'ProbeFailed', 'it exited 17') },
      'web:2.0 failed: it exited 17',
    ],
    [
      'a pause, with its start',
      { status: { paused: { since: ago(30) } }, facts: { obstacle: { reason: 'Paused' } } },
      `Paused by spec.paused since ${ago(30).replace('.000', '')}, set it to false to continue; ${rolled}`,
    ],
    [
      'a pause with another version to follow',
      { attempt: { id: '1-0000000000' }, facts: { obstacle: { reason: 'Paused' } } },
      `Paused by spec.paused, set it to false to continue with web:2.0; ${rolled}`,
    ],
    [
      'an obstacle in the middle',
      { facts: { obstacle: { reason: 'Refused', message: 'no' } } },
      `Blocked: no; ${rolled}`,
    ],
    [
      'an obstacle after the end',
      {
        status: { phase: 'Failed' },
        attempt: end('Failed', 'ProbeFailed'),
        facts: { obstacle: { reason: 'Refused', message: 'no' } },
      },
      'no',
    ],
    [
      'an obstacle before an attempt',
      { status: { attempt: undefined }, facts: { obstacle: { reason: 'Refused', message: 'no' } } },
      'no',
    ],
    [
      'the next attempt with other images',
      { status: { phase: 'Pending', attempt: undefined, from: undefined } },
      'Starting attempt 1: Deployment web to web:2.0',
    ],
  ])('%s', (_, change, expected) => {
    expect(of(change)).toBe(expected);
  });

  test('a long cause leaves room for the post-check', () => {
    const attempt = { ...end('Failed', 'ProbeFailed', 'x'.repeat(9000)), postCheckDigest: 'x' };
    const text = of({ status: { phase: 'Failed' }, attempt });
    expect(text).toHaveLength(4000);
    expect(text).toMatch(/set postcheck.dev\/retry to verify again$/);
  });
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
