/** Small, valid pieces of a snapshot for tests of decisions: everything works unless the test says otherwise. */

import { Value } from 'typebox/value';
import { effectiveChecks } from '../../src/api/checks.ts';
import { VERIFIED } from '../../src/api/names.ts';
import { SpecSchema } from '../../src/api/schema-spec.ts';
import type { Attempt, FallbackStatus, Upgrade, UpgradeSpec, UpgradeStatus } from '../../src/api/types.ts';
import type {
  ConditionView,
  ContainerView,
  DaemonSetView,
  DeploymentView,
  PodView,
  RevisionView,
  StatefulSetView,
  WorkloadKind,
  WorkloadView,
} from '../../src/api/views.ts';
import { type ActiveStatus, activeStatus, completeStatus } from '../../src/core/complete-status.ts';
import { type CompleteUpgrade, completeUpgrade, type Snapshot } from '../../src/core/snapshot.ts';
import { attemptId, type Direction, verificationId } from '../../src/core/status.ts';
import type { VerificationContext } from '../../src/core/verification/context.ts';
import type { TryOutcome } from '../../src/core/verification/exit-codes.ts';
import { addCycle, type FinishedCycle, type PodRecord } from '../../src/core/verification/probe-cycle.ts';
import { withPins } from '../../src/core/verification/recorded.ts';

export const NOW = Date.parse('2026-01-01T00:10:00.000Z');
export const OLD = 'registry.example/web:1.0';
export const NEW = 'registry.example/web:2.0';
export const ago = (seconds: number): string => new Date(NOW - seconds * 1000).toISOString();

/** With every default, as the API server gives it. */
export const specOf = (change: Record<string, unknown> = {}): UpgradeSpec =>
  Value.Default(
    SpecSchema,
    structuredClone({
      targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      containers: [{ name: 'web', image: NEW }],
      ...change,
    }),
  ) as UpgradeSpec;

export interface UpgradeChange {
  readonly spec?: Record<string, unknown>;
  readonly status?: UpgradeStatus;
  readonly annotations?: Record<string, string>;
  readonly deleting?: boolean;
}

export function upgradeOf({ spec, status, annotations = {}, deleting }: UpgradeChange = {}): Upgrade {
  return {
    metadata: {
      namespace: 'shop',
      name: 'web',
      uid: 'upgrade-1',
      resourceVersion: '100',
      generation: 3,
      creationTimestamp: ago(600),
      annotations,
      ...(deleting ? { deletionTimestamp: ago(1) } : {}),
    },
    spec: specOf(spec),
    ...(status ? { status } : {}),
  };
}

/** Fields of any kind: a test names those of its kind. */
export type WorkloadChange = Partial<
  Omit<DeploymentView, 'kind'> & Omit<StatefulSetView, 'kind'> & Omit<DaemonSetView, 'kind'>
> & { readonly kind?: WorkloadKind };

export const workloadOf = (change: WorkloadChange = {}): WorkloadView =>
  ({ ...WORKLOAD, ...change }) as WorkloadView;

const WORKLOAD: WorkloadChange = {
  kind: 'Deployment',
  namespace: 'shop',
  name: 'web',
  uid: 'workload-1',
  resourceVersion: '200',
  generation: 2,
  observedGeneration: 2,
  deleting: false,
  containers: [{ name: 'web', image: NEW, role: 'regular', startupProbe: false }],
  imageManagers: { web: 'kubectl' },
  holdsOurFields: false,
  templateDigest: 'digest-new',
  desired: 1,
  updated: 1,
  ready: 1,
  available: 1,
  total: 1,
  paused: false,
  partition: 0,
  firstOrdinal: 0,
  othersSetPartition: false,
  onDelete: false,
  ordered: false,
  recreates: false,
  servesNothingMeanwhile: false,
  ownWaitSeconds: 0,
};

export const revisionOf = (change: Partial<RevisionView> = {}): RevisionView => ({
  kind: 'ReplicaSet',
  namespace: 'shop',
  name: 'web-new',
  uid: 'rs-new',
  resourceVersion: '150',
  owner: { kind: 'Deployment', name: 'web', uid: 'workload-1' },
  hash: 'new',
  templateDigest: 'digest-new',
  revision: 2,
  createdAt: NOW - 100_000,
  ...change,
});

export const conditionOf = (
  status: ConditionView['status'],
  secondsAgo = 60,
  reason = '',
  message = '',
): ConditionView => ({
  status,
  reason,
  message,
  since: NOW - secondsAgo * 1000,
});

export const containerOf = (change: Partial<ContainerView> = {}): ContainerView => ({
  name: 'web',
  image: NEW,
  role: 'regular',
  id: 'containerd://aaaaaaaaaaaaaaaa',
  restarts: 0,
  state: 'running',
  reason: '',
  message: '',
  startedAt: NOW - 60_000,
  ready: true,
  ...change,
});

/** Of the wanted revision, gated, running and ready; made 60 s ago. */
export const podOf = (change: Partial<PodView> = {}): PodView => ({
  namespace: 'shop',
  name: 'web-new-1',
  uid: 'pod-1',
  resourceVersion: '300',
  owner: { kind: 'ReplicaSet', name: 'web-new', uid: 'rs-new' },
  revision: 'new',
  node: 'node-1',
  ip: '10.0.0.1',
  phase: 'Running',
  reason: '',
  deleting: false,
  createdAt: NOW - 60_000,
  specChanges: 0,
  imagesChanged: [],
  conditions: {
    PodScheduled: conditionOf('True'),
    ContainersReady: conditionOf('True'),
    Ready: conditionOf('False', 60, 'ReadinessGatesNotReady'),
  },
  gates: ['postcheck.dev/verified'],
  containers: [containerOf()],
  ...change,
});

/** Its node evicts it: its containers shut down. */
export const evicted = (change: Partial<PodView> = {}): PodView =>
  podOf({
    conditions: { ...podOf().conditions, DisruptionTarget: conditionOf('True', 1, 'TerminationByKubelet') },
    ...change,
  });

export const notReady = (change: Partial<PodView> = {}): PodView =>
  podOf({
    conditions: {
      PodScheduled: conditionOf('True'),
      ContainersReady: conditionOf('False', 60, 'ContainersNotReady'),
      Ready: conditionOf('False'),
    },
    containers: [containerOf({ ready: false })],
    ...change,
  });

export const attemptOf = (spec: UpgradeSpec, change: Partial<Attempt> = {}): Attempt => ({
  id: attemptId(1, spec),
  number: 1,
  trigger: 'Created',
  adopted: false,
  gating: true,
  startedAt: ago(120),
  rolledAt: ago(119),
  targetGeneration: 1,
  progressAt: ago(60),
  maxUpdated: 1,
  maxPassed: 0,
  ...change,
});

/** The status of an attempt from OLD to NEW under way. */
export function statusOf(
  change: Partial<UpgradeStatus> = {},
  attempt: Partial<Attempt> = {},
  spec: UpgradeSpec = specOf(),
): UpgradeStatus {
  return {
    observedGeneration: 3,
    targetUID: 'workload-1',
    targetGeneration: 2,
    phase: 'Upgrading',
    attempt: attemptOf(spec, attempt),
    from: { images: { web: OLD }, baseline: [] },
    to: { images: { web: NEW }, revision: 'new' },
    ...change,
  };
}

/** The same, as decisions use it. */
export const activeStatusOf = (...change: Parameters<typeof statusOf>): ActiveStatus =>
  activeStatus(completeStatus(statusOf(...change))) as ActiveStatus;

export const completeUpgradeOf = (change: UpgradeChange = {}): CompleteUpgrade =>
  completeUpgrade(upgradeOf(change));

export const fallbackOf = (change: Partial<FallbackStatus> = {}): FallbackStatus => ({
  state: 'Rolling',
  reason: 'ProbeFailed',
  cause: 'pod web-new-1: it exited 17',
  images: { web: OLD },
  startedAt: ago(30),
  ...change,
});

export type SnapshotChange = Partial<Omit<Snapshot, 'upgrade'>> & { readonly upgrade?: Upgrade };

export const snapshotOf = ({
  upgrade = upgradeOf({ status: statusOf() }),
  ...change
}: SnapshotChange = {}): Snapshot => ({
  now: NOW,
  upgrade: completeUpgrade(upgrade),
  workload: workloadOf(),
  updateRevision: 'new',
  pods: [podOf()],
  nodeReady: () => true,
  records: new Map(),
  waitingSince: new Map(),
  gateCarrier: 'Policy',
  ...change,
});

export function verificationContext(
  change: Partial<VerificationContext> & { postCheck?: Record<string, unknown> } = {},
): VerificationContext {
  const { postCheck, ...rest } = change;
  return {
    id: 'proof-1',
    spec: specOf(postCheck ? { postCheck } : {}),
    inFallback: false,
    startedAt: NOW - 60_000,
    deadlineSeconds: 600,
    nodeReady: () => true,
    waitingSince: new Map(),
    template: ['web', 'log', 'proxy', 'migrate', 'app'],
    images: { wanted: { web: NEW }, other: { web: OLD } },
    restartsBefore: () => 0,
    ...rest,
  };
}

export const recordOf = (change: Partial<PodRecord> = {}): PodRecord => ({
  verification: 'proof-1',
  startedAt: NOW - 1000,
  finishedAt: NOW - 900,
  cycles: 1,
  passes: 1,
  failures: 0,
  class: 'Pass',
  wasReady: true,
  tries: [],
  ...change,
});

/** One cycle in which the default check said this in each running container. */
export function cycleOf(
  outcome: TryOutcome,
  pod: PodView = podOf(),
  spec: UpgradeSpec = specOf(),
): FinishedCycle {
  const results = effectiveChecks(spec).flatMap((check) =>
    pod.containers
      .filter(({ role }) => role !== 'init')
      .map(({ name, id }) => ({ check, container: name, containerId: id, outcome })),
  );
  return { startedAt: NOW - 100, finishedAt: NOW - 50, results };
}

/** A template of one container with this image. */
export const templateOf = (image: string): WorkloadView['containers'] => [
  { name: 'web', image, role: 'regular', startupProbe: false },
];

/** A pod of the previous version. */
export const oldPodOf = (change: Partial<PodView> = {}): PodView =>
  podOf({ revision: 'old', containers: [containerOf({ image: OLD })], ...change });

/** The pod, Ready, with its result recorded on it. */
export function withResult(upgrade: Upgrade, pod: PodView, isGood = true, direction?: Direction): PodView {
  const id = verificationId(upgrade, upgrade.status ?? {}, direction);
  const message = withPins('exited', { id, spec: upgrade.spec }, pod);
  const result = isGood
    ? conditionOf('True', 5, 'PostCheckPassed', message)
    : conditionOf('False', 5, 'ProbeFailed', message);
  return { ...pod, conditions: { ...pod.conditions, Ready: conditionOf('True'), [VERIFIED]: result } };
}

/** The records of these pods after one cycle with this outcome. */
export function probed(
  upgrade: Upgrade,
  pods: readonly PodView[],
  outcome: TryOutcome,
): ReadonlyMap<string, PodRecord> {
  const { spec, status = {} } = upgrade;
  const verification = verificationId(upgrade, status);
  const context = { spec, template: ['web'], verification, inFallback: false };
  return new Map(
    pods.map((pod) => [pod.uid, addCycle(undefined, context, pod, cycleOf(outcome, pod, spec))]),
  );
}

export const exit = (code: number, output = ''): TryOutcome => ({ kind: 'exit', code, output });

/** What a test says of an Upgrade, its workload, and the rest of the snapshot. */
export interface Given {
  readonly status?: Partial<UpgradeStatus>;
  readonly attempt?: Partial<Attempt>;
  readonly spec?: Record<string, unknown>;
  readonly workload?: WorkloadChange;
  readonly rest?: SnapshotChange;
}

export const snapshotGiven = ({ status, attempt, spec, workload, rest }: Given): Snapshot =>
  snapshotOf({
    upgrade: upgradeOf({ spec, status: statusOf(status, attempt) }),
    workload: workloadOf(workload),
    ...rest,
  });
