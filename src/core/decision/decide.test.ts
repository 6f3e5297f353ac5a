/** What each state comes to; and what holds of every decision, whatever users wrote, whatever is stored, and whatever the cluster shows. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import {
  type Loose,
  loose,
  ourSpec,
  ours,
  pods,
  recordsOf,
  snapshotFrom,
} from '../../../test/support/arbitraries.ts';
import { brokenRules } from '../../../test/support/plan-rules.ts';
import {
  conditionOf,
  containerOf,
  fallbackOf,
  NEW,
  NOW,
  OLD,
  podOf,
  type SnapshotChange,
  snapshotOf,
  specOf,
  statusOf,
  templateOf,
  upgradeOf,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { ABORT_ANNOTATION, FALLBACK_FINALIZER, VERIFIED } from '../../api/names.ts';
import { StatusSchema } from '../../api/schema-status.ts';
import type { UpgradeStatus } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import type { Snapshot } from '../snapshot.ts';
import { verificationId } from '../status.ts';
import type { PodRecord } from '../verification/probe-cycle.ts';
import { withPins } from '../verification/recorded.ts';
import { PodResults } from '../verification/results.ts';
import { decide, type Plan } from './decide.ts';

/** With the finalizer that an Upgrade has while something may have to be put back. */
const kept = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  upgrade: {
    ...snapshot.upgrade,
    metadata: { ...snapshot.upgrade.metadata, finalizers: [FALLBACK_FINALIZER] },
  },
});

interface Example {
  readonly when: string;
  readonly given: SnapshotChange;
  readonly plan: {
    readonly state: Plan['state'];
    readonly intent: boolean;
    readonly action: Plan['action']['kind'];
    readonly phase: UpgradeStatus['phase'];
    readonly probes?: number;
  };
}

const HOUR = 3_600_000;
const unwritten: UpgradeStatus = {
  ...statusOf(
    { phase: 'Pending', from: { images: { web: OLD }, revision: 'old', baseline: [] } },
    { rolledAt: undefined, targetGeneration: 2 },
  ),
};
const fallingBack = statusOf({ phase: 'FallingBack', fallback: fallbackOf({ rolledAt: undefined }) });
const ID = verificationId(upgradeOf(), statusOf());
const runs = (image: string): WorkloadView => workloadOf({ containers: templateOf(image) });
const said = (code: number, at = NOW - 1000): Map<string, PodRecord> =>
  recordsOf([podOf()], specOf(), ID, [code], at);
const verified: PodView = {
  ...podOf(),
  conditions: {
    ...podOf().conditions,
    [VERIFIED]: {
      ...conditionOf('True'),
      reason: 'PostCheckPassed',
      message: withPins('exited 0', { id: ID, spec: specOf() }, podOf()),
    },
  },
};

/** The states of an attempt and its fallback in their order, and what each comes to. */
const EXAMPLES: readonly Example[] = [
  {
    when: 'nothing is recorded',
    given: { upgrade: upgradeOf() },
    plan: { state: 'Starting', intent: true, action: 'none', phase: 'Pending' },
  },
  {
    when: 'the attempt is recorded',
    given: { upgrade: upgradeOf({ status: unwritten }), workload: runs(OLD) },
    plan: { state: 'ImagesPending', intent: false, action: 'patchImages', phase: 'Pending' },
  },
  {
    when: 'the images stand in the template',
    given: { upgrade: upgradeOf({ status: unwritten }) },
    plan: { state: 'ImagesPatched', intent: true, action: 'none', phase: 'Upgrading' },
  },
  {
    when: 'a new pod is ready',
    given: {},
    plan: { state: 'Verifying', intent: false, action: 'none', phase: 'PostChecking', probes: 1 },
  },
  {
    when: 'its check passed',
    given: { records: said(0) },
    plan: { state: 'Verifying', intent: false, action: 'recordResults', phase: 'PostChecking' },
  },
  {
    when: 'every result is recorded and the controller is done',
    given: { pods: [verified], workload: workloadOf({ desired: 1, updated: 1, available: 1, total: 1 }) },
    plan: { state: 'Verifying', intent: true, action: 'none', phase: 'Succeeded' },
  },
  {
    when: 'its check failed until the deadline',
    given: { now: NOW + HOUR, records: said(17, NOW + HOUR - 1000) },
    plan: { state: 'Verifying', intent: true, action: 'none', phase: 'FallingBack' },
  },
  {
    when: 'the fallback is recorded',
    given: { upgrade: upgradeOf({ status: fallingBack }) },
    plan: { state: 'ImagesPending', intent: false, action: 'patchImages', phase: 'FallingBack' },
  },
  {
    when: 'somebody else set an image',
    given: { workload: runs('registry.example/web:hotfix') },
    plan: { state: 'Conflicted', intent: true, action: 'none', phase: 'Failed' },
  },
  {
    when: 'the user pauses it',
    given: { upgrade: upgradeOf({ spec: { paused: true }, status: statusOf() }) },
    plan: { state: 'Suspended', intent: true, action: 'none', phase: 'Upgrading' },
  },
  {
    when: 'another Upgrade acts on the workload',
    given: { claimedBy: 'other' },
    plan: { state: 'Blocked', intent: false, action: 'none', phase: 'Upgrading' },
  },
];

test.each(EXAMPLES)('when $when, the state is $plan.state and the plan $plan.action', ({ given, plan }) => {
  const { state, status, intent, action, cycles } = decide(kept(snapshotOf(given)));
  const { probes = 0 } = plan;
  expect({ state, intent, action: action.kind, phase: status.phase, probes: cycles.length }).toEqual({
    ...plan,
    probes,
  });
});

const statusSchema = Compile(StatusSchema);
/** A fixed seed: a run that finds something finds it again. */
const some = { numRuns: 500, seed: 20_260_101 };
const many = { ...some, numRuns: 1500 };

/** No check said no, and no container is in trouble. */
const nothingIsWrong = ({ codes, pods: list }: Loose): boolean =>
  codes.every((code) => code === 0 || code === 255) &&
  list.every(({ containers }) =>
    containers.every(({ restarts, reason, ready }) => restarts <= 2 && reason === '' && ready),
  );

interface Step {
  readonly pods: readonly PodView[];
  readonly picks: readonly number[];
  readonly codes: readonly number[];
  readonly afterMs: number;
  readonly node: boolean;
}

/** A moment later: some pods are others, some were probed again, and a node may have gone or come back. */
function nextSnapshot(before: Snapshot, { pods: others, picks, codes, afterMs, node }: Step): Snapshot {
  const now = before.now + afterMs;
  const list = before.pods.map((pod, index) => (picks.includes(index) ? (others[index] ?? pod) : pod));
  const probed = list.filter((_, index) => picks.includes(index + 1));
  const { upgrade, records } = before;
  const id = verificationId(upgrade, upgrade.status ?? {});
  return {
    ...before,
    now,
    pods: list,
    records: new Map([...records, ...recordsOf(probed, upgrade.spec, id, codes, now)]),
    nodeReady: (name) => node || name !== 'node-1',
  };
}

/** With what the operator remembers of containers that wait. */
const withWaits = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  waitingSince: new Map(
    snapshot.pods.flatMap(({ uid, containers }) =>
      containers.map(({ name, reason }) => [`${uid}/${name}`, { reason, since: NOW - 30_000 }] as const),
    ),
  ),
});

describe('every decision', () => {
  test('on what the operator itself stores gives a status that the API server accepts, under 100 KiB', () => {
    fc.assert(
      fc.property(loose(ours, fc.constant(ourSpec)), (given) => {
        const snapshot = snapshotFrom(given);
        const plan = decide(snapshot);
        expect(brokenRules(snapshot, plan)).toEqual([]);
        const stored = JSON.parse(JSON.stringify(plan.status)) as UpgradeStatus;
        expect([...statusSchema.Errors(stored)]).toEqual([]);
        expect(JSON.stringify(stored).length).toBeLessThan(100 * 1024);
      }),
      many,
    );
  }, 60_000);

  test('is the same when it is made again', () => {
    fc.assert(
      fc.property(loose(ours, fc.constant(ourSpec)), (given) => {
        const snapshot = snapshotFrom(given);
        const plan = decide(snapshot);
        expect(decide(snapshot)).toEqual(plan);
      }),
      some,
    );
  });

  test('is the same with cached pod results, whatever changes between two decisions', () => {
    const changes = fc.array(
      fc.record({
        pods,
        picks: fc.array(fc.nat({ max: 29 }), { maxLength: 3 }),
        codes: fc.array(fc.constantFrom(0, 17, 127), { minLength: 1, maxLength: 2 }),
        afterMs: fc.constantFrom(-5000, 0, 1, 1000, 61_000, 700_000),
        node: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(loose(ours, fc.constant(ourSpec)), changes, (given, steps) => {
        const results = new PodResults();
        let snapshot = withWaits(snapshotFrom(given));
        for (const step of steps) {
          expect(decide({ ...snapshot, results })).toEqual(decide(snapshot));
          snapshot = withWaits(nextSnapshot(snapshot, step));
        }
        expect(decide({ ...snapshot, results })).toEqual(decide(snapshot));
      }),
      some,
    );
  }, 60_000);

  test('falls back only to images that ran before, and only with evidence or on demand', () => {
    const begins = ({ status }: Loose, plan: Plan) =>
      plan.status.fallback !== undefined && status?.fallback === undefined;
    let begun = 0;
    fc.assert(
      fc.property(loose(ours, fc.constant(ourSpec)), (given) => {
        const plan = decide(snapshotFrom(given));
        if (!begins(given, plan)) {
          return;
        }
        begun++;
        expect(given.status?.from?.images).toMatchObject(plan.status.fallback?.images ?? {});
        expect(given.status?.phase).not.toBe('Succeeded');
        if (nothingIsWrong(given)) {
          expect(given.annotations).toHaveProperty([ABORT_ANNOTATION]);
        }
      }),
      many,
    );
    expect(begun).toBeGreaterThan(5);
  });

  test('writes the recorded images in a fallback, and the wanted ones in an attempt', () => {
    fc.assert(
      fc.property(loose(ours, fc.constant(ourSpec)), (given) => {
        const { action } = decide(snapshotFrom(given));
        if (action.kind === 'patchImages') {
          expect(action.images).toEqual({
            web:
              given.status?.phase === 'FallingBack' || given.status?.phase === 'FallbackChecking' ? OLD : NEW,
          });
        }
      }),
      many,
    );
  });

  test('writes nothing outward while it is paused, claimed or being deleted', () => {
    fc.assert(
      fc.property(loose(ours, fc.constant({ ...ourSpec, paused: true })), (given) => {
        const { action, state } = decide(snapshotFrom(given));
        if (state !== 'Idle' && state !== 'ReleasingFields') {
          expect(['none', 'setFinalizers']).toContain(action.kind);
        } else if (action.kind === 'recordResults') {
          expect(action.conditions.map(({ condition }) => condition.status)).not.toContain('True');
        } else {
          expect(['none', 'releaseFields', 'setFinalizers', 'patchPartition']).toContain(action.kind);
        }
      }),
      some,
    );
  });

  test('deletes a pod only that does not serve', () => {
    fc.assert(
      fc.property(loose(ours, fc.constant(ourSpec)), (given) => {
        const { action } = decide(snapshotFrom(given));
        if (action.kind === 'deletePods') {
          expect(action.pods.map(({ conditions }) => conditions['Ready']?.status)).not.toContain('True');
        }
      }),
      many,
    );
  });
});

test('a workload of 5,000 pods with 8 KiB of output each still gives a small status', () => {
  const summary = Array.from({ length: 5000 }, (_, index) =>
    podOf({
      name: `web-${index}`,
      uid: `pod-${index}`,
      containers: [containerOf({ id: `containerd://${index}` })],
    }),
  );
  const status = statusOf();
  const records = recordsOf(
    summary,
    ourSpec,
    verificationId(upgradeOf({ status }), status),
    [17],
    NOW - 1000,
  );
  const plan = decide(
    snapshotOf({ pods: summary, records, workload: workloadOf({ desired: 5000, updated: 5000 }) }),
  );
  expect(plan.status.pods).toHaveLength(20);
  expect(plan.status.exitCodes).toEqual([
    {
      check: 'readiness-probe',
      container: 'web',
      code: 17,
      class: 'Retry',
      reason: 'ProbeFailed',
      pods: 5000,
    },
  ]);
  expect(JSON.stringify(plan.status).length).toBeLessThan(100 * 1024);
});
