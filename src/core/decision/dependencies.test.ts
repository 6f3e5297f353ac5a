/** What an attempt waits for before it begins, and who skips that. */
import { describe, expect, test } from '@jest/globals';
import {
  ago,
  NOW,
  OLD,
  podOf,
  snapshotOf,
  statusOf,
  templateOf,
  upgradeOf,
  withResult,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { Snapshot } from '../snapshot.ts';
import { decide } from './decide.ts';

const RUNS_OLD = workloadOf({
  containers: templateOf(OLD),
});
const READY = {
  type: 'Ready',
  observedGeneration: 3,
  status: 'True',
  reason: 'PostCheckPassed',
  message: '',
  lastTransitionTime: ago(60),
} as const;

/** Another Upgrade of the namespace. */
function other(
  name: string,
  change: { dependsOn?: string[]; status?: Partial<UpgradeStatus> } = {},
): Upgrade {
  const status = {
    ...statusOf({ phase: 'Succeeded', conditions: [READY] }),
    ...change.status,
  } as UpgradeStatus;
  const upgrade = upgradeOf({ spec: { dependsOn: change.dependsOn?.map((own) => ({ name: own })) }, status });
  return { ...upgrade, metadata: { ...upgrade.metadata, name } };
}

/** What is decided of an Upgrade `web` that depends on `dependsOn`, of which `others` are there. */
function decided(dependsOn: string[], others: Upgrade[], change: Partial<Snapshot> = {}) {
  const upgrade = upgradeOf({ spec: { dependsOn: dependsOn.map((name) => ({ name })) } });
  const all = [...others, upgrade];
  const upgradeNamed = (name: string) => all.find(({ metadata }) => metadata.name === name);
  return decide(snapshotOf({ upgrade, workload: RUNS_OLD, upgradeNamed, ...change }));
}

const stateOf = (...given: Parameters<typeof decided>) => decided(...given).state;

describe('an attempt begins after what it depends on', () => {
  test('when all of them have succeeded', () => {
    expect(stateOf(['database', 'cache'], [other('database'), other('cache')])).toBe('Starting');
  });

  test.each<[string, Partial<UpgradeStatus>]>([
    ['is under way', { phase: 'PostChecking' }],
    ['fell back', { phase: 'FellBack' }],
    ['has not been looked at since its spec changed', { observedGeneration: 2 }],
    ['has succeeded with other images', { attempt: { ...statusOf().attempt, id: '1-0000000000' } as never }],
    ['has drifted', { conditions: [{ ...READY, status: 'False', reason: 'Drifted' }] }],
    ['has no status yet', { phase: undefined, attempt: undefined }],
  ])('and waits while one %s', (_what, status) => {
    const plan = decided(
      ['cache', 'database'],
      [other('cache'), other('database', { status: status as Partial<UpgradeStatus> })],
    );
    expect(plan).toMatchObject({ state: 'WaitingToStart', intent: false, action: { kind: 'none' } });
    expect(plan.wakeAt).toBeUndefined();
    expect(plan.status.waiting).toMatchObject({ reason: 'DependencyNotReady', since: ago(0) });
    expect(plan.status.message).toMatch(
      /^Deployment web will be rolled to web:2.0 when .*it waits for Upgrade database, which is /,
    );
    const ready = plan.status.conditions
      ?.filter(({ type }) => type !== 'Gated')
      .map((own) => [own.type, own.status]);
    expect(ready?.slice(0, 3)).toEqual([
      ['Ready', 'False'],
      ['Reconciling', 'True'],
      ['Stalled', 'False'],
    ]);
  });

  test('and cannot when one does not exist', () => {
    const { state, status } = decided(['database'], []);
    expect(state).toBe('Blocked');
    expect(status.message).toBe(
      'spec.dependsOn names Upgrade database, which does not exist in namespace shop: create it, or remove it from spec.dependsOn',
    );
  });

  test.each<[string, string[], Upgrade[], string]>([
    ['one that depends on it', ['a'], [other('a', { dependsOn: ['web'] })], 'web → a → web'],
    [
      'a longer cycle, of which the shortest path is reported',
      ['a', 'b'],
      [
        other('a', { dependsOn: ['b'] }),
        other('b', { dependsOn: ['c'] }),
        other('c', { dependsOn: ['web', 'a'] }),
      ],
      'web → b → c → web',
    ],
  ])('nor when it depends on %s', (_what, dependsOn, others, circle) => {
    expect(decided(dependsOn, others).status.message).toBe(
      `spec.dependsOn has a cycle, ${circle}: remove one of them`,
    );
  });

  test('nor when it depends on itself', () => {
    expect(decided(['web'], []).status.message).toBe('it depends on itself: remove web from spec.dependsOn');
  });

  test('a cycle that it is not part of does not matter', () => {
    const others = [other('a', { dependsOn: ['b'] }), other('b', { dependsOn: ['a'] })];
    expect(stateOf(['a'], others)).toBe('Starting');
  });

  test('thousands that name each other cost no more than a bounded look', () => {
    const others = Array.from({ length: 5000 }, (_, index) =>
      other(`u${index}`, { dependsOn: [`u${index + 1}`, `u${(index * 7) % 5000}`] }),
    );
    const byName = new Map(others.map((upgrade) => [upgrade.metadata.name, upgrade]));
    let looks = 0;
    const upgradeNamed = (name: string) => {
      looks++;
      return byName.get(name);
    };
    expect(stateOf(['u0'], [], { upgradeNamed })).toBe('Starting');
    expect(looks).toBeLessThan(2000);
  });

  test('one that writes nothing waits for nothing', () => {
    const workload = workloadOf();
    expect(stateOf(['database'], [other('database', { status: { phase: 'FellBack' } })], { workload })).toBe(
      'Starting',
    );
  });
});

describe('an attempt begins in its window', () => {
  // It is Thursday, ten past midnight.
  const window = { days: ['Fri'], start: '01:00', durationSeconds: 3600, timeZone: 'Asia/Taipei' };
  const opensAt = Date.parse('2026-01-01T17:00:00Z');
  const inWindow = (status?: UpgradeStatus, annotations: Record<string, string> = {}, now = NOW) =>
    decide(
      snapshotOf({
        now,
        upgrade: upgradeOf({ spec: { windows: [window] }, annotations, ...(status ? { status } : {}) }),
        workload: RUNS_OLD,
      }),
    );

  test('and says what starting at once would skip', () => {
    const strategy = { stages: [{ name: 'canary', pods: 1, soakSeconds: 60 }], approval: 'Manual' };
    const upgrade = upgradeOf({ spec: { windows: [window], strategy } });
    const { status } = decide(snapshotOf({ upgrade, workload: RUNS_OLD }));
    expect(status.message).toContain('; to start immediately without soak or approval: kubectl annotate');
  });

  test('and says when that is, there and in UTC', () => {
    const plan = inWindow();
    expect(plan).toMatchObject({ state: 'WaitingToStart', wakeAt: opensAt, action: { kind: 'none' } });
    expect(plan.status.message).toBe(
      'Deployment web will be rolled to web:2.0 when its window opens, Fri 2026-01-02 01:00 Asia/Taipei (2026-01-01 17:00 UTC); to start immediately: kubectl annotate upgrade web postcheck.dev/promote=1 --overwrite -n shop',
    );
    expect(inWindow(plan.status, {}, opensAt - 1).status.waiting?.since).toBe(ago(0));
    expect(inWindow(plan.status, {}, opensAt)).toMatchObject({ state: 'Starting' });
    expect(inWindow(plan.status, {}, opensAt).status.waiting).toBeUndefined();
  });

  test('or when it is promoted while it waits', () => {
    const waiting = inWindow().status;
    expect(inWindow(waiting, { 'postcheck.dev/promote': '2' }).state).toBe('WaitingToStart');
    const { state, status } = inWindow(waiting, { 'postcheck.dev/promote': '1' });
    expect(state).toBe('Starting');
    expect(status.attempt?.promotedAt).toBe(ago(0));
    expect(status.commands?.promote).toMatchObject({ token: '1', result: 'Promoted' });
  });

  test('but not by a word that came with the Upgrade, say from a backup', () => {
    const old = { 'postcheck.dev/promote': '1' };
    const first = inWindow(undefined, old);
    expect(first.state).toBe('WaitingToStart');
    expect(first.status.commands?.promote?.result).toBe('SeenAtStart');
    expect(inWindow(first.status, old).state).toBe('WaitingToStart');
  });

  test('also a retry, while a fallback waits for nothing', () => {
    const fellBack = statusOf({ phase: 'FellBack' });
    expect(inWindow(fellBack, { 'postcheck.dev/retry': 'r' }).state).toBe('WaitingToStart');
  });

  test('and the running attempt continues, although other images are requested', () => {
    const under = statusOf({}, { id: '1-0000000000' });
    const containers = [{ name: 'web', image: 'registry.example/web:3.0' }];
    const upgrade = upgradeOf({ spec: { windows: [window], containers }, status: under });
    const plan = decide(snapshotOf({ upgrade }));
    expect(plan.state).toBe('Verifying');
    expect(plan.wakeAt).toBeLessThanOrEqual(opensAt);
    const approval = { name: 'all', state: 'AwaitingApproval', desired: 1, verified: 1 } as const;
    const waiting = { ...under, stages: [approval] };
    const spec = {
      windows: [window],
      containers,
      strategy: { stages: [{ name: 'all', approval: 'Manual' }] },
    };
    const held = decide(snapshotOf({ upgrade: upgradeOf({ spec, status: waiting }), pods: [] }));
    expect(held.wakeAt).toBeLessThanOrEqual(opensAt);
  });

  test('also for a retry after Partial, while verification continues', () => {
    const end = { outcome: 'Partial', reason: 'Partial', cause: 'x', at: ago(5) };
    const status = statusOf({ phase: 'Partial' }, { end } as never);
    const annotations = { 'postcheck.dev/retry': 'r' };
    const upgrade = upgradeOf({ spec: { windows: [window] }, status, annotations });
    const plan = decide(snapshotOf({ upgrade }));
    expect(plan.state).not.toBe('CommandPending');
    expect(plan.wakeAt).toBeLessThanOrEqual(opensAt);
    expect(decide(snapshotOf({ upgrade, now: opensAt })).state).toBe('CommandPending');
    const [now, pods] = [NOW + 3_600_000, [withResult(upgrade, podOf())]];
    expect(decide(snapshotOf({ upgrade, now, pods })).wakeAt).toBe(opensAt);
    const settled = upgradeOf({ spec: { windows: [window] }, status });
    expect(decide(snapshotOf({ upgrade: settled, now, pods })).wakeAt).toBeUndefined();
  });

  test('of a time zone that exists', () => {
    const upgrade = upgradeOf({ spec: { windows: [{ ...window, timeZone: 'Mars/Olympus' }] } });
    const { state, status } = decide(snapshotOf({ upgrade, workload: RUNS_OLD }));
    expect(state).toBe('Blocked');
    expect(status.message).toBe(
      'spec.windows names time zone Mars/Olympus, which does not exist: write an IANA name such as Asia/Taipei, or UTC',
    );
  });
});
