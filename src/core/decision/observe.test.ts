import { describe, expect, test } from '@jest/globals';
import {
  ago,
  fallbackOf,
  NEW,
  OLD,
  snapshotOf,
  specOf,
  statusOf,
  templateOf,
  type UpgradeChange,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { ABORT_ANNOTATION, RETRY_ANNOTATION } from '../../api/names.ts';
import type { EndReason, PodReason } from '../../api/reasons.ts';
import type { Attempt, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadKind } from '../../api/views.ts';
import type { Obstacle } from '../obstacle.ts';
import { obstacleText } from '../report/obstacle-text.ts';
import type { Snapshot } from '../snapshot.ts';
import { containersDigest } from '../status.ts';
import { observe } from './observe.ts';
import type { State } from './state.ts';

interface Case {
  readonly status?: Partial<UpgradeStatus>;
  readonly attempt?: Partial<Attempt>;
  readonly upgrade?: UpgradeChange;
  readonly workload?: WorkloadChange;
  readonly rest?: Partial<Snapshot>;
}

const at = (image: string): WorkloadChange => ({
  containers: templateOf(image),
});
const UNROLLED: Partial<Attempt> = { rolledAt: undefined } as unknown as Partial<Attempt>;
const ended = (
  outcome: 'Succeeded' | 'Failed' | 'Partial',
  reason: EndReason | PodReason,
): Partial<Attempt> => ({
  end: { outcome, reason, cause: '', at: ago(5) },
});

function observed({ status = {}, attempt = {}, upgrade = {}, workload = {}, rest = {} }: Case) {
  const stored = 'status' in upgrade ? upgrade.status : statusOf(status, attempt);
  return observe(
    snapshotOf({
      upgrade: upgradeOf({ ...upgrade, ...(stored ? { status: stored } : {}) }),
      workload: workloadOf(workload),
      ...rest,
    }),
  );
}
const name = (one: Case): string => observed(one).name;
const TOO_LONG: WorkloadChange = { isTooLong: true, containers: [], imageManagers: {} };
const NO_STATUS = { upgrade: { status: undefined } } as unknown as Case;

describe('an Upgrade is', () => {
  test.each<[string, string, Case]>([
    ['Deleting', 'when it is being deleted, whatever else is true', { upgrade: { deleting: true } }],
    ['Blocked', 'when another one acts on the target', { rest: { claimedBy: 'other' } }],
    ['TargetLost', 'when its workload goes away in the middle', { workload: { deleting: true } }],
    [
      'TargetLost',
      'when its workload goes away in the middle of a fallback',
      { status: { phase: 'FallingBack', fallback: fallbackOf() }, workload: { deleting: true } },
    ],
    [
      'Blocked',
      'when its workload is not there and nothing is under way',
      { status: { phase: 'Succeeded' }, workload: { deleting: true } },
    ],
    [
      'StaleCache',
      'when the status was written from a newer view of the workload',
      { status: { targetGeneration: 3 } },
    ],
    ['Starting', 'when nothing was recorded yet', { ...NO_STATUS, workload: at(OLD) }],
    ['Starting', 'when the containers changed', { attempt: { id: '1-0000000000' } }],
    [
      'CommandPending',
      'when an attempt is under way and other containers come with an abort, which is of that attempt',
      { attempt: { id: '1-0000000000' }, upgrade: { annotations: { [ABORT_ANNOTATION]: 'a' } } },
    ],
    [
      'Starting',
      'when they come with one that took effect before',
      {
        attempt: { id: '1-0000000000' },
        status: { commands: { abort: { token: 'a', at: ago(9), result: 'FallingBack' } } },
        upgrade: { annotations: { [ABORT_ANNOTATION]: 'a' } },
      },
    ],
    [
      'Starting',
      'when they come with an abort and nothing is under way: the next attempt is recorded, and then aborted',
      {
        status: { phase: 'Succeeded' },
        attempt: { id: '1-0000000000' },
        upgrade: { annotations: { [ABORT_ANNOTATION]: 'a' } },
      },
    ],
    ['Starting', 'when another workload has the name now', { workload: { uid: 'workload-2' } }],
    [
      'SuspendedBeforeStart',
      'when it is paused before an attempt',
      { upgrade: { status: undefined, spec: { paused: true } } as unknown as UpgradeChange },
    ],
    [
      'BaselinePending',
      'when the version before is still to be probed',
      {
        status: { from: { images: { web: OLD } } },
        attempt: { ...UNROLLED, targetGeneration: 2 },
        workload: at(OLD),
      },
    ],
    [
      'ImagesPending',
      'when the attempt is recorded and the images are not written',
      { attempt: { ...UNROLLED, targetGeneration: 2 }, workload: at(OLD) },
    ],
    [
      'Starting',
      'again when the workload changed between the record and the write',
      { attempt: UNROLLED, workload: { ...at(OLD), generation: 4 } },
    ],
    [
      'ImagesPending',
      'when nothing changed in between but the generation, as with an annotation of a Deployment',
      {
        status: { from: { images: { web: OLD }, revision: 'new' }, to: { images: { web: NEW } } },
        attempt: { ...UNROLLED, targetGeneration: 2, gating: false, adopted: true },
        workload: { ...at(OLD), generation: 4 },
      },
    ],
    ['ImagesPatched', 'when the images stand there and that is not recorded', { attempt: UNROLLED }],
    ['Verifying', 'when the images stand there and that is recorded', {}],
    [
      'Conflicted',
      'when somebody else changes the image during an attempt',
      { workload: at('registry.example/web:hotfix') },
    ],
    ['Suspended', 'when it is paused in the middle', { upgrade: { spec: { paused: true } } }],
    ['Suspended', 'when the Deployment is paused in the middle', { workload: { paused: true } }],
    [
      'Suspended',
      'when nothing of its workload could be kept in the middle, whatever else is to be done',
      { workload: TOO_LONG, upgrade: { annotations: { [ABORT_ANNOTATION]: 'a' } } },
    ],
    [
      'Suspended',
      'also during a fallback',
      { status: { phase: 'FallingBack', fallback: fallbackOf() }, workload: TOO_LONG },
    ],
    ['Blocked', 'when that is so at rest', { status: { phase: 'Succeeded' }, workload: TOO_LONG }],
    ['Blocked', 'before an attempt', { ...NO_STATUS, workload: TOO_LONG }],
    ['Blocked', 'when it is another workload', { workload: { ...TOO_LONG, uid: 'workload-2' } }],
    ['Resuming', 'when it stood still and may go on', { status: { paused: { since: ago(30) } } }],
    [
      'CommandPending',
      'when a new token says abort',
      { upgrade: { annotations: { [ABORT_ANNOTATION]: 'a' } } },
    ],
    [
      'CommandPending',
      'when a new token says retry, also at rest',
      { status: { phase: 'FellBack' }, upgrade: { annotations: { [RETRY_ANNOTATION]: 'r' } } },
    ],
    ['Idle', 'when the attempt succeeded', { status: { phase: 'Succeeded' } }],
    [
      'Verifying',
      'after Partial, as pods that are made anew come behind gates',
      { status: { phase: 'Partial' }, attempt: ended('Partial', 'ProbeFailed') },
    ],
    [
      'Idle',
      'after Partial, while it is paused',
      {
        status: { phase: 'Partial' },
        attempt: ended('Partial', 'ProbeFailed'),
        upgrade: { spec: { paused: true } },
      },
    ],
    [
      'Idle',
      'after Partial, when somebody else has changed the image since',
      {
        status: { phase: 'Partial' },
        attempt: ended('Partial', 'ProbeFailed'),
        workload: at('registry.example/web:hotfix'),
      },
    ],
    ['Idle', 'when the fallback failed', { status: { phase: 'FallbackFailed', fallback: fallbackOf() } }],
    [
      'ImagesPending',
      'when a fallback is recorded and not written',
      { status: { phase: 'FallingBack', fallback: fallbackOf() } },
    ],
    [
      'ImagesPatched',
      'when the restored images stand there and that is not recorded',
      { status: { phase: 'FallingBack', fallback: fallbackOf() }, workload: at(OLD) },
    ],
    [
      'Verifying',
      'when that is recorded too',
      { status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(20) }) }, workload: at(OLD) },
    ],
    [
      'Conflicted',
      'when somebody else changes the image during a fallback',
      { status: { phase: 'FallingBack', fallback: fallbackOf({ rolledAt: ago(20) }) } },
    ],
    [
      'Conflicted',
      'when somebody else changes the image just before a fallback is written',
      {
        status: { phase: 'FallingBack', fallback: fallbackOf() },
        workload: at('registry.example/web:hotfix'),
      },
    ],
    [
      'Suspended',
      'when a fallback is paused',
      { status: { phase: 'FallingBack', fallback: fallbackOf() }, upgrade: { spec: { paused: true } } },
    ],
    [
      'ImagesPending',
      'when the containers change during a fallback: it is finished first',
      { status: { phase: 'FallingBack', fallback: fallbackOf() }, attempt: { id: '1-0000000000' } },
    ],
  ])('%s %s', (expected, _when, one) => {
    expect(name(one)).toBe(expected);
  });
});

describe('a new attempt', () => {
  const another = { spec: { containers: [{ name: 'web', image: 'registry.example/web:3.0' }] } };
  const start = (one: Case) =>
    observed({ upgrade: another, ...one, attempt: { id: '1-0000000000', ...one.attempt } });

  test.each<[string, Case, boolean]>([
    ['a success', { status: { phase: 'Succeeded' } }, false],
    ['a fallback, which verified what runs', { status: { phase: 'FellBack' } }, false],
    ['an attempt that still runs', { status: { phase: 'PostChecking' } }, true],
    [
      'a failure that left the bad version running',
      { status: { phase: 'Failed' }, attempt: ended('Failed', 'FallbackPaused') },
      true,
    ],
    [
      "a failure because of somebody else's image",
      { status: { phase: 'Failed' }, attempt: ended('Failed', 'ImageConflict') },
      false,
    ],
    ['a fallback that failed', { status: { phase: 'FallbackFailed' } }, true],
  ])('after %s keeps the fallback target only when what runs was never verified', (_after, one, inherit) => {
    expect(start(one)).toMatchObject({ name: 'Starting', trigger: 'ContainersChanged', inherit });
  });

  test.each(['FellBack', 'FallbackFailed', 'Failed', 'Aborted'] as const)(
    'does not start after %s for the images that failed, however the spec names them',
    (phase) => {
      const again = { upgrade: {}, status: { phase } };
      expect(start(again)).toMatchObject({ name: 'Restated' });
      expect(
        start({ ...again, attempt: { id: '1-0', restated: containersDigest(specOf().containers) } }),
      ).toEqual(expect.objectContaining({ name: 'Idle' }));
    },
  );

  test('that is recorded again keeps what it inherited', () => {
    const containers = [
      ...(at(OLD).containers ?? []),
      { name: 'log', image: 'log:1', role: 'regular', startupProbe: false },
    ] as const;
    const again = { attempt: { ...UNROLLED, inherited: true }, workload: { containers, generation: 4 } };
    expect(observed(again)).toMatchObject({ name: 'Starting', trigger: 'Created', inherit: true });
  });
});

const obstacleIn = (state: State) => (state.name === 'Blocked' ? state.obstacle : undefined);
const said = (obstacle: Obstacle | undefined) =>
  obstacle && { reason: obstacle.reason, message: obstacleText(obstacle) };

describe('what stops an attempt before it begins', () => {
  const blocked = (
    spec: Record<string, unknown>,
    workload: WorkloadChange = {},
    rest: Partial<Snapshot> = {},
  ) => {
    const state = observe(
      snapshotOf({
        upgrade: upgradeOf({ spec }),
        workload: workloadOf({ ...at(OLD), ...workload }),
        ...rest,
      }),
    );
    return obstacleIn(state);
  };

  test.each<[string, string, Parameters<typeof blocked>]>([
    [
      'ContainerNotFound',
      'Deployment web has no container api, only web: correct spec.containers',
      [{ containers: [{ name: 'api', image: NEW }] }],
    ],
    [
      'InvalidCheckContainer',
      'check probe names container gone of Deployment web, which does not exist: name a regular container or a sidecar',
      [{ postCheck: { checks: [{ name: 'probe', exec: { command: ['x'] }, containers: ['gone'] }] } }],
    ],
    [
      'WorkloadPaused',
      'Deployment web is paused, so nothing rolls: run `kubectl rollout resume deployment/web -n shop`',
      [{}, { paused: true }],
    ],
  ])('%s: %s', (reason, message, given) => {
    expect(said(blocked(...given))).toEqual({ reason, message });
  });

  test('TargetNotFound names the workload of another kind that has the name', () => {
    const without = (...namesakes: WorkloadKind[]) =>
      said(obstacleIn(observe({ ...snapshotOf({ upgrade: upgradeOf(), namesakes }), workload: undefined })));
    expect(without()?.message).toBe(
      'Deployment web does not exist in namespace shop: create it, or delete this Upgrade and create one for the workload that you mean',
    );
    expect(without('DaemonSet')).toEqual({
      reason: 'TargetNotFound',
      message:
        'Deployment web does not exist in namespace shop, only a DaemonSet of that name: delete this Upgrade and create one for the workload that you mean',
    });
  });

  test('GateUnavailable, only when the gate is required and surely missing', () => {
    expect(blocked({ gate: 'Required' }, {}, { gateCarrier: 'None' })?.reason).toBe('GateUnavailable');
    expect(blocked({ gate: 'Required' }, {}, { gateCarrier: 'Unknown' })).toBeUndefined();
    expect(blocked({ gate: 'Auto' }, {}, { gateCarrier: 'None' })).toBeUndefined();
  });

  test('an init container named by a check, which has ended before a check could run', () => {
    const containers = [
      { name: 'migrate', image: 'm:1', role: 'init' as const, startupProbe: false },
      ...(at(OLD).containers ?? []),
    ];
    const spec = {
      postCheck: { checks: [{ name: 'probe', exec: { command: ['x'] }, containers: ['migrate'] }] },
    };
    expect(said(blocked(spec, { containers }))?.message).toMatch(/which is an init container that ends/);
  });

  test('a check that is to run in no container', () => {
    const checks = [{ name: 'probe', exec: { command: ['x'] }, containers: [] }];
    expect(said(blocked({ postCheck: { checks } }))).toEqual({
      reason: 'InvalidCheckContainer',
      message: 'check probe has no container to run in: list some in its containers',
    });
  });

  test('nothing, when all is well', () => {
    expect(blocked({})).toBeUndefined();
    expect(specOf().gate).toBe('Auto');
  });
});
