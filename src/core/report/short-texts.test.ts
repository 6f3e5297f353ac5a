/** The texts that a file of its own only has for their wording. */
import { describe, expect, test } from '@jest/globals';
import { ago, completeUpgradeOf, NOW, podOf, statusOf } from '../../../test/support/snapshots.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import { completeStatus } from '../complete-status.ts';
import type { Wait } from '../wait.ts';
import { deletionText } from './deletion-text.ts';
import { openedGateText } from './gate-text.ts';
import { rolloutCheckText } from './rollout-check-text.ts';
import { waitDetail } from './wait-detail.ts';
import { waitingToStartText } from './wait-text.ts';
import { startupProbeText } from './warning-text.ts';

test.each([
  [deletionText(podOf(), 'GateMissed'), 'Deleted pod web-new-1: it was created without the gate'],
  [
    deletionText(podOf(), 'StuckPodDeleted'),
    'Deleted pod web-new-1: it blocked the StatefulSet (kubernetes#67250)',
  ],
  [openedGateText('ReportOnly'), 'the version failed, but spec.fallback.action is None'],
  [openedGateText('NoAttempt'), 'no attempt needs the gate of this pod'],
  [openedGateText('Uninstalled'), 'postcheck was uninstalled'],
  [rolloutCheckText(undefined, { passWhen: '< 1' }), 'not queried yet'],
  [rolloutCheckText({ class: 'Error', noValue: 'NoData' }, { passWhen: '< 1' }), 'no data'],
  [rolloutCheckText({ class: 'Error', noValue: 'NoNumber' }, { passWhen: '< 1' }), 'no data (NaN)'],
  [rolloutCheckText({ class: 'Error', noValue: { message: 'closed' } }, { passWhen: '< 1' }), 'closed'],
  [rolloutCheckText({ class: 'Fail', value: 2 }, { passWhen: '< 1' }), '2, but passes when < 1'],
  [rolloutCheckText({ class: 'Pass', value: 0 }, { passWhen: '< 1' }), '0'],
])('%s', (text, expected) => {
  expect(text).toBe(expected);
});

test('a startup probe is warned of by the name of its container', () => {
  expect(startupProbeText('web')).toMatch(/\bweb\b/);
});

test.each<[Wait, string | undefined]>([
  [{ reason: 'WindowClosed', until: NOW, timeZone: 'UTC' }, 'Thu 2026-01-01 00:10 UTC'],
  [
    { reason: 'WindowClosed', until: NOW, timeZone: 'Asia/Taipei' },
    'Thu 2026-01-01 08:10 Asia/Taipei (2026-01-01 00:10 UTC)',
  ],
  [
    { reason: 'DependencyNotReady', upgrade: 'db', phase: 'Upgrading', others: 0 },
    'Upgrade db, which is Upgrading',
  ],
  [
    { reason: 'DependencyNotReady', upgrade: 'db', phase: 'Outdated', others: 2 },
    'Upgrade db, which is not verified for its current spec and 2 more',
  ],
  [{ reason: 'Queued' }, 'its turn'],
  [{ reason: 'PartitionSet', partition: 2 }, 'updateStrategy.rollingUpdate.partition 2'],
  [{ reason: 'Soaking', until: NOW }, undefined],
  [{ reason: 'AwaitingApproval' }, undefined],
])('the detail of %j', (wait, detail) => {
  expect(waitDetail(wait)).toBe(detail);
});

describe('an attempt that waits to start', () => {
  const waitShown = (status: UpgradeStatus, strategy: object = {}) =>
    waitingToStartText({
      upgrade: completeUpgradeOf({ spec: { strategy } }),
      status: completeStatus(status),
    });
  const waiting = (reason: 'WindowClosed' | 'DependencyNotReady' | 'Queued') => ({
    reason,
    since: ago(9),
    detail: 'it',
  });
  const what = 'Deployment web will be rolled to web:2.0 when';
  const window = (without: string, attempt = 1) =>
    `${what} its window opens, it; to start immediately${without}: kubectl annotate upgrade web postcheck.dev/promote=${attempt} --overwrite -n shop`;
  const stage = (change: object) => ({ stages: [{ name: 'canary', pods: 1, ...change }] });

  test.each<[string, string | undefined, string | undefined]>([
    ['the window', waitShown({ waiting: waiting('WindowClosed') }), window('')],
    [
      'the window of the next attempt',
      waitShown(statusOf({ phase: 'Succeeded', waiting: waiting('WindowClosed') })),
      window('', 2),
    ],
    [
      'the soak that a promotion skips',
      waitShown({ waiting: waiting('WindowClosed') }, stage({ soakSeconds: 9 })),
      window(' without soak'),
    ],
    [
      'the approval that it skips',
      waitShown({ waiting: waiting('WindowClosed') }, stage({ approval: 'Manual' })),
      window(' without approval'),
    ],
    [
      'what it depends on',
      waitShown({ waiting: waiting('DependencyNotReady') }),
      `${what} its dependencies have succeeded; it waits for it`,
    ],
    [
      'that others are first',
      waitShown({ waiting: waiting('Queued') }),
      `${what} its turn comes: many Upgrades are to start at once, and those under way are finished first`,
    ],
    ['nothing while one is under way', waitShown(statusOf({ waiting: waiting('WindowClosed') })), undefined],
    ['nothing without a wait', waitShown({}), undefined],
  ])('says %s', (_, text, expected) => {
    expect(text).toBe(expected);
  });
});
