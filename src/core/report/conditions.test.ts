import { describe, expect, test } from '@jest/globals';
import {
  ago,
  conditionOf,
  fallbackOf,
  type Given,
  NOW,
  OLD,
  oldPodOf,
  podOf,
  snapshotGiven,
  snapshotOf,
  statusOf,
  upgradeOf,
} from '../../../test/support/snapshots.ts';
import type { AnyReason } from '../../api/reasons.ts';
import type { Attempt, Condition, UpgradeStatus } from '../../api/types.ts';
import { activeStatus } from '../complete-status.ts';
import { verificationContext } from '../rollout/context.ts';
import { summarizePods } from '../verification/summary.ts';
import { type ReportInput, withConditions } from './conditions.ts';

interface Case extends Given {
  readonly input?: Partial<ReportInput>;
}

const NOTHING = { obstacle: undefined, summary: undefined, suspendedByUser: false };

function reported({ input, ...given }: Case): UpgradeStatus {
  const snapshot = snapshotGiven(given);
  return withConditions(snapshot, snapshot.upgrade.status, { ...NOTHING, ...input });
}

const textsOf = ({ conditions = [] }: UpgradeStatus): Record<string, string> =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
const conditionIn = (status: UpgradeStatus, type: Condition['type']): Condition | undefined =>
  status.conditions?.find((condition) => condition.type === type);
const ended = (reason: AnyReason, cause = 'because', why?: { reason: AnyReason }) => ({
  end: { outcome: 'Failed', reason, cause, why, at: ago(10) } as NonNullable<Attempt['end']>,
});
const counts = {
  desired: 3,
  updated: 3,
  ready: 3,
  passed: 2,
  retrying: 0,
  failed: 0,
  inconclusive: 0,
  skipped: 1,
};
const NO_PODS = { ...counts, desired: 0, updated: 0, ready: 0, passed: 0, skipped: 0 };
const left = [{ name: 'node-1', state: 'Back', reason: 'ProbeFailed' }] as const;

describe('the status names the checks of every pod', () => {
  test.each([
    ['the script, when nothing is named', {}, ['readiness-probe']],
    ['the checks that are named', { checks: [{ name: 'port', tcpSocket: { port: 80 } }] }, ['port']],
    ['nothing, for an empty list', { checks: [] }, []],
  ])('%s', (_, postCheck, names) => {
    expect(reported({ spec: { postCheck } }).checks).toEqual(names);
  });
});

/** Ready, Reconciling, Stalled; Verified; FallenBack. */
test.each<[string, Case, readonly [string, string, string, string, string]]>([
  [
    'starts',
    { status: { phase: 'Pending' } },
    ['False Pending', 'True Pending', 'False Pending', 'Unknown InProgress', 'False NotNeeded'],
  ],
  [
    'rolls',
    {},
    ['False Upgrading', 'True Upgrading', 'False Upgrading', 'Unknown InProgress', 'False NotNeeded'],
  ],
  [
    'has not had an attempt',
    { status: { phase: 'Pending', attempt: undefined } },
    ['False Pending', 'True Pending', 'False Pending', 'Unknown NotStarted', 'False NotNeeded'],
  ],
  [
    'has an obstacle',
    { input: { obstacle: { reason: 'GateUnavailable' } } },
    [
      'False GateUnavailable',
      'False GateUnavailable',
      'True GateUnavailable',
      'Unknown InProgress',
      'False NotNeeded',
    ],
  ],
  [
    'is paused by the user',
    { input: { obstacle: { reason: 'Paused' }, suspendedByUser: true } },
    ['False Paused', 'False Paused', 'False Paused', 'Unknown InProgress', 'False NotNeeded'],
  ],
  [
    'is paused without a verdict',
    { status: { phase: 'Inconclusive' }, input: { obstacle: { reason: 'Paused' }, suspendedByUser: true } },
    ['Unknown Paused', 'False Paused', 'False Paused', 'Unknown Inconclusive', 'False NotNeeded'],
  ],
  [
    'waits for a window',
    {
      status: { phase: 'Succeeded', waiting: { reason: 'WindowClosed', since: ago(9) } },
      attempt: ended('PostCheckPassed'),
    },
    [
      'False WindowClosed',
      'True WindowClosed',
      'False WindowClosed',
      'True PostCheckPassed',
      'False NotNeeded',
    ],
  ],
  [
    'soaks',
    { status: { waiting: { reason: 'Soaking', since: ago(9) } } },
    ['False Upgrading', 'True Upgrading', 'False Upgrading', 'Unknown InProgress', 'False NotNeeded'],
  ],
  [
    'waits for approval',
    { status: { waiting: { reason: 'AwaitingApproval', since: ago(9) } } },
    ['False Upgrading', 'True Upgrading', 'False Upgrading', 'Unknown InProgress', 'False NotNeeded'],
  ],
  [
    'never had a pod to verify',
    { status: { phase: 'PostChecking', counts: NO_PODS }, attempt: { maxUpdated: 0 } },
    ['True NoPods', 'False NoPods', 'False NoPods', 'Unknown NoPods', 'False NotNeeded'],
  ],
  [
    'was scaled to zero during the attempt',
    { status: { phase: 'PostChecking', counts: NO_PODS } },
    ['Unknown NoPods', 'True NoPods', 'False NoPods', 'Unknown NoPods', 'False NotNeeded'],
  ],
  [
    'has succeeded',
    { status: { phase: 'Succeeded', counts }, attempt: ended('PostCheckPassed') },
    [
      'True PostCheckPassed',
      'False PostCheckPassed',
      'False PostCheckPassed',
      'True PostCheckPassed',
      'False NotNeeded',
    ],
  ],
  [
    'has succeeded with nothing verified',
    { status: { phase: 'Succeeded', counts }, attempt: ended('AllSkipped') },
    ['True AllSkipped', 'False AllSkipped', 'False AllSkipped', 'Unknown AllSkipped', 'False NotNeeded'],
  ],
  [
    'has succeeded by another post-check',
    {
      status: { phase: 'Succeeded', counts },
      attempt: { ...ended('PostCheckPassed'), postCheckDigest: 'another' },
    },
    [
      'True PostCheckChanged',
      'False PostCheckChanged',
      'False PostCheckChanged',
      'Unknown PostCheckChanged',
      'False NotNeeded',
    ],
  ],
  [
    'was aborted under another post-check',
    { status: { phase: 'Aborted' }, attempt: { ...ended('Aborted'), postCheckDigest: 'another' } },
    ['False Aborted', 'False Aborted', 'True Aborted', 'Unknown Aborted', 'False NotNeeded'],
  ],
  [
    'has succeeded, and somebody changed the image',
    {
      status: { phase: 'Succeeded', counts },
      attempt: ended('PostCheckPassed'),
      workload: { containers: [{ name: 'web', image: 'web:hotfix', role: 'regular', startupProbe: false }] },
    },
    ['False Drifted', 'False Drifted', 'False Drifted', 'True PostCheckPassed', 'False NotNeeded'],
  ],
  [
    'has fallen back, and somebody changed the image',
    {
      status: { phase: 'FellBack', fallback: fallbackOf({ state: 'Verified', verified: 'PostCheck' }) },
      attempt: ended('ProbeFailed'),
      workload: { containers: [{ name: 'web', image: 'web:hotfix', role: 'regular', startupProbe: false }] },
    },
    ['False Drifted', 'False Drifted', 'True Drifted', 'False ProbeFailed', 'True Verified'],
  ],
  [
    'has no verdict',
    { status: { phase: 'Inconclusive' } },
    [
      'Unknown Inconclusive',
      'True Inconclusive',
      'False Inconclusive',
      'Unknown Inconclusive',
      'False NotNeeded',
    ],
  ],
  [
    'is partial',
    { status: { phase: 'Partial', counts }, attempt: ended('ProbeFailed') },
    ['False ProbeFailed', 'False ProbeFailed', 'True ProbeFailed', 'False ProbeFailed', 'False NotNeeded'],
  ],
  [
    'is partial, and a failed pod was rolled back',
    { status: { phase: 'Partial', counts, left }, attempt: ended('ProbeFailed') },
    ['False ProbeFailed', 'False ProbeFailed', 'True ProbeFailed', 'False ProbeFailed', 'False Partial'],
  ],
  [
    'falls back',
    { status: { phase: 'FallingBack', fallback: fallbackOf() } },
    ['False FallingBack', 'True FallingBack', 'False FallingBack', 'False ProbeFailed', 'Unknown InProgress'],
  ],
  [
    'verifies its fallback',
    { status: { phase: 'FallbackChecking', fallback: fallbackOf() } },
    [
      'False FallbackChecking',
      'True FallbackChecking',
      'False FallbackChecking',
      'False ProbeFailed',
      'Unknown InProgress',
    ],
  ],
  [
    'has fallen back, unverified',
    {
      status: { phase: 'FellBack', fallback: fallbackOf({ state: 'Unverified', verified: 'No' }) },
      attempt: ended('ProbeFailed'),
      workload: { containers: [{ name: 'web', image: OLD, role: 'regular', startupProbe: false }] },
    },
    ['False ProbeFailed', 'False ProbeFailed', 'True ProbeFailed', 'False ProbeFailed', 'True Unverified'],
  ],
  [
    'could not fall back',
    { status: { phase: 'FallbackFailed', fallback: fallbackOf() }, attempt: ended('ProbeFailed') },
    [
      'False ProbeFailed',
      'False ProbeFailed',
      'True ProbeFailed',
      'False ProbeFailed',
      'False FallbackFailed',
    ],
  ],
  [
    'has failed',
    { status: { phase: 'Failed' }, attempt: ended('FallbackDisabled') },
    [
      'False FallbackDisabled',
      'False FallbackDisabled',
      'True FallbackDisabled',
      'False FallbackDisabled',
      'False NotNeeded',
    ],
  ],
  ...(['BaselineFailed', 'ImageConflict', 'ImageRewritten'] as const).map(
    (reason): [string, Case, readonly [string, string, string, string, string]] => [
      `has failed for ${reason}, which says nothing about the version`,
      { status: { phase: 'Failed' }, attempt: ended(reason) },
      [`False ${reason}`, `False ${reason}`, `True ${reason}`, `Unknown ${reason}`, 'False NotNeeded'],
    ],
  ),
  [
    'falls back after an abort',
    { status: { phase: 'FallingBack', fallback: fallbackOf({ reason: 'Aborted' }) } },
    ['False FallingBack', 'True FallingBack', 'False FallingBack', 'Unknown Aborted', 'Unknown InProgress'],
  ],
])(
  'the conditions of an Upgrade that %s',
  (_, given, [Ready, Reconciling, Stalled, Verified, FallenBack]) => {
    expect(textsOf(reported(given))).toMatchObject({ Ready, Reconciling, Stalled, Verified, FallenBack });
  },
);

/** A snapshot of pods with what they come to. */
function withSummary(given: Case): Case {
  const snapshot = snapshotOf({
    upgrade: upgradeOf({ spec: given.spec, status: statusOf(given.status, given.attempt) }),
    ...given.rest,
  });
  const status = activeStatus(snapshot.upgrade.status);
  const { workload } = snapshot;
  const summary =
    status && workload && summarizePods(snapshot, workload, verificationContext(snapshot, status));
  return { ...given, input: { ...given.input, summary } };
}

describe('the condition Gated', () => {
  const ungated = { rest: { pods: [podOf({ gates: [] })] } };
  test.each<[string, Case, string, string]>([
    [
      'is True with the policy',
      { attempt: { gateCarrier: 'Policy' } },
      'True GatePolicyApplied',
      'New pods get no traffic before they are verified (admission policy in the API server)',
    ],
    [
      'is True with the webhook',
      { attempt: { gateCarrier: 'Webhook' } },
      'True GateWebhookApplied',
      "New pods get no traffic before they are verified (the operator's admission webhook)",
    ],
    [
      'names the policy where nothing else is recorded',
      {},
      'True GatePolicyApplied',
      'New pods get no traffic before they are verified (admission policy in the API server)',
    ],
    [
      'is False where the user disables it',
      { spec: { gate: 'Disabled' } },
      'False GateDisabled',
      'spec.gate is Disabled',
    ],
    [
      'is Unknown before an attempt',
      { status: { attempt: undefined } },
      'Unknown NotStarted',
      'No attempt yet',
    ],
    [
      'is False where nothing changes',
      { attempt: { adopted: true } },
      'False Adopted',
      'The target already ran the wanted images; its pods are not gated',
    ],
    [
      'is False without a policy',
      { attempt: { gating: false } },
      'False GateUnavailable',
      'Neither the gate policy nor the gate webhook acts here, so new pods serve as soon as they are Ready',
    ],
    [
      'is False after the end',
      { attempt: { gating: false, ...ended('PostCheckPassed') } },
      'False NotGating',
      'No attempt is running, so no pod is gated',
    ],
    [
      'is False where a pod has no gate',
      withSummary(ungated),
      'False GateMissed',
      'Pod web-new-1 was created without the gate; it is still checked',
    ],
    [
      'is True where every pod has it',
      withSummary({}),
      'True GatePolicyApplied',
      'New pods get no traffic before they are verified (admission policy in the API server)',
    ],
    [
      'does not name pods of a fallback',
      withSummary({ ...ungated, status: { phase: 'FallingBack', fallback: fallbackOf() } }),
      'True GatePolicyApplied',
      'New pods get no traffic before they are verified (admission policy in the API server)',
    ],
  ])('%s', (_, given, expected, message) => {
    const status = reported(given);
    expect(textsOf(status)['Gated']).toBe(expected);
    expect(conditionIn(status, 'Gated')?.message).toBe(message);
  });
});

describe('the message of a condition', () => {
  test('is the whole message for Ready, and the headline for those that say nothing else', () => {
    const status = reported({ status: { message: undefined } });
    expect(status.message).toContain('Rolling Deployment web from web:1.0 to web:2.0');
    expect(conditionIn(status, 'Ready')?.message).toBe(status.message);
    expect(conditionIn(status, 'Stalled')?.message).toBe(status.headline);
  });

  test.each<[string, Condition['type'], Case, string]>([
    [
      'the pods that passed',
      'Verified',
      { status: { phase: 'Succeeded', counts }, attempt: ended('PostCheckPassed') },
      '2 of 3 pods passed',
    ],
    [
      'no more than are desired, while a scale-down is still to remove some that passed',
      'Verified',
      {
        status: { phase: 'Succeeded', counts: { ...counts, desired: 1 } },
        attempt: ended('PostCheckPassed'),
      },
      '1 of 1 pods passed',
    ],
    [
      'the same of a version that runs in part',
      'Verified',
      { status: { phase: 'Partial', counts: { ...counts, desired: 1 } }, attempt: ended('ProbeFailed') },
      '1 of 1 pods passed',
    ],
    [
      'those, and where the version failed',
      'Verified',
      { status: { phase: 'Partial', counts, left }, attempt: ended('ProbeFailed') },
      '3 of 3 pods passed; node-1: ProbeFailed',
    ],
    [
      'those alone, if nothing is left',
      'Verified',
      { status: { phase: 'Partial', counts }, attempt: ended('ProbeFailed') },
      '3 of 3 pods passed',
    ],
    [
      'why the version failed',
      'Verified',
      {
        status: {
          phase: 'FellBack',
          fallback: fallbackOf({ why: { reason: 'NodeUnreachable', node: 'node-7' } }),
        },
      },
      'node node-7 is not Ready',
    ],
    [
      'why the attempt ended',
      'Verified',
      { status: { phase: 'Failed' }, attempt: ended('FallbackDisabled', '', { reason: 'AllSkipped' }) },
      'every check was skipped',
    ],
    [
      'what runs the previous version again',
      'FallenBack',
      { status: { phase: 'Partial', counts, left } },
      '1 runs the previous version again',
    ],
    ['that nothing was needed', 'FallenBack', {}, 'No fallback was needed'],
    ['that nothing began', 'Verified', { status: { attempt: undefined } }, 'No attempt yet'],
    ['that nothing is gated', 'Gated', { spec: { gate: 'Disabled' } }, 'spec.gate is Disabled'],
  ])('is %s', (_, type, given, message) => {
    expect(conditionIn(reported(given), type)?.message).toBe(message);
  });
});

describe('the time of a condition', () => {
  const before: Condition = {
    type: 'Ready',
    status: 'False',
    reason: 'Pending',
    message: '',
    lastTransitionTime: ago(500),
    observedGeneration: 1,
  };
  test.each([
    ['stays while its status stays, also for another reason', 'False', ago(500)],
    ['is now when its status changes', 'True', ago(0)],
  ] as const)('%s', (_, status, time) => {
    const given = { status: { conditions: [{ ...before, status }] } };
    expect(conditionIn(reported(given), 'Ready')).toMatchObject({
      lastTransitionTime: time,
      observedGeneration: 3,
    });
  });
});

describe('a pod of the previous version that blocks the rollout', () => {
  const blocked = (given: Case): string | undefined =>
    reported({
      ...given,
      status: { from: { images: { web: OLD }, revision: 'old', baseline: [] }, ...given.status },
      workload: { kind: 'StatefulSet', ordered: true, ...given.workload },
      rest: {
        pods: [
          oldPodOf({ name: 'web-0', conditions: { Ready: conditionOf('False') } }),
          podOf({ name: 'web-1', revision: 'other', conditions: { Ready: conditionOf('False') } }),
        ],
        ...given.rest,
      },
    }).message;

  test('is named while the attempt rolls', () => {
    expect(blocked({})).toContain('web-0');
    expect(blocked({})).not.toContain('web-1');
  });

  test('is one with its images where its revision is not known', () => {
    const message = blocked({ status: { from: { images: { web: OLD }, baseline: [] } } });
    expect(message).toContain('web-0');
    expect(message).not.toContain('web-1');
  });

  test.each<[string, Case]>([
    ['before the images are written', { attempt: { rolledAt: undefined } }],
    ['in a fallback, which deletes it', { status: { phase: 'FallingBack', fallback: fallbackOf() } }],
    ['after the end', { status: { phase: 'Succeeded' } }],
    ['where the pods are replaced in parallel', { workload: { ordered: false } }],
  ])('is not named %s', (_, given) => {
    expect(blocked(given)).not.toContain('web-0');
  });

  test('cannot be named without a workload', () => {
    expect(blocked({ rest: { workload: undefined } })).not.toContain('web-0');
  });
});

test('what the API server says of pods that cannot be created is in the message, if it is about this rollout', () => {
  const warning = (secondsAgo: number) => ({
    at: NOW - secondsAgo * 1000,
    reason: 'FailedCreate',
    message: 'exceeded quota',
  });
  const message = (secondsAgo: number, given: Case = {}) =>
    reported({
      ...given,
      workload: { kind: 'StatefulSet' },
      rest: { pods: [], eventsSeen: () => ({ at: NOW, warning: warning(secondsAgo) }) },
    }).message;
  expect(message(100)).toContain('exceeded quota');
  expect(message(200)).not.toContain('exceeded quota');
  expect(message(100, { attempt: { rolledAt: undefined } })).not.toContain('exceeded quota');
  const fallback = (rolledAt: string | undefined) => ({
    status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt }) } as const,
  });
  expect(message(15, fallback(ago(20)))).toContain('exceeded quota');
  expect(message(25, fallback(ago(20)))).not.toContain('exceeded quota');
});
