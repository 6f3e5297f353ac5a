import { describe, expect, test } from '@jest/globals';
import { ago, fallbackOf, snapshotGiven, statusOf, upgradeOf } from '../../../test/support/snapshots.ts';
import type { Phase } from '../../api/enums.ts';
import type { EndReason, EventReason } from '../../api/reasons.ts';
import type { Condition, UpgradeStatus } from '../../api/types.ts';
import type { CommandResult } from '../../api/verbs.ts';
import { withConditions } from './conditions.ts';
import { transitionEvents } from './events.ts';

const tell = (before: UpgradeStatus | undefined, after: UpgradeStatus) =>
  transitionEvents(upgradeOf(), before, after);
const reasons = (before: UpgradeStatus | undefined, after: UpgradeStatus): string[] =>
  tell(before, after).events.map(({ reason }) => reason);
const end = (outcome: 'Succeeded' | 'FellBack' | 'Failed', secondsAgo = 0) => ({
  end: { outcome, reason: 'ProbeFailed' as const, cause: 'because', at: ago(secondsAgo) },
});

describe('a change of the status is reported', () => {
  test('as the start of an attempt, once', () => {
    expect(reasons(undefined, statusOf({ phase: 'Pending' }))).toEqual(['UpgradeStarted', 'UpgradeStarted']);
    expect(reasons(statusOf({ phase: 'Pending' }), statusOf())).toEqual([]);
  });

  test('as a success, with how long it took', () => {
    const after = statusOf({ phase: 'Succeeded', message: 'verified' }, end('Succeeded'));
    expect(tell(statusOf(), after)).toMatchObject({
      events: [{ type: 'Normal', reason: 'PostCheckPassed', note: 'verified' }],
      completions: [{ outcome: 'Succeeded', seconds: 120 }],
    });
    expect(tell(after, after)).toEqual({ events: [], completions: [] });
  });

  test('as a failure and the fallback that follows, with the evidence', () => {
    const after = statusOf({ phase: 'FallingBack', fallback: fallbackOf() });
    expect(tell(statusOf(), after).events).toMatchObject([
      { type: 'Warning', reason: 'PostCheckFailed', note: 'pod web-new-1: it exited 17' },
      { type: 'Warning', reason: 'FallbackStarted' },
      { type: 'Warning', reason: 'FallbackStarted', regarding: 'Workload' },
    ]);
    expect(reasons(after, { ...after, phase: 'FallbackChecking' })).toEqual([]);
  });

  test('as the end of a wait, with what it was for and since when', () => {
    const waiting = (reason: 'Soaking' | 'AwaitingApproval') => ({ waiting: { reason, since: ago(90) } });
    const [soaks, waits] = [statusOf(waiting('Soaking')), statusOf(waiting('AwaitingApproval'))];
    expect(tell(statusOf(), soaks).waitEnded).toBeUndefined();
    expect(tell(soaks, soaks).waitEnded).toBeUndefined();
    expect(tell(soaks, waits).waitEnded).toEqual({ reason: 'Soaking', since: Date.parse(ago(90)) });
    expect(tell(waits, statusOf()).waitEnded?.reason).toBe('AwaitingApproval');
  });

  test('as a pause, and as its end unless something else begins or ends then', () => {
    const paused = statusOf({ phase: 'Upgrading', ...said('Ready', 'False', 'Paused'), message: 'paused' });
    expect(tell(statusOf(), paused).events).toEqual([
      { type: 'Normal', reason: 'Paused', action: 'Rolling', note: 'paused' },
    ]);
    expect(reasons(paused, paused)).toEqual([]);
    expect(reasons(paused, statusOf())).toEqual(['Resumed']);
    expect(reasons(paused, statusOf({ phase: 'FellBack', fallback: fallbackOf() }, end('FellBack')))).toEqual(
      ['FallbackVerified'],
    );
    const waiting: UpgradeStatus = { phase: 'Pending', conditions: paused.conditions };
    expect(reasons(undefined, waiting)).toEqual(['Paused']);
    expect(reasons(waiting, statusOf({ phase: 'Pending' }))).toEqual(['UpgradeStarted', 'UpgradeStarted']);
  });

  test('as a wait for a window, or for other Upgrades, once', () => {
    const closed = statusOf({ waiting: { reason: 'WindowClosed', since: ago(0) } });
    expect(reasons(statusOf(), closed)).toEqual(['WindowClosed']);
    expect(reasons(closed, closed)).toEqual([]);
    expect(reasons(closed, statusOf())).toEqual([]);
  });

  test('as a fallback alone when the user aborted: nothing failed', () => {
    expect(
      reasons(statusOf(), statusOf({ phase: 'FallingBack', fallback: fallbackOf({ reason: 'Aborted' }) })),
    ).toEqual(['FallbackStarted', 'FallbackStarted']);
  });

  test('as the end of a fallback, once it has finished', () => {
    const before = statusOf({ phase: 'FallbackChecking', fallback: fallbackOf() });
    const after = statusOf(
      { phase: 'FellBack', fallback: fallbackOf({ state: 'Verified', finishedAt: ago(0) }) },
      end('FellBack'),
    );
    expect(tell(before, after)).toMatchObject({
      events: [{ type: 'Normal', reason: 'FallbackVerified' }],
      completions: [{ outcome: 'FellBack' }],
      fallbackEnded: 'Verified',
    });
    expect(tell(after, after).fallbackEnded).toBeUndefined();
  });

  test.each([
    ['Inconclusive', 'Inconclusive'],
    ['Failed', 'PostCheckFailed'],
    ['FallbackFailed', 'FallbackFailed'],
  ] as const)('as a warning when it is %s', (phase, reason) => {
    expect(tell(statusOf(), statusOf({ phase })).events).toMatchObject([{ type: 'Warning', reason }]);
  });

  test('as a command that was acted on, but not one that was seen at the start', () => {
    const command = (result: CommandResult) => ({ commands: { abort: { token: 'a', at: ago(0), result } } });
    expect(tell(statusOf(), statusOf(command('FallingBack'))).events).toMatchObject([
      { reason: 'CommandAccepted', note: 'postcheck.dev/abort=a took effect: FallingBack' },
    ]);
    expect(reasons(statusOf(), statusOf(command('SeenAtStart')))).toEqual([]);
  });

  test.each<CommandResult>(['NothingToRetry', 'OtherAttempt', 'NoSuchStage'])(
    'as a command that was ignored when it came to %s',
    (result) => {
      const ignored = { commands: { retry: { token: 'x', at: ago(0), result } } };
      expect(reasons(statusOf(), statusOf(ignored))).toEqual(['CommandIgnored']);
    },
  );

  test('with why a command had no effect', () => {
    const result = 'NothingToApprove';
    const ignored = { commands: { approve: { token: '2', at: ago(0), result } } } as const;
    expect(tell(statusOf(), statusOf(ignored)).events).toMatchObject([
      {
        note: 'postcheck.dev/approve=2 had no effect: no stage waits for this approval (NothingToApprove)',
      },
    ]);
  });

  test('on the workload too when its images are about to change, and not when they stay', () => {
    const about = (after: UpgradeStatus) =>
      tell(undefined, after).events.map(({ regarding = 'Upgrade' }) => regarding);
    expect(about(statusOf({ phase: 'Pending' }))).toEqual(['Upgrade', 'Workload']);
    expect(about(statusOf({ phase: 'Pending' }, { adopted: true }))).toEqual(['Upgrade']);
  });

  test('as an unverified fallback: never as verified', () => {
    const before = statusOf({ phase: 'FallbackChecking', fallback: fallbackOf() });
    const after = statusOf({ phase: 'FellBack', fallback: fallbackOf({ verified: 'No' }) });
    expect(tell(before, after).events).toMatchObject([{ type: 'Warning', reason: 'FellBack' }]);
  });

  test('as a success without a check, although checks are defined', () => {
    const named = { phase: 'Succeeded', checks: ['readiness-probe'] } as const;
    const only = { end: { outcome: 'Succeeded', reason: 'ReadinessOnly', cause: '', at: ago(0) } } as const;
    expect(tell(statusOf(), statusOf(named, only)).events).toMatchObject([
      { type: 'Warning', reason: 'NoCheckRan' },
    ]);
    expect(reasons(statusOf(), statusOf({ ...named, checks: [] }, only))).toEqual(['PostCheckPassed']);
  });

  const said = (type: 'Ready' | 'Stalled', status: 'True' | 'False', reason: Condition['reason']) => ({
    conditions: [{ type, status, reason, message: '', lastTransitionTime: ago(0), observedGeneration: 1 }],
  });

  test('as a stall, once for each reason, and not in addition to an end', () => {
    const blocked = (reason: Condition['reason']) => statusOf(said('Stalled', 'True', reason));
    expect(reasons(statusOf(), blocked('WorkloadPaused'))).toEqual(['Stalled']);
    expect(reasons(blocked('WorkloadPaused'), blocked('WorkloadPaused'))).toEqual([]);
    expect(reasons(blocked('WorkloadPaused'), blocked('Forbidden'))).toEqual(['Stalled']);
    const failed = statusOf({ phase: 'Failed', ...said('Stalled', 'True', 'ProbeFailed') }, end('Failed'));
    expect(reasons(statusOf(), failed)).toEqual(['PostCheckFailed']);
  });

  test('as images that somebody else has changed since', () => {
    const drifted = statusOf({ phase: 'Succeeded', ...said('Ready', 'False', 'Drifted') });
    expect(reasons(statusOf({ phase: 'Succeeded' }), drifted)).toEqual(['Drifted']);
    expect(reasons(drifted, drifted)).toEqual([]);
  });

  test.each<[Phase, readonly string[]]>([
    ['Pending', []],
    ['Upgrading', []],
    ['PostChecking', []],
    ['Inconclusive', ['Warning Inconclusive Checking']],
    ['Succeeded', ['Normal PostCheckPassed Checking']],
    ['Partial', ['Warning Partial Checking']],
    ['FallingBack', []],
    ['FellBack', ['Normal FallbackVerified FallingBack']],
    ['FallbackFailed', ['Warning FallbackFailed FallingBack']],
    ['Failed', ['Warning PostCheckFailed Checking']],
    ['Aborted', ['Warning Aborted Rolling']],
  ])('as the phase %s, whatever else was lost of it', (phase, expected) => {
    const { events, ...rest } = tell(undefined, { phase, message: 'the message' });
    const before = phase === 'Pending' ? 'Upgrading' : 'Pending';
    expect(tell({ phase: before }, { phase, message: 'the message' }).events).toEqual(events);
    expect(events.map(({ type, reason, action }) => `${type} ${reason} ${action}`)).toEqual(expected);
    expect(new Set(events.map(({ note }) => note))).toEqual(
      new Set(expected.length > 0 ? ['the message'] : []),
    );
    expect(rest).toEqual({ completions: [] });
  });

  /** The others are of attempts in the history, or of a change after the end. */
  type Ending = Exclude<EndReason, 'Drifted' | 'Superseded' | 'TargetReplaced'>;
  /** What the event of an end says happened; a new reason of an end does not compile until it is entered here. */
  const HAPPENED: Readonly<Record<Ending | 'ProbeFailed' | 'TargetNotFound', EventReason>> = {
    PostCheckPassed: 'PostCheckPassed',
    ReadinessOnly: 'NoCheckRan',
    AllSkipped: 'PostCheckPassed',
    FallbackPaused: 'PostCheckFailed',
    FallbackDisabled: 'PostCheckFailed',
    NoFallbackTarget: 'PostCheckFailed',
    ImageConflict: 'ImageConflict',
    ImageRewritten: 'ImageRewritten',
    Aborted: 'Aborted',
    BaselineFailed: 'BaselineFailed',
    PodsRefused: 'PostCheckFailed',
    RolloutCheckFailed: 'PostCheckFailed',
    NoProgress: 'PostCheckFailed',
    ProbeFailed: 'PostCheckFailed',
    TargetNotFound: 'TargetNotFound',
  };

  test.each(Object.entries(HAPPENED))(
    'as the end %s, with the reason of its conditions: %s',
    (reason, event) => {
      const isGood = event === 'PostCheckPassed' || event === 'NoCheckRan';
      const isAborted = event === 'Aborted' || event === 'TargetNotFound';
      const phase: 'Succeeded' | 'Aborted' | 'Failed' = isGood
        ? 'Succeeded'
        : isAborted
          ? 'Aborted'
          : 'Failed';
      const ended = { end: { outcome: phase, reason: reason as EndReason, cause: 'because', at: ago(0) } };
      const snapshot = snapshotGiven({ status: { phase, checks: ['readiness-probe'] }, attempt: ended });
      const after = withConditions(snapshot, snapshot.upgrade.status, {
        obstacle: undefined,
        summary: undefined,
        suspendedByUser: false,
      });
      const condition = (type: Condition['type']) => after.conditions?.find((one) => one.type === type);
      expect(reasons(statusOf(), after)).toEqual([event]);
      expect(condition('Ready')?.reason).toBe(reason);
      // Only pods that were verified say that the version failed.
      expect(condition('Verified')?.status === 'False').toBe(event === 'PostCheckFailed');
    },
  );

  test('as a conflict that ended a fallback, with the conflict and not the failure before it', () => {
    const before = statusOf({ phase: 'FallbackChecking', fallback: fallbackOf() });
    const conflict = {
      outcome: 'Failed',
      reason: 'ImageConflict',
      cause: 'another image',
      at: ago(0),
    } as const;
    const after = statusOf({ phase: 'Failed', fallback: fallbackOf() }, { end: conflict });
    expect(tell(before, after).events).toMatchObject([{ reason: 'ImageConflict', note: 'another image' }]);
  });

  test('as an image that the API server changed, also if it is then rolled back or cannot be', () => {
    const fallback = fallbackOf({ reason: 'ImageRewritten', cause: 'stored another' });
    const back = statusOf({ phase: 'FallingBack', fallback });
    expect(reasons(statusOf(), back)).toEqual(['ImageRewritten', 'FallbackStarted', 'FallbackStarted']);
    const why = { reason: 'ImageRewritten' } as const;
    const nowhere = { outcome: 'Failed', reason: 'NoFallbackTarget', cause: 'c', why, at: ago(0) } as const;
    expect(reasons(statusOf(), statusOf({ phase: 'Failed' }, { end: nowhere }))).toEqual(['ImageRewritten']);
  });

  test('as an abort', () => {
    const aborted = { end: { outcome: 'Aborted', reason: 'Aborted', cause: '', at: ago(0) } } as const;
    expect(tell(statusOf(), statusOf({ phase: 'Aborted' }, aborted)).events).toMatchObject([
      { type: 'Normal', reason: 'Aborted' },
    ]);
  });

  test('as an attempt overtaken by the next one', () => {
    const next = statusOf({}, { id: '2-aaaaaaaaaa', number: 2, startedAt: ago(20) });
    expect(tell(statusOf(), next).completions).toEqual([{ outcome: 'Superseded', seconds: 100 }]);
    expect(tell(statusOf({ targetUID: 'workload-0' }), next).completions).toEqual([
      { outcome: 'Aborted', seconds: 100 },
    ]);
  });

  test('as a failed pod that runs the previous version again, once for each place', () => {
    const entry = (name: string, state: 'Failed' | 'Back' | 'Unverified', message?: string) =>
      ({ name, state, reason: 'ProbeFailed', message }) as const;
    const failed = statusOf({ left: [entry('a', 'Failed'), entry('b', 'Failed'), entry('c', 'Back')] });
    const back = statusOf({
      left: [entry('a', 'Back', 'it exited 17'), entry('b', 'Unverified'), entry('c', 'Unverified')],
    });
    const event = { type: 'Warning', reason: 'PodFellBack', action: 'FallingBack' };
    expect(tell(failed, back).events).toEqual([
      { ...event, note: 'a runs the previous version again, verified: it exited 17' },
      { ...event, note: 'b runs the previous version again, not verified: ProbeFailed' },
    ]);
    expect(tell(back, back).events).toEqual([]);
  });

  test('as a pod without the gate, once', () => {
    const gated = (reason: Condition['reason']) =>
      statusOf({
        conditions: [
          {
            type: 'Gated',
            status: 'False',
            reason,
            message: 'Pod a was missed',
            lastTransitionTime: ago(0),
            observedGeneration: 1,
          },
        ],
      });
    const missed = gated('GateMissed');
    expect(tell(statusOf(), missed).events).toEqual([
      { type: 'Warning', reason: 'GateMissed', action: 'Gating', note: 'Pod a was missed' },
    ]);
    expect(tell(missed, missed).events).toEqual([]);
    expect(tell(statusOf(), gated('GateUnavailable')).events).toEqual([]);
  });

  test.each([
    ['Soaking', []],
    ['AwaitingApproval', []],
    ['WindowClosed', [{ type: 'Normal', reason: 'WindowClosed', action: 'Rolling', note: 'it waits' }]],
    ['PartitionSet', [{ type: 'Normal', reason: 'PartitionSet', action: 'Rolling', note: 'it waits' }]],
  ] as const)('as the beginning of a wait, unless its stage says so: %s', (reason, events) => {
    const waiting = statusOf({ waiting: { reason, since: ago(0) }, message: 'it waits' });
    expect(tell(statusOf({ message: 'it waits' }), waiting).events).toEqual(events);
  });

  test('as the end of an attempt, also if the one before ended at the same time', () => {
    const first = statusOf({ phase: 'Succeeded' }, end('Succeeded'));
    const second = statusOf({ phase: 'Succeeded' }, { ...end('Succeeded'), id: '2-aaaaaaaaaa', number: 2 });
    expect(tell(first, second).completions).toHaveLength(1);
    const later = statusOf({ phase: 'Succeeded' }, end('Succeeded', 5));
    expect(tell(first, later).completions).toHaveLength(1);
  });

  test('as a startup probe that may hide a failure', () => {
    const started = statusOf({ phase: 'Pending', message: 'it starts' }, { warnings: ['container web'] });
    const event = { type: 'Normal', reason: 'UpgradeStarted', action: 'Rolling', note: 'it starts' };
    expect(tell(undefined, started).events).toEqual([
      event,
      { ...event, regarding: 'Workload' },
      { type: 'Warning', reason: 'StartupProbe', action: 'Checking', note: 'container web' },
    ]);
  });

  test('as the start of a stage', () => {
    const stage = { name: 'canary', state: 'Rolling', desired: 1, verified: 0 } as const;
    expect(tell(statusOf(), statusOf({ stages: [stage] })).events).toEqual([
      { type: 'Normal', reason: 'StageStarted', action: 'Rolling', note: 'Stage canary started' },
    ]);
  });

  test('with the action that it belongs to', () => {
    const blocked = statusOf({ ...said('Stalled', 'True', 'WorkloadPaused'), message: 'it is paused' });
    expect(tell(statusOf(), blocked).events).toEqual([
      { type: 'Warning', reason: 'Stalled', action: 'Rolling', note: 'it is paused' },
    ]);
    const drifted = statusOf({
      phase: 'Succeeded',
      ...said('Ready', 'False', 'Drifted'),
      message: 'it drifted',
    });
    expect(tell(statusOf({ phase: 'Succeeded' }), drifted).events).toEqual([
      { type: 'Warning', reason: 'Drifted', action: 'Checking', note: 'it drifted' },
    ]);
    const named = { phase: 'Succeeded', checks: ['readiness-probe'] } as const;
    const only = { end: { outcome: 'Succeeded', reason: 'ReadinessOnly', cause: '', at: ago(0) } } as const;
    const unverified = statusOf({ phase: 'FellBack', fallback: fallbackOf({ verified: 'No' }) });
    expect(tell(statusOf(), statusOf(named, only)).events[0]?.action).toBe('Checking');
    expect(tell(statusOf(), unverified).events[0]?.action).toBe('FallingBack');
  });

  test('not while the Upgrade is being deleted, because its namespace may be terminating', () => {
    expect(transitionEvents(upgradeOf({ deleting: true }), undefined, statusOf()).events).toEqual([]);
  });
});
