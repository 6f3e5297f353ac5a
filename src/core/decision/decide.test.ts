/** What holds of every decision, whatever users wrote, whatever is stored, and whatever the cluster shows. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { valuesOf } from '../../../test/support/from-schema.ts';
import {
  ago,
  conditionOf,
  containerOf,
  cycleOf,
  exit,
  fallbackOf,
  NEW,
  NOW,
  OLD,
  podOf,
  snapshotOf,
  specOf,
  statusOf,
  upgradeOf,
  type WorkloadChange,
  workloadOf,
} from '../../../test/support/snapshots.ts';
import { ABORT_ANNOTATION, RETRY_ANNOTATION } from '../../api/names.ts';
import { SpecSchema } from '../../api/schema-spec.ts';
import { StatusSchema } from '../../api/schema-status.ts';
import type { UpgradeSpec, UpgradeStatus } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import type { Snapshot } from '../snapshot.ts';
import { attemptId, verificationId } from '../status.ts';
import { addCycle, type PodRecord } from '../verification/probe-cycle.ts';
import { decide, type Plan } from './decide.ts';

const statusSchema = Compile(StatusSchema);
/** A fixed seed: a run that finds something finds it again. */
const runs = { numRuns: 500, seed: 20_260_101 };
const many = { ...runs, numRuns: 1500 };

const specs = valuesOf(SpecSchema).map((spec) => {
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  return Value.Default(SpecSchema, { ...(spec as object), targetRef }) as UpgradeSpec;
});
const images = fc.constantFrom(OLD, NEW, 'registry.example/web:hotfix');
const workloads: fc.Arbitrary<WorkloadView> = fc
  .record({
    kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet'),
    image: images,
    generation: fc.integer({ min: 1, max: 4 }),
    observedGeneration: fc.integer({ min: 1, max: 4 }),
    desired: fc.integer({ min: 0, max: 4 }),
    updated: fc.integer({ min: 0, max: 4 }),
    available: fc.integer({ min: 0, max: 4 }),
    total: fc.integer({ min: 0, max: 5 }),
    paused: fc.boolean(),
    partition: fc.constantFrom(0, 0, 0, 1),
    onDelete: fc.constantFrom(false, false, false, true),
    ordered: fc.boolean(),
    deleting: fc.constantFrom(false, false, false, true),
    holdsOurFields: fc.boolean(),
    uid: fc.constantFrom('workload-1', 'workload-1', 'workload-2'),
  })
  .map(({ image, ...rest }) =>
    workloadOf({
      ...(rest as WorkloadChange),
      containers: [{ name: 'web', image, role: 'regular', startupProbe: false }],
    }),
  );
const pods: fc.Arbitrary<PodView[]> = fc
  .array(
    fc.record({
      revision: fc.constantFrom('new', 'new', 'old'),
      phase: fc.constantFrom('Pending', 'Running', 'Running', 'Failed', 'Succeeded', 'Unknown'),
      deleting: fc.constantFrom(false, false, true),
      node: fc.constantFrom('', 'node-1', 'node-2'),
      state: fc.constantFrom('running', 'running', 'waiting', 'terminated'),
      reason: fc.constantFrom('', 'ErrImagePull', 'CrashLoopBackOff', 'InvalidImageName', 'Completed'),
      restarts: fc.integer({ min: 0, max: 5 }),
      ready: fc.boolean(),
      ageSeconds: fc.integer({ min: 0, max: 2000 }),
      gates: fc.constantFrom([], ['postcheck.dev/verified'], ['postcheck.dev/verified', 'example.com/other']),
    }),
    { maxLength: 30 },
  )
  .map((list) =>
    list.map(({ state, reason, restarts, ready, ageSeconds, ...rest }, index) =>
      podOf({
        ...(rest as Partial<PodView>),
        name: `web-${index}`,
        uid: `pod-${index}`,
        createdAt: NOW - ageSeconds * 1000,
        conditions: {
          ContainersReady: conditionOf(ready ? 'True' : 'False'),
          Ready: conditionOf(ready && rest.gates.length === 0 ? 'True' : 'False'),
        },
        containers: [
          containerOf({
            state: state as 'running',
            reason,
            restarts,
            ready: ready && state === 'running',
            id: state === 'waiting' ? '' : `containerd://${index}`,
          }),
        ],
      }),
    ),
  );
const recordsOf = (
  list: readonly PodView[],
  spec: UpgradeSpec,
  verification: string,
  codes: readonly number[],
  atMs: number,
): Map<string, PodRecord> =>
  new Map(
    list.flatMap((pod, index) => {
      const code = codes[index % Math.max(1, codes.length)];
      if (code === undefined || code > 200) {
        return [];
      }
      const output = code === 17 ? 'x'.repeat(8192) : 'short';
      const cycle = { ...cycleOf(exit(code, output), pod, spec), startedAt: atMs, finishedAt: atMs + 10 };
      return [
        [
          pod.uid,
          addCycle(
            undefined,
            {
              spec,
              template: pod.containers.map(({ name }) => name),
              verification,
              inFallback: verification.endsWith('/fallback'),
            },
            pod,
            cycle,
          ),
        ] as const,
      ];
    }),
  );

interface Loose {
  readonly spec: UpgradeSpec;
  readonly status: UpgradeStatus | undefined;
  readonly workload: WorkloadView | undefined;
  readonly pods: PodView[];
  readonly codes: number[];
  readonly atSeconds: number;
  readonly annotations: Record<string, string>;
  readonly flags: { claimed: boolean; node: boolean; gate: Snapshot['gatePolicy']; deleting: boolean };
}
const loose = (
  statuses: fc.Arbitrary<UpgradeStatus | undefined>,
  from: fc.Arbitrary<UpgradeSpec> = specs,
): fc.Arbitrary<Loose> =>
  fc.record({
    spec: from,
    status: statuses,
    workload: fc.option(workloads, { nil: undefined, freq: 8 }),
    pods,
    codes: fc.array(fc.constantFrom(0, 0, 17, 2, 127, 255), { maxLength: 4 }),
    atSeconds: fc.integer({ min: -700, max: 0 }),
    annotations: fc.constantFrom(
      {},
      {},
      {},
      { [RETRY_ANNOTATION]: 'r' },
      { [ABORT_ANNOTATION]: `a${'😀'.repeat(255)}` },
    ) as fc.Arbitrary<Record<string, string>>,
    flags: fc.record({
      claimed: fc.constantFrom(false, false, false, false, true),
      node: fc.boolean(),
      gate: fc.constantFrom('Available', 'Unavailable', 'Unknown'),
      deleting: fc.constantFrom(false, false, false, false, true),
    }),
  });

function snapshotFrom({
  spec,
  status,
  workload,
  pods: list,
  codes,
  atSeconds,
  annotations,
  flags,
}: Loose): Snapshot {
  const upgrade = {
    ...upgradeOf({ annotations, deleting: flags.deleting, ...(status ? { status } : {}) }),
    spec,
  };
  const { workload: _, ...base } = snapshotOf();
  return {
    ...base,
    upgrade,
    ...(workload ? { workload } : {}),
    ...(flags.claimed ? { claimedBy: 'older' } : {}),
    pods: list,
    nodeReady: (node) => flags.node || node !== 'node-2',
    records: recordsOf(list, spec, verificationId(upgrade, status ?? {}), codes, NOW + atSeconds * 1000),
    gatePolicy: flags.gate,
  };
}

/** Statuses as the operator itself leaves them, in every phase, for the spec that goes with them. */
const ourSpec = specOf();
const ours: fc.Arbitrary<UpgradeStatus> = fc
  .record({
    phase: fc.constantFrom(
      'Pending',
      'Upgrading',
      'PostChecking',
      'Inconclusive',
      'Succeeded',
      'FallingBack',
      'FallbackChecking',
      'FellBack',
      'FallbackFailed',
      'Failed',
      'Aborted',
    ),
    rolled: fc.boolean(),
    paused: fc.constantFrom(false, false, true),
    age: fc.integer({ min: 0, max: 2000 }),
    changed: fc.constantFrom(false, false, false, true),
  })
  .map(({ phase, rolled, paused, age, changed }) => {
    const falling = phase === 'FallingBack' || phase === 'FallbackChecking';
    const over = ['Succeeded', 'FellBack', 'FallbackFailed', 'Failed', 'Aborted'].includes(phase);
    const status = statusOf(
      {
        phase: phase as NonNullable<UpgradeStatus['phase']>,
        ...(falling || phase === 'FellBack' || phase === 'FallbackFailed'
          ? {
              fallback: fallbackOf({
                startedAt: ago(age / 2),
                ...(rolled ? { rolledAt: ago(age / 2) } : {}),
              }),
            }
          : {}),
        ...(paused ? { paused: { since: ago(5) } } : {}),
      },
      {
        id: changed ? '1-0000000000' : attemptId(1, ourSpec),
        startedAt: ago(age),
        progressAt: ago(age),
        ...(over ? { end: { outcome: 'Failed', reason: 'FallbackPaused', cause: 'x', at: ago(1) } } : {}),
      },
      ourSpec,
    );
    if (rolled || falling || !status.attempt) {
      return status;
    }
    const { rolledAt: _, ...unrolled } = status.attempt;
    return { ...status, attempt: unrolled };
  });

function mustHold(snapshot: Snapshot, plan: Plan): void {
  const { status } = plan;
  if (!['StaleCache', 'Deleting', 'LettingGo'].includes(plan.state)) {
    expect(status.conditions?.map(({ type }) => type).sort()).toEqual([
      'FallenBack',
      'Gated',
      'Ready',
      'Reconciling',
      'Stalled',
      'Verified',
    ]);
    expect(status.message).toBeTruthy();
  }
  if (plan.intent) {
    expect(plan.action.kind).toBe('none');
  }
  if (status.counts && status.counts !== snapshot.upgrade.status?.counts) {
    const { updated, passed, retrying, failed, inconclusive, skipped } = status.counts;
    expect(passed + retrying + failed + inconclusive + skipped).toBe(updated);
  }
  expect(JSON.stringify(status).length).toBeLessThan(
    100 * 1024 + JSON.stringify(snapshot.upgrade.status ?? {}).length,
  );
  // Half a character, which an API server would store as another one, is written as an escape.
  expect(JSON.stringify(status)).not.toMatch(/[^\\]\\ud[89a-f]/);
  if (plan.wakeAt !== undefined) {
    expect(plan.wakeAt).toBeGreaterThan(snapshot.now);
  }
  const of = (type: string) => status.conditions?.find((own) => own.type === type)?.status;
  expect(of('Reconciling') === 'True' && of('Stalled') === 'True').toBe(false);
  if (of('Ready') === 'True' && status.counts?.desired !== 0) {
    expect(status.phase).toBe('Succeeded');
  }
}

/** No check said no, and no container is in trouble. */
const nothingIsWrong = ({ codes, pods: list }: Loose): boolean =>
  codes.every((code) => code === 0 || code === 255) &&
  list.every(({ containers }) =>
    containers.every(({ restarts, reason, ready }) => restarts <= 2 && reason === '' && ready),
  );

describe('every decision', () => {
  test('on anything that the schema allows, stored or wished, is made without an error and keeps the rules', () => {
    const anything = loose(
      fc.option(valuesOf(StatusSchema) as fc.Arbitrary<UpgradeStatus>, { nil: undefined }),
    );
    fc.assert(
      fc.property(anything, (given) => {
        const snapshot = snapshotFrom(given);
        mustHold(snapshot, decide(snapshot));
      }),
      runs,
    );
  }, 60_000);

  test('on what the operator itself stores gives a status that the API server accepts, under 100 KiB', () => {
    fc.assert(
      fc.property(loose(ours, fc.constant(ourSpec)), (given) => {
        const snapshot = snapshotFrom(given);
        const plan = decide(snapshot);
        mustHold(snapshot, plan);
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
      runs,
    );
  });

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
      runs,
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
