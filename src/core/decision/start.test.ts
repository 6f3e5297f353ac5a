import { describe, expect, test } from '@jest/globals';
import {
  activeStatusOf,
  ago,
  attemptOf,
  NEW,
  OLD,
  podOf,
  type SnapshotChange,
  snapshotOf,
  specOf,
  statusOf,
  templateOf,
  type UpgradeChange,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { RETRY_ANNOTATION } from '../../api/names.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import { postCheckDigest } from '../status.ts';
import { decide } from './decide.ts';
import { isRecordStale, startAttempt } from './start.ts';
import type { Start } from './state.ts';

/** What a retry records after an attempt that ended so. */
function retried(phase: 'Partial' | 'Failed' | 'Succeeded', attempt: Partial<Attempt> = {}) {
  const end = { outcome: phase, reason: 'ProbeFailed', cause: '', at: ago(9) } as const;
  const stages: UpgradeStatus['stages'] = [
    { name: 'canary', state: 'Done', desired: 1, verified: 1 },
    { name: 'rest', state: 'Done', desired: 3, verified: 2 },
  ];
  const status = statusOf({ phase, stages }, { end, ...attempt });
  const strategy = { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] };
  const upgrade = upgradeOf({ status, spec: { strategy }, annotations: { [RETRY_ANNOTATION]: 'again' } });
  return decide(snapshotOf({ upgrade, gateCarrier: 'Policy' })).status;
}

describe('a retry', () => {
  test('after Partial keeps what was verified, and enters of the stages only the last again', () => {
    const { attempt, stages } = retried('Partial');
    expect(attempt).toMatchObject({ number: 2, trigger: 'Retry', keeps: [statusOf().attempt?.id] });
    expect(stages?.map(({ name, state }) => [name, state])).toEqual([['canary', 'Done']]);
    expect(retried('Partial', { keeps: ['0-earlier'] }).attempt?.keeps).toEqual([
      '0-earlier',
      statusOf().attempt?.id,
    ]);
  });

  test('after Partial keeps at most ten of the attempts that it continues', () => {
    const keeps = Array.from({ length: 10 }, (_, index) => `${index}-earlier`);
    expect(retried('Partial', { keeps }).attempt?.keeps).toEqual([...keeps.slice(1), statusOf().attempt?.id]);
  });

  test('after any other end verifies every pod again, stage by stage', () => {
    expect(retried('Failed').attempt?.number).toBe(2);
    expect(retried('Failed').attempt?.keeps).toBeUndefined();
    expect(retried('Failed').stages).toBeUndefined();
  });
});

const containersOf = (
  images: Readonly<Record<string, string>>,
  startupProbe = false,
): WorkloadView['containers'] =>
  Object.entries(images).map(([name, image]) => ({ name, image, role: 'regular', startupProbe }) as const);

interface Given {
  readonly upgrade?: UpgradeChange;
  readonly workload?: WorkloadChange;
  readonly rest?: SnapshotChange;
  readonly start?: Partial<Start>;
}

/** Runs the previous version, and a new attempt is recorded. */
function started({ upgrade, workload, rest, start }: Given = {}) {
  const view = workloadOf({ containers: templateOf(OLD), ...workload });
  const snapshot = snapshotOf({ upgrade: upgradeOf(upgrade), workload: view, ...rest });
  return startAttempt(snapshot, {
    workload: view,
    trigger: 'Created',
    inherit: false,
    rerecord: false,
    ...start,
  });
}

describe('a new attempt records', () => {
  test('everything that another process needs to continue', () => {
    expect(started()).toMatchObject({
      targetUID: 'workload-1',
      targetGeneration: 2,
      phase: 'Pending',
      from: { images: { web: OLD }, revision: 'new' },
      to: { images: { web: NEW } },
      attempt: {
        id: attemptOf(specOf()).id,
        number: 1,
        trigger: 'Created',
        adopted: false,
        promotedAt: undefined,
        held: undefined,
        inherited: undefined,
        gating: true,
        gateCarrier: 'Policy',
        startedAt: ago(0),
        targetGeneration: 2,
        postCheckDigest: postCheckDigest(specOf()),
        progressAt: ago(0),
        maxUpdated: 0,
        maxPassed: 0,
        keeps: [],
        excludedNodes: [],
        warnings: [],
      },
    });
  });

  const spec = {
    containers: [
      { name: 'web', image: NEW },
      { name: 'log', image: 'log:2' },
    ],
  };
  test.each<[string, Given, Readonly<Record<string, string>>]>([
    [
      'the wanted images, and those of other containers as they are',
      { workload: { containers: containersOf({ web: OLD, proxy: 'p:1' }) } },
      { web: NEW, proxy: 'p:1' },
    ],
    ['no image of a container that is not there', { upgrade: { spec } }, { web: NEW }],
    [
      'no image that is too long to be stored',
      { workload: { containers: containersOf({ web: OLD, proxy: 'p'.repeat(2000) }) } },
      { web: NEW },
    ],
    [
      'a wanted image in place of one that is too long',
      { workload: { containers: containersOf({ web: 'w'.repeat(2000) }) } },
      { web: NEW },
    ],
    [
      'the image that the API server stored for the wanted one before',
      {
        upgrade: { status: statusOf({ to: { images: { web: 'mirror/web:2.0' }, requested: { web: NEW } } }) },
        workload: { containers: templateOf('mirror/web:2.0') },
      },
      { web: 'mirror/web:2.0' },
    ],
  ])('%s', (_, given, images) => {
    expect(started(given).to.images).toEqual(images);
  });

  test('the previous images of an attempt that it inherits from', () => {
    const before = statusOf({
      from: { images: { web: OLD, proxy: 'p:0', log: 'l:0' }, revision: 'old' },
      to: { images: { web: NEW, proxy: 'p:1', log: 'l:0' } },
    });
    const given = (inherit: boolean): Given => ({
      upgrade: { status: before },
      workload: { containers: containersOf({ web: NEW, proxy: 'p:1', log: 'l:1' }) },
      start: { inherit },
    });
    // Nobody but another client can have changed the image of log.
    expect(started(given(true))).toMatchObject({
      from: { images: { web: OLD, proxy: 'p:0', log: 'l:1' }, revision: 'old' },
      to: { images: { web: NEW, proxy: 'p:0', log: 'l:1' } },
      attempt: { number: 2, inherited: true, adopted: false },
    });
    expect(started(given(false))).toMatchObject({
      from: { images: { web: NEW, proxy: 'p:1', log: 'l:1' }, revision: 'new' },
      attempt: { number: 2, inherited: undefined, adopted: true },
    });
  });

  test('up to eight containers that a startup probe may restart', () => {
    const names = Array.from({ length: 12 }, (_, index) => `c${index}`);
    const images = Object.fromEntries(names.map((name) => [name, 'a:1']));
    const containers = names.map((name) => ({ name, image: 'a:2' }));
    const warnings = (probes: boolean, wanted: object[] = containers) =>
      started({
        upgrade: { spec: { containers: wanted } },
        workload: { containers: containersOf(images, probes) },
      }).attempt.warnings;
    expect(warnings(true)).toHaveLength(8);
    expect(warnings(true)[0]).toContain('c0');
    expect(warnings(false)).toEqual([]);
    expect(warnings(true, [containers[3] as object])).toHaveLength(1);
  });

  test('the nodes that cannot be reached, in order', () => {
    const pods = ['b', 'a', 'c'].map((node) => podOf({ name: node, node }));
    const rest = { pods, nodeReady: (node: string) => node === 'c' };
    expect(started({ workload: { kind: 'DaemonSet' }, rest }).attempt.excludedNodes).toEqual(['a', 'b']);
    const many = Array.from({ length: 600 }, (_, index) => podOf({ node: `n${index}` }));
    const lost = { pods: [...pods, ...many], nodeReady: (node: string) => !node.startsWith('n') };
    expect(started({ workload: { kind: 'DaemonSet' }, rest: lost }).attempt.excludedNodes).toHaveLength(500);
  });

  test.each<[string, Given, boolean, string | undefined]>([
    ['by the webhook', { rest: { gateCarrier: 'Webhook' } }, true, 'Webhook'],
    ['not without one', { rest: { gateCarrier: 'None' } }, false, undefined],
    ['not if the user disables it', { upgrade: { spec: { gate: 'Disabled' } } }, false, undefined],
    ['not if nothing changes', { workload: { containers: templateOf(NEW) } }, false, undefined],
  ])('whether its pods are gated: %s', (_, given, gating, gateCarrier) => {
    expect(started(given).attempt).toMatchObject({ gating, gateCarrier });
  });

  test('the partition that it moves, but not if it changes nothing', () => {
    const strategy = { stages: [{ name: 'canary', pods: 1 }, { name: 'rest' }] };
    const held = (given: Given = {}) =>
      started({
        ...given,
        upgrade: { spec: { strategy }, ...given.upgrade },
        workload: { kind: 'StatefulSet', partition: 2, ...given.workload },
      }).attempt.held;
    expect(held()).toEqual({ partition: 2 });
    expect(held({ workload: { containers: templateOf(NEW) } })).toBeUndefined();
    const before = { status: statusOf({}, { held: { partition: 1 } }) };
    expect(
      held({ upgrade: { spec: { strategy }, ...before }, workload: { containers: templateOf(NEW) } }),
    ).toEqual({
      partition: 1,
    });
  });
});

describe('an attempt that is recorded again', () => {
  const status = statusOf(
    { phase: 'Pending' },
    {
      number: 3,
      rolledAt: undefined,
      startedAt: ago(500),
      promotedAt: ago(400),
      gating: true,
      gateCarrier: 'Webhook',
    },
  );
  test('keeps its number, its start, its promotion and its gate', () => {
    const again = started({ upgrade: { status }, rest: { gateCarrier: 'None' }, start: { rerecord: true } });
    expect(again.attempt).toMatchObject({
      number: 3,
      startedAt: ago(500),
      promotedAt: ago(400),
      gating: true,
      gateCarrier: 'Webhook',
      progressAt: ago(0),
    });
    expect(again.history).toEqual([]);
  });

  test('is not the next one', () => {
    const next = started({ upgrade: { status }, rest: { gateCarrier: 'None' } });
    expect(next.attempt).toMatchObject({
      number: 4,
      startedAt: ago(0),
      promotedAt: undefined,
      gating: false,
    });
  });
});

describe('an attempt that another one supersedes', () => {
  const end = { outcome: 'Succeeded', reason: 'PostCheckPassed', cause: '', at: ago(9) } as const;
  const history = (trigger: Start['trigger'], status: UpgradeStatus = statusOf()) =>
    started({ upgrade: { status }, start: { trigger } }).history.map(({ outcome, cause }) => [
      outcome,
      cause,
    ]);

  test.each<[Start['trigger'], string, string]>([
    ['ContainersChanged', 'Superseded', `spec.containers changed to web=${NEW}`],
    ['TargetReplaced', 'Aborted', 'the workload was replaced by another one with the same name'],
    ['Retry', 'Superseded', 'postcheck.dev/retry started it again'],
    ['Created', 'Superseded', 'the status was lost'],
  ])('for %s ends as %s', (trigger, outcome, cause) => {
    expect(history(trigger)).toEqual([[outcome, cause]]);
  });

  test('does not end again', () => {
    expect(history('ContainersChanged', statusOf({ phase: 'Succeeded' }, { end }))).toEqual([]);
  });

  test('leaves nothing of its progress', () => {
    const left = [{ name: 'a', state: 'Failed', reason: 'ProbeFailed' }] as const;
    const stages = [{ name: 'canary', state: 'Done', desired: 1, verified: 1 }] as const;
    const before = statusOf({ left, stages, stage: '1/2 canary', summary: '1/3', paused: { seconds: 9 } });
    const next = started({ upgrade: { status: before }, start: { trigger: 'ContainersChanged' } });
    expect(next).toMatchObject({ left: [], stages: [], stage: undefined, summary: undefined, paused: {} });
  });
});

describe('a record is stale', () => {
  const stale = (
    workload: WorkloadChange,
    status: Partial<UpgradeStatus> = {},
    updateRevision: string | undefined = 'old',
  ) =>
    isRecordStale(
      snapshotOf({ updateRevision }),
      workloadOf({ containers: templateOf(OLD), generation: 4, ...workload }),
      activeStatusOf({ from: { images: { web: OLD }, revision: 'old' }, ...status }),
    );
  test.each([
    ['not by a new generation alone', stale({}), false],
    ['not in the same generation', stale({ generation: 1, containers: templateOf('web:3') }), false],
    ['not while the revision is not known', stale({}, {}, undefined), false],
    ['if the pods have another revision', stale({}, {}, 'other'), true],
    ['if another image runs', stale({ containers: templateOf('web:3') }), true],
    ['if a container was added', stale({ containers: containersOf({ web: OLD, log: 'log:1' }) }), true],
    ['if another image is wanted', stale({}, { to: { images: { web: 'web:3' } } }), true],
  ])('%s', (_, isStale, expected) => {
    expect(isStale).toBe(expected);
  });
});

describe('a workload that was created anew', () => {
  const recreated = (image: string, status: UpgradeStatus) => {
    const workload = workloadOf({ containers: templateOf(image) });
    const upgrade = upgradeOf({ status: { ...status, targetUID: 'workload-0' } });
    const { attempt, from } = decide(snapshotOf({ upgrade, workload })).status;
    return { trigger: attempt?.trigger, adopted: attempt?.adopted, from: from?.images.web };
  };
  const ended = (
    phase: 'Succeeded' | 'Failed' | 'FellBack' | 'Aborted',
    reason: 'PostCheckPassed' | 'FallbackPaused' | 'ProbeFailed' | 'TargetNotFound',
  ) => statusOf({ phase }, { end: { outcome: phase, reason, cause: '', at: ago(9) } });

  test.each([
    ['in the middle of its attempt', statusOf()],
    ['while it holds the version', ended('Failed', 'FallbackPaused')],
    ['after its attempt ended because the one before was deleted', ended('Aborted', 'TargetNotFound')],
  ])(
    'with a version that was never verified, %s, keeps the fallback target (velero#1687)',
    (_when, status) => {
      expect(recreated(NEW, status)).toEqual({ trigger: 'TargetReplaced', adopted: false, from: OLD });
    },
  );

  test.each([
    ['a verified version', NEW, ended('Succeeded', 'PostCheckPassed'), true],
    ['the previous version', OLD, statusOf(), false],
    [
      'the previous version, after a fallback from the one that is retried now,',
      OLD,
      ended('FellBack', 'ProbeFailed'),
      false,
    ],
    ['an unknown version', 'registry.example/web:9.0', statusOf(), false],
  ])('with %s has that as its fallback target', (_what, image, status, adopted) => {
    expect(recreated(image, status)).toEqual({ trigger: 'TargetReplaced', adopted, from: image });
  });
});
