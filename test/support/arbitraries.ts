/** Whatever users write, whatever is stored, and whatever the cluster shows: generators for properties of decisions. */
import fc from 'fast-check';
import { Value } from 'typebox/value';
import { ABORT_ANNOTATION, RETRY_ANNOTATION } from '../../src/api/names.ts';
import { SpecSchema } from '../../src/api/schema-spec.ts';
import type { UpgradeSpec, UpgradeStatus } from '../../src/api/types.ts';
import type { PodView, WorkloadView } from '../../src/api/views.ts';
import { completeUpgrade, type Snapshot } from '../../src/core/snapshot.ts';
import { attemptId, verificationId } from '../../src/core/status.ts';
import { addCycle, type PodRecord } from '../../src/core/verification/probe-cycle.ts';
import { valuesOf } from './from-schema.ts';
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
} from './snapshots.ts';

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
export const pods: fc.Arbitrary<PodView[]> = fc
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
export const recordsOf = (
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

/** What a snapshot is made of. */
export interface Loose {
  readonly spec: UpgradeSpec;
  readonly status: UpgradeStatus | undefined;
  readonly workload: WorkloadView | undefined;
  readonly pods: PodView[];
  readonly codes: number[];
  readonly atSeconds: number;
  readonly annotations: Record<string, string>;
  readonly flags: { claimed: boolean; node: boolean; gate: Snapshot['gateCarrier']; deleting: boolean };
}
export const loose = (
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
      gate: fc.constantFrom('Policy', 'Webhook', 'None', 'Unknown'),
      deleting: fc.constantFrom(false, false, false, false, true),
    }),
  });

export function snapshotFrom({
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
    upgrade: completeUpgrade(upgrade),
    ...(workload ? { workload } : {}),
    ...(flags.claimed ? { claimedBy: 'older' } : {}),
    pods: list,
    nodeReady: (node) => flags.node || node !== 'node-2',
    records: recordsOf(list, spec, verificationId(upgrade, status ?? {}), codes, NOW + atSeconds * 1000),
    gateCarrier: flags.gate,
  };
}

export const ourSpec: UpgradeSpec = specOf();

/** Statuses as the operator itself leaves them, in every phase, for `ourSpec`. */
export const ours: fc.Arbitrary<UpgradeStatus> = fc
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
