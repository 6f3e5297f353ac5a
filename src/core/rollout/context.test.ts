/** What the pods of a rollout are compared with. */
import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  fallbackOf,
  NEW,
  NOW,
  OLD,
  podOf,
  snapshotOf,
  specOf,
  templateOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { StageState } from '../../api/enums.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { verificationId } from '../status.ts';
import { rolledBackContext, verificationContext } from './context.ts';

const AT = NOW - 120_000;
const snapshot = snapshotOf({ updateRevisionCreatedAt: AT });
const FROM = { images: { web: OLD }, baseline: [] };

test.each<[string, ActiveStatus, number | undefined]>([
  ['of a new revision', activeStatusOf(), AT],
  [
    'of one that somebody deleted after it was rolled out',
    activeStatusOf({}, { rolledAt: ago(300) }),
    NOW - 300_000,
  ],
  ['of a retry', activeStatusOf({}, { trigger: 'Retry' }), AT],
  ['of images that the workload had before', activeStatusOf({}, { adopted: true }), undefined],
  [
    'of a workload that was created anew with them',
    activeStatusOf({}, { trigger: 'TargetReplaced', inherited: true }),
    undefined,
  ],
  ['of the revision before', activeStatusOf({ from: { ...FROM, revision: 'new' } }), undefined],
  ['of a fallback', activeStatusOf({ phase: 'FallingBack', fallback: fallbackOf() }), undefined],
])('the age of the revision counts where its pods cannot be older: those %s', (_what, status, at) => {
  expect(verificationContext(snapshot, status).revisionCreatedAt).toBe(at);
  expect(rolledBackContext(snapshot, status).revisionCreatedAt).toBeUndefined();
});

test('mounts are those of the present template, which the pods of an earlier revision may not have', () => {
  const containers = templateOf(OLD).flatMap((web) => [
    { ...web, mounts: ['/data'] },
    { ...web, name: 'log' },
  ]);
  const mounted = { ...snapshot, workload: workloadOf({ containers }) };
  expect(verificationContext(mounted, activeStatusOf()).templateMounts).toEqual({ web: ['/data'] });
  expect(rolledBackContext(mounted, activeStatusOf()).templateMounts).toBeUndefined();
});

const FALLING_BACK = activeStatusOf({
  phase: 'FallingBack',
  fallback: fallbackOf({ images: { web: 'mirror/web:1.0' } }),
});

describe('the pods of an attempt', () => {
  test('are verified from its start, within the deadline of its post-check', () => {
    const upgrade = upgradeOf({
      spec: { postCheck: { deadlineSeconds: 70 }, fallback: { deadlineSeconds: 50 } },
    });
    const of = (status: ActiveStatus) => verificationContext(snapshotOf({ upgrade }), status);
    expect(of(activeStatusOf())).toMatchObject({
      startedAt: NOW - 120_000,
      deadlineSeconds: 70,
      isPaused: false,
      resumedAt: undefined,
      images: { wanted: { web: NEW }, other: { web: OLD } },
      template: ['web'],
      baseline: [],
    });
    expect(of(FALLING_BACK)).toMatchObject({
      startedAt: NOW - 30_000,
      deadlineSeconds: 50,
      images: { wanted: { web: 'mirror/web:1.0' }, other: { web: NEW } },
    });
    expect(of(activeStatusOf({}, { rolledAt: undefined })).images).toEqual({
      wanted: { web: OLD },
      other: { web: NEW },
    });
  });

  test('have their full time while it is paused, and again from when it was resumed', () => {
    const of = (paused: object) => verificationContext(snapshot, activeStatusOf({ paused }));
    expect(of({ since: ago(9) })).toMatchObject({ isPaused: true, resumedAt: NOW });
    expect(of({ resumedAt: ago(9) })).toMatchObject({ isPaused: false, resumedAt: NOW - 9000 });
  });

  test('that were rolled back are verified like those of a fallback', () => {
    const status = activeStatusOf(
      { left: [{ name: 'a', state: 'Failed', reason: 'ProbeFailed' }] },
      { keeps: ['0-a'] },
    );
    const context = rolledBackContext(snapshot, status);
    expect(context).toMatchObject({
      id: verificationId(snapshot.upgrade, status, 'Back'),
      kept: [],
      images: { wanted: { web: OLD }, other: { web: NEW } },
      inFallback: true,
      deadlineSeconds: specOf().postCheck.deadlineSeconds,
      isSoaking: false,
    });
    expect(context.restartsBefore(podOf(), 'web')).toBe(0);
  });

  test('have the last event about them', () => {
    const warning = { reason: 'FailedMount', message: 'no secret', at: NOW };
    const seen = snapshotOf({ eventsSeen: (uid) => (uid === 'pod-1' ? { at: NOW, warning } : undefined) });
    const { warningOf } = verificationContext(seen, activeStatusOf());
    expect([warningOf?.('pod-1'), warningOf?.('pod-2')]).toEqual([warning, undefined]);
    expect(verificationContext(snapshot, activeStatusOf()).warningOf?.('pod-1')).toBeUndefined();
  });

  test('are of no template without a workload', () => {
    const context = verificationContext({ ...snapshot, workload: undefined }, activeStatusOf());
    expect([context.template, context.templateMounts]).toEqual([[], undefined]);
  });
});

describe('restarts of a container count', () => {
  const earlier = (status: ActiveStatus, verification?: string, container = 'web') => {
    const upgrade = upgradeOf({ status });
    const seen = {
      verification: verification ?? verificationId(upgrade, status),
      restarts: new Map([['web', 4]]),
    };
    const restartsSeen = new Map([['pod-1', seen]]);
    return verificationContext(snapshotOf({ upgrade, restartsSeen }), status).restartsBefore(
      podOf(),
      container,
    );
  };
  test.each([
    ['all of them in a revision of this attempt', earlier(activeStatusOf()), 0],
    ['those since a retry', earlier(activeStatusOf({}, { trigger: 'Retry' })), 4],
    [
      'those since the attempt in the previous revision',
      earlier(activeStatusOf({ from: { ...FROM, revision: 'new' } })),
      4,
    ],
    ['those since the fallback', earlier(FALLING_BACK), 4],
    ['all of a container that was not seen', earlier(FALLING_BACK, undefined, 'log'), 0],
    ['all of them if they were seen in another verification', earlier(FALLING_BACK, 'another'), 0],
  ])('%s', (_, restarts, expected) => {
    expect(restarts).toBe(expected);
  });

  test('all of them if none were seen', () => {
    expect(verificationContext(snapshot, FALLING_BACK).restartsBefore(podOf(), 'web')).toBe(0);
  });
});

describe('verified pods are still probed', () => {
  const spec = { strategy: { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] } };
  const soaks = (
    first: StageState,
    second: StageState = 'Waiting',
    phase: 'Upgrading' | 'FallingBack' = 'Upgrading',
  ) => {
    const count = { desired: 1, verified: 1 };
    const status = activeStatusOf({
      phase,
      fallback: phase === 'FallingBack' ? fallbackOf() : undefined,
      stages: [
        { name: 'canary', state: first, ...count },
        { name: 'rest', state: second, ...count },
      ],
    });
    return verificationContext(snapshotOf({ upgrade: upgradeOf({ spec, status }) }), status).isSoaking;
  };
  test.each([
    ['not before the first stage', soaks('Waiting'), false],
    ['not while a stage rolls', soaks('Rolling'), false],
    ['while it is checked', soaks('Checking'), true],
    ['while it soaks', soaks('Soaking'), true],
    ['while it waits for approval', soaks('AwaitingApproval'), true],
    ['while the next one waits', soaks('Done'), true],
    ['not after the last', soaks('Done', 'Done'), false],
    ['not in a fallback', soaks('Soaking', 'Waiting', 'FallingBack'), false],
  ])('%s', (_, isSoaking, expected) => {
    expect(isSoaking).toBe(expected);
  });
});
