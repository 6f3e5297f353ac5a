/** What users and others do amid an attempt, or after it, and what each comes to. */
import { describe, expect, test } from '@jest/globals';
import {
  ago,
  fallbackOf,
  NEW,
  NOW,
  OLD,
  podOf,
  type SnapshotChange,
  snapshotOf,
  statusOf,
  type UpgradeChange,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { ABORT_ANNOTATION, FALLBACK_FINALIZER, RETRY_ANNOTATION } from '../../api/names.ts';
import type { EndReason, PodReason } from '../../api/reasons.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import { decide, type Plan } from './decide.ts';

interface Given {
  readonly status?: Partial<UpgradeStatus>;
  readonly attempt?: Partial<Attempt>;
  readonly upgrade?: Omit<UpgradeChange, 'status'>;
  readonly workload?: WorkloadChange;
  readonly rest?: SnapshotChange;
}

const at = (image: string): WorkloadChange => ({
  containers: [{ name: 'web', image, role: 'regular', startupProbe: false }],
});
const ended = (outcome: 'Failed' | 'Partial', reason: EndReason | PodReason): Partial<Attempt> => ({
  end: { outcome, reason, cause: '', at: ago(5) },
});

function planOf({ status, attempt, upgrade, workload, rest = {} }: Given): Plan {
  const whole = upgradeOf({ ...upgrade, status: statusOf(status, attempt) });
  const metadata = { ...whole.metadata, finalizers: [FALLBACK_FINALIZER] };
  return decide(snapshotOf({ upgrade: { ...whole, metadata }, workload: workloadOf(workload), ...rest }));
}

const ABORT = { annotations: { [ABORT_ANNOTATION]: 'a' } };
const RETRY = { annotations: { [RETRY_ANNOTATION]: 'r' } };

describe('an abort', () => {
  test.each<[string, Given, string, string]>([
    ['of an attempt under way falls back', {}, 'FallingBack', 'FallingBack'],
    ['before anything was written just ends it', { attempt: { rolledAt: undefined, targetGeneration: 2 } as never, workload: at(OLD) }, 'Aborted', 'Aborted'],
    ['after Partial falls back', { status: { phase: 'Partial' }, attempt: ended('Partial', 'ProbeFailed') }, 'FallingBack', 'FallingBack'],
    ['of a failed version that was kept falls back', { status: { phase: 'Failed' }, attempt: ended('Failed', 'ProbeFailed') }, 'FallingBack', 'FallingBack'],
    ['during a fallback changes nothing', { status: { phase: 'FallingBack', fallback: fallbackOf() } }, 'FallingBack', 'NothingToAbort'],
    ['after success changes nothing', { status: { phase: 'Succeeded' }, attempt: { end: { outcome: 'Succeeded', reason: 'PostCheckPassed', cause: '', at: ago(5) } } }, 'Succeeded', 'NothingToAbort'],
    ['after somebody set another image changes nothing', { status: { phase: 'Failed' }, attempt: ended('Failed', 'ImageConflict') }, 'Failed', 'NothingToAbort'],
    ['after a version before that failed its own check changes nothing', { status: { phase: 'Failed' }, attempt: ended('Failed', 'BaselineFailed') }, 'Failed', 'NothingToAbort'],
    ['of what was only adopted changes nothing', { status: { phase: 'Failed' }, attempt: { adopted: true, ...ended('Failed', 'ProbeFailed') } }, 'Failed', 'NothingToAbort'],
  ])('%s', (_what, given, phase, result) => {
    const { state, status, intent, action } = planOf({ ...given, upgrade: ABORT });
    expect({ state, phase: status.phase, intent, action: action.kind, result: status.commands?.abort?.result }).toEqual({
      state: 'CommandPending',
      phase,
      intent: true,
      action: 'none',
      result,
    });
  }); // biome-ignore format: a table

  test('says in the status that it was one, and opens the gates where nothing is restored', () => {
    const early = planOf({
      attempt: { rolledAt: undefined, targetGeneration: 2 } as never,
      workload: at(OLD),
      upgrade: ABORT,
    }).status;
    expect(early.attempt).toMatchObject({ gating: false, end: { outcome: 'Aborted', reason: 'Aborted' } });
    const back = planOf({ upgrade: ABORT }).status;
    expect(back.fallback).toMatchObject({ reason: 'Aborted', images: { web: OLD } });
  });
});

describe('a retry', () => {
  test.each<[string, Given, string, number]>([
    [
      'after a fallback is another attempt',
      { status: { phase: 'FellBack' }, workload: at(OLD) },
      'Pending',
      2,
    ],
    ['of an attempt under way is none', {}, 'Upgrading', 1],
  ])('%s', (_what, given, phase, number) => {
    const { status, intent } = planOf({ ...given, upgrade: RETRY });
    expect({ phase: status.phase, number: status.attempt?.number, intent }).toEqual({
      phase,
      number,
      intent: true,
    });
    expect(status.commands?.retry?.result).toBe(number === 1 ? 'NothingToRetry' : 'Attempt2');
  });
});

describe('a deletion', () => {
  const deleting = { deleting: true };
  test('of an attempt under way falls back first', () => {
    const { state, status, intent } = planOf({ upgrade: deleting });
    expect({ state, phase: status.phase, intent }).toEqual({
      state: 'AbortedByDeletion',
      phase: 'FallingBack',
      intent: true,
    });
    expect(status.fallback?.reason).toBe('Aborted');
  });

  test('that only has a partition to restore keeps the version where no fallback is wanted, and opens its gates', () => {
    const { status } = planOf({
      upgrade: { ...deleting, spec: { fallback: { action: 'None' } } },
      attempt: { held: { partition: 0 } as never },
    });
    expect(status.phase).toBe('Aborted');
    expect(status.attempt).toMatchObject({ gating: false, end: { outcome: 'Aborted', reason: 'Aborted' } });
    expect(status.fallback).toBeUndefined();
  });

  test('without our finalizer, or when nothing is to be restored, writes nothing more than that', () => {
    const gone = decide(snapshotOf({ upgrade: upgradeOf({ ...deleting, status: statusOf() }) }));
    expect(gone).toMatchObject({
      state: 'Deleting',
      intent: false,
      action: { kind: 'none' },
      cycles: [],
      queries: [],
    });
    const free = planOf({ upgrade: deleting, status: { phase: 'Succeeded' } });
    expect(free).toMatchObject({ state: 'RemovingFinalizer', intent: false, cycles: [], queries: [] });
    expect(free.action.kind).not.toBe('none');
  });
});

describe('a pause', () => {
  const paused = { spec: { paused: true } };
  test('is recorded first, and stops the deadline', () => {
    const { state, status, intent } = planOf({ upgrade: paused, attempt: { deadlineAt: ago(-60) } });
    expect({ state, intent }).toEqual({ state: 'Suspended', intent: true });
    expect(status.paused).toMatchObject({ since: new Date(NOW).toISOString() });
    expect(status.attempt?.deadlineAt).toBeUndefined();
  });

  test('keeps what was recorded of an earlier one, and probes the pods that there are', () => {
    const { status, intent, cycles } = planOf({
      upgrade: paused,
      status: { paused: { since: ago(30), seconds: 7 } },
    });
    expect(status.paused).toEqual({ since: ago(30), seconds: 7 });
    expect(intent).toBe(false);
    expect(cycles).toHaveLength(1);
    expect(status.counts).toMatchObject({ desired: 1 });
  });

  test('before the images are written probes nothing', () => {
    const { cycles, status } = planOf({
      upgrade: paused,
      status: { paused: { since: ago(30) } },
      attempt: { rolledAt: undefined, targetGeneration: 2 } as never,
      workload: at(OLD),
    });
    expect(cycles).toEqual([]);
    expect(status.counts).toBeUndefined();
  });

  test('that is over adds its seconds to those before', () => {
    const { state, status, intent } = planOf({ status: { paused: { since: ago(30), seconds: 7 } } });
    expect({ state, intent }).toEqual({ state: 'Resuming', intent: true });
    expect(status.paused).toEqual({ resumedAt: new Date(NOW).toISOString(), seconds: 37 });
  });

  test('that began in the future by this clock adds nothing', () => {
    expect(planOf({ status: { paused: { since: ago(-30), seconds: 7 } } }).status.paused?.seconds).toBe(7);
  });

  test('does not end a wait, and a change of the phase does', () => {
    const waiting = { reason: 'Soaking', since: ago(60), until: ago(-60) } as never;
    const kept = planOf({ upgrade: paused, status: { waiting } }).status;
    expect(kept.waiting).toEqual(waiting);
    const left = planOf({ upgrade: ABORT, status: { waiting } }).status;
    expect(left.phase).toBe('FallingBack');
    expect(left.waiting).toBeUndefined();
  });
});

describe('others', () => {
  test('who set an image end the attempt as failed, by their name', () => {
    const { status, intent } = planOf({
      workload: { ...at('registry.example/web:hotfix'), imageManagers: { web: 'm'.repeat(500) } },
    });
    expect(intent).toBe(true);
    expect(status.attempt).toMatchObject({
      gating: false,
      end: { outcome: 'Failed', reason: 'ImageConflict' },
    });
    expect(status.attempt?.end?.cause).toContain(`${'m'.repeat(128)}`);
    expect(status.attempt?.end?.cause).not.toContain('m'.repeat(129));
  });

  test('who set the previous image again have aborted the attempt, and what they did is verified', () => {
    const undone = { ...at(OLD), imageManagers: { web: 'kubectl' } };
    const { status, intent } = planOf({ workload: undone });
    expect(intent).toBe(true);
    expect(status).toMatchObject({
      phase: 'FallingBack',
      attempt: { gating: true },
      fallback: { reason: 'Aborted', images: { web: OLD } },
    });
    expect(status.fallback?.cause).toBe('aborted by kubectl, which set the previous image again');
    const byNobody = planOf({ workload: { ...at(OLD), imageManagers: {} } });
    expect(byNobody.status.fallback?.cause).toContain('an unknown field manager');
  });

  test('who set the previous image again and are another Upgrade end the attempt', () => {
    const { status } = planOf({ workload: { ...at(OLD), imageManagers: { web: 'postcheck' } } });
    expect(status.attempt?.end?.reason).toBe('ImageConflict');
  });

  test('who set the previous image again decide, where nothing is to fall back', () => {
    const { status } = planOf({ workload: at(OLD), upgrade: { spec: { fallback: { action: 'None' } } } });
    expect(status.attempt?.end?.reason).toBe('ImageConflict');
  });

  test('who make the workload too long to be kept suspend the attempt, and nothing is probed or written', () => {
    const TOO_LONG = { isTooLong: true, containers: [], imageManagers: {} } as const;
    const first = planOf({ workload: TOO_LONG });
    expect([first.state, first.intent, first.status.attempt?.gating]).toEqual(['Suspended', true, true]);
    const then = planOf({ status: { paused: { since: ago(9) } }, workload: TOO_LONG });
    expect([then.intent, then.action.kind, then.cycles]).toEqual([false, 'none', []]);
    expect(then.status.message).toMatch(
      /^Blocked: Deployment web has .* more than 131,072 characters .*: shorten them; /,
    );
    expect(planOf({ status: { paused: { since: ago(9) } } }).state).toBe('Resuming');
  });

  test('who delete the workload abort the attempt, and open its gates', () => {
    const { state, status, intent } = planOf({ workload: { deleting: true } });
    expect({ state, intent, phase: status.phase }).toEqual({
      state: 'TargetLost',
      intent: true,
      phase: 'Aborted',
    });
    expect(status.attempt).toMatchObject({
      gating: false,
      end: { outcome: 'Aborted', reason: 'TargetNotFound' },
    });
    expect(status.attempt?.end?.cause).toContain('Deployment web');
  });

  test('who set an image of neither version after a failure open its gates', () => {
    const failed: Given = { status: { phase: 'Failed' }, attempt: ended('Failed', 'ProbeFailed') };
    const other = planOf({ ...failed, workload: at('registry.example/web:hotfix') });
    expect({ state: other.state, intent: other.intent, gating: other.status.attempt?.gating }).toEqual({
      state: 'Idle',
      intent: true,
      gating: false,
    });
    for (const image of [OLD, NEW]) {
      const own = planOf({ ...failed, workload: at(image) });
      expect({ intent: own.intent, gating: own.status.attempt?.gating }).toEqual({
        intent: false,
        gating: true,
      });
    }
    const open = planOf({ ...failed, attempt: { ...failed.attempt, gating: false }, workload: at('x:1') });
    expect(open.intent).toBe(false);
  });
});

describe('before an attempt', () => {
  test('whether its pods can be gated is found out first, and looked at again soon', () => {
    const { state, action, wakeAt, intent } = decide(
      snapshotOf({ upgrade: upgradeOf(), workload: workloadOf(at(OLD)), gateCarrier: 'Unknown' }),
    );
    expect({ state, action, wakeAt, intent }).toEqual({
      state: 'GateUnknown',
      action: { kind: 'findGateCarrier' },
      wakeAt: NOW + 2000,
      intent: false,
    });
  });

  test('nothing wakes a gate policy that is missing, so it is looked for again and again', () => {
    const required = upgradeOf({ spec: { gate: 'Required' } });
    const missing = decide(
      snapshotOf({ upgrade: required, workload: workloadOf(at(OLD)), gateCarrier: 'None' }),
    );
    expect({ state: missing.state, wakeAt: missing.wakeAt }).toEqual({
      state: 'Blocked',
      wakeAt: NOW + 30_000,
    });
    const claimed = decide(snapshotOf({ upgrade: required, claimedBy: 'older' }));
    expect({ state: claimed.state, wakeAt: claimed.wakeAt }).toEqual({ state: 'Blocked', wakeAt: undefined });
  });

  test('an entry of ours in managedFields is removed first, and after the end, too', () => {
    const before = decide(
      snapshotOf({ upgrade: upgradeOf(), workload: workloadOf({ ...at(OLD), holdsOurFields: true }) }),
    );
    expect({ state: before.state, action: before.action.kind }).toEqual({
      state: 'ReleasingFields',
      action: 'releaseFields',
    });
    const after = planOf({ status: { phase: 'Succeeded' }, workload: { holdsOurFields: true } });
    expect({ state: after.state, action: after.action.kind }).toEqual({
      state: 'Idle',
      action: 'releaseFields',
    });
    expect(planOf({ status: { phase: 'Succeeded' } }).action.kind).not.toBe('releaseFields');
  });
});

describe('after the end', () => {
  const held: Given = {
    status: { phase: 'Succeeded' },
    attempt: { held: { partition: 0 } as never, ...ended('Partial', 'ProbeFailed') },
  };
  const statefulSet = (partition: number): WorkloadChange => ({
    kind: 'StatefulSet',
    ordered: true,
    partition,
  });

  test('the partition that the attempt moved is restored, and then forgotten', () => {
    const upgrade = { spec: { targetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web' } } };
    const restoring = planOf({ ...held, upgrade, workload: statefulSet(3) });
    expect(restoring.action).toMatchObject({ kind: 'patchPartition', partition: 0 });
    expect(restoring.intent).toBe(false);
    const restored = planOf({ ...held, upgrade, workload: statefulSet(0) });
    expect(restored.action.kind).toBe('none');
    expect(restored.intent).toBe(true);
    expect(restored.status.attempt?.held).toBeUndefined();
  });

  test('failed pods behind closed gates have a condition that says why they are there', () => {
    const failing = podOf({
      containers: [
        {
          ...podOf().containers[0],
          restarts: 9,
          state: 'waiting',
          reason: 'CrashLoopBackOff',
          ready: false,
        } as never,
      ],
    });
    const kept: Given = {
      status: { phase: 'Failed' },
      attempt: ended('Failed', 'CrashLoopBackOff' as never),
      rest: { pods: [failing] },
    };
    expect(planOf(kept).action.kind).toBe('recordResults');
    expect(planOf({ ...kept, attempt: { ...kept.attempt, gating: false } }).action.kind).not.toBe(
      'recordResults',
    );
    expect(planOf({ ...kept, status: { phase: 'Aborted' } }).action.kind).not.toBe('recordResults');
    expect(planOf({ ...kept, rest: { pods: [podOf()] } }).action.kind).not.toBe('recordResults');
  });
});

describe('whatever the state', () => {
  test('a rejected write is an obstacle, if there is no other', () => {
    const refusal = { reason: 'Refused', message: 'quota exceeded' } as const;
    const stalled = (given: Given) =>
      planOf(given).status.conditions?.find(({ type }) => type === 'Stalled')?.reason;
    expect(stalled({ rest: { refusal } })).toBe('Refused');
    expect(planOf({ rest: { refusal } }).status.message).toContain('Blocked: quota exceeded; ');
    expect(stalled({ rest: { refusal }, workload: { paused: true } })).toBe('WorkloadPaused');
    expect(stalled({})).toBe('PostChecking');
  });

  test('a workload older than the status changes nothing', () => {
    const status = { targetGeneration: 3, message: 'as it was' };
    const plan = planOf({ status });
    expect(plan).toMatchObject({
      state: 'StaleCache',
      intent: false,
      action: { kind: 'none' },
      cycles: [],
      queries: [],
    });
    expect(plan.status).toEqual(statusOf(status));
  });

  test('the finalizer is set when nothing else is to be done, and not before its status is stored', () => {
    const whole = upgradeOf({ status: statusOf() });
    expect(decide(snapshotOf({ upgrade: whole })).action).toMatchObject({
      kind: 'setFinalizers',
      finalizers: [FALLBACK_FINALIZER],
    });
    const aborted = upgradeOf({ status: statusOf(), ...ABORT });
    expect(decide(snapshotOf({ upgrade: aborted }))).toMatchObject({
      intent: true,
      action: { kind: 'none' },
    });
    expect(planOf({ status: { phase: 'Succeeded' } }).action).toMatchObject({
      kind: 'setFinalizers',
      finalizers: [],
    });
  });

  test('a wait ends with its reason, and not while a command is recorded', () => {
    const waiting = { reason: 'Soaking', since: ago(60) } as const;
    expect(planOf({ status: { waiting } }).status.waiting).toBeUndefined();
    expect(planOf({ status: { waiting }, upgrade: RETRY }).status.waiting).toEqual(waiting);
    expect(planOf({ status: { waiting, paused: { since: ago(9) } } }).status.waiting).toEqual(waiting);
  });

  test('what is waited for before an attempt is decided again then, and old commands are seen once', () => {
    const windows = [{ start: '01:00', durationSeconds: 60, timeZone: 'UTC' }];
    const decided = (waiting?: UpgradeStatus['waiting']) =>
      decide(
        snapshotOf({
          upgrade: upgradeOf({ spec: { windows }, status: { phase: 'Pending', waiting }, ...ABORT }),
          workload: workloadOf(at(OLD)),
        }),
      );
    expect(decided()).toMatchObject({
      state: 'WaitingToStart',
      intent: false,
      wakeAt: Date.parse(ago(-3000)),
    });
    expect(decided().status.commands?.abort).toMatchObject({ token: 'a', result: 'SeenAtStart' });
    expect(decided({ reason: 'WindowClosed', since: ago(9) }).status.commands).toBeUndefined();
  });
});
