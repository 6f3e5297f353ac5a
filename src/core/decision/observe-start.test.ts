/** Whether an attempt has to start, and what it still needs. */
import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  fallbackOf,
  OLD,
  type SnapshotChange,
  snapshotOf,
  statusOf,
  templateOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { RETRY_ANNOTATION } from '../../api/names.ts';
import type { AnyReason } from '../../api/reasons.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import { CREATED, hasPendingStart, isHeldUp, observeGate, observeStart, startOf } from './observe-start.ts';

const OTHER = { id: '1-0000000000' };
const ended = (reason: AnyReason): Partial<Attempt> => ({
  end: { outcome: 'Failed', reason, cause: '', at: ago(5) } as NonNullable<Attempt['end']>,
});

describe('an attempt has to start', () => {
  const start = (
    status: Partial<UpgradeStatus>,
    attempt: Partial<Attempt> = OTHER,
    workload: WorkloadChange = {},
  ) => startOf(snapshotOf(), activeStatusOf(status, attempt), workloadOf(workload));
  const changed = (inherit: boolean) => ({ trigger: 'ContainersChanged', inherit });
  const left = [{ name: 'a', state: 'Failed', reason: 'ProbeFailed' }] as const;
  const lost = [{ name: 'a', state: 'Unreachable', reason: 'NodeUnreachable' }] as const;

  test.each<[string, ReturnType<typeof start>, object | undefined]>([
    ['if there was none', startOf(snapshotOf(), undefined, workloadOf()), CREATED],
    [
      'for another workload',
      start({}, {}, { uid: 'workload-2', containers: templateOf(OLD) }),
      { trigger: 'TargetReplaced', inherit: false },
    ],
    [
      'for another one with the same unverified version, and inherits',
      start({}, {}, { uid: 'workload-2' }),
      { trigger: 'TargetReplaced', inherit: true },
    ],
    ['not for the same containers', start({}, {}), undefined],
    ['for other containers', start({ phase: 'Succeeded' }), changed(false)],
    ['not during a fallback', start({ phase: 'FallingBack', fallback: fallbackOf() }), undefined],
    ['and inherits from one that is under way', start({}), changed(true)],
    ['and inherits after Partial', start({ phase: 'Partial', left }), changed(true)],
    ['but not if only nodes were not reached', start({ phase: 'Partial', left: lost }), changed(false)],
    [
      'and inherits after a failure',
      start({ phase: 'Failed' }, { ...OTHER, ...ended('FallbackPaused') }),
      changed(true),
    ],
    ['and inherits after a failed fallback', start({ phase: 'FallbackFailed' }, OTHER), changed(true)],
    [
      'but not after somebody set an image',
      start({ phase: 'Failed' }, { ...OTHER, ...ended('ImageConflict') }),
      changed(false),
    ],
    [
      'but not if nothing was upgraded',
      start({ phase: 'Failed' }, { ...OTHER, ...ended('BaselineFailed') }),
      changed(false),
    ],
    ['and does not inherit after a fallback', start({ phase: 'FellBack' }), changed(false)],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected);
  });

  const pending = (status: UpgradeStatus | undefined, annotations = {}) =>
    hasPendingStart(snapshotOf({ upgrade: upgradeOf({ status, annotations }) }));
  test('or is to start later', () => {
    expect(pending(undefined)).toBe(true);
    expect(pending(statusOf())).toBe(false);
    expect(pending(statusOf({}, OTHER))).toBe(true);
    expect(pending(statusOf(), { [RETRY_ANNOTATION]: 'r' })).toBe(true);
  });
});

describe('the gate of an attempt', () => {
  const canary = { strategy: { stages: [{ name: 'canary', pods: 1 }] } };
  const all = { strategy: { stages: [{ name: 'all' }] } };
  const gate = (spec: object, gateCarrier: 'Policy' | 'None' | 'Unknown', workload: WorkloadChange = {}) =>
    observeGate(snapshotOf({ upgrade: upgradeOf({ spec: { ...spec } }), gateCarrier }), workloadOf(workload))
      ?.name;
  test.each([
    ['is found out first', gate({}, 'Unknown'), 'GateUnknown'],
    ['is not looked for if it is disabled', gate({ gate: 'Disabled' }, 'Unknown'), undefined],
    ['may be missing', gate({}, 'None'), undefined],
    ['may not be missing if it is required', gate({ gate: 'Required' }, 'None'), 'Blocked'],
    ['is there', gate({ gate: 'Required' }, 'Policy'), undefined],
    ['may not be missing if only it holds the stages', gate(canary, 'None'), 'Blocked'],
    ['may be missing with one stage', gate(all, 'None'), undefined],
    [
      'may be missing if a partition holds the stages',
      gate(canary, 'None', { kind: 'StatefulSet' }),
      undefined,
    ],
    ['waits until our entry is removed', gate({}, 'Unknown', { holdsOurFields: true }), 'ReleasingFields'],
  ])('%s', (_, state, expected) => {
    expect(state).toBe(expected);
  });
});

describe('an attempt that is to start', () => {
  const checks = { postCheck: { rolloutChecks: [{ name: 'errors', query: 'up', passWhen: '< 1' }] } };
  const state = (spec: object, change: SnapshotChange = {}, workload: WorkloadChange = {}) =>
    observeStart(
      snapshotOf({ upgrade: upgradeOf({ spec: { ...spec } }), ...change }),
      workloadOf({ containers: templateOf(OLD), ...workload }),
      CREATED,
    );
  const windows = [{ start: '01:00', durationSeconds: 60, timeZone: 'UTC' }];
  const long = Array.from({ length: 40 }, (_, i) => ({
    name: `c${i}`,
    image: 'x'.repeat(1000),
    role: 'regular' as const,
    startupProbe: false,
  }));
  const depends = { dependsOn: [{ name: 'db' }] };

  test.each<[string, ReturnType<typeof state>, object]>([
    ['starts', state({}), { name: 'Starting', trigger: 'Created', inherit: false, rerecord: false }],
    [
      'needs a Prometheus for its checks',
      state(checks, { hasPrometheus: false }),
      { obstacle: { reason: 'PrometheusMissing' } },
    ],
    ['has one', state(checks, { hasPrometheus: true }), { name: 'Starting' }],
    ['needs none without checks', state({}, { hasPrometheus: false }), { name: 'Starting' }],
    [
      'has no room',
      state({}, {}, { containers: [...templateOf(OLD), ...long] }),
      { obstacle: { reason: 'ImagesTooLong' } },
    ],
    [
      'depends on nothing that is missing',
      state(depends, { upgradeNamed: () => undefined }),
      { obstacle: { reason: 'DependencyNotFound' } },
    ],
    ['depends on what cannot be read', state(depends), { name: 'Starting' }],
    [
      'has a workload that is paused',
      state({}, {}, { paused: true }),
      { obstacle: { reason: 'WorkloadPaused' } },
    ],
    ['is paused', state({ paused: true, windows }), { name: 'SuspendedBeforeStart' }],
    ['waits', state({ windows }), { name: 'WaitingToStart', wait: { reason: 'WindowClosed' } }],
    [
      'waits before its gate is known',
      state({ windows }, { gateCarrier: 'Unknown' }),
      { name: 'WaitingToStart' },
    ],
    ['needs to know its gate', state({}, { gateCarrier: 'Unknown' }), { name: 'GateUnknown' }],
  ])('%s', (_, found, expected) => {
    expect(found).toMatchObject(expected);
  });

  test('is held up by a wait or an obstacle, but not by a missing gate', () => {
    expect(isHeldUp(state({ windows }))).toBe(true);
    expect(isHeldUp(state({}, {}, { paused: true }))).toBe(true);
    expect(isHeldUp(state({ gate: 'Required' }, { gateCarrier: 'None' }))).toBe(false);
    expect(isHeldUp(state({}))).toBe(false);
    expect(isHeldUp(state({ paused: true }))).toBe(false);
  });
});
