/** Decodes a Deployment, StatefulSet or DaemonSet. */
import {
  type ContainerRole,
  type DaemonSetView,
  type DeploymentView,
  STATUS_CHARACTERS,
  type StatefulSetView,
  type TemplateContainer,
  type TolerationView,
  type WorkloadKind,
  type WorkloadView,
} from '../../api/views.ts';
import { at, count, frozen, list, message, type Raw, record, text } from '../client/json.ts';
import { templateDigest } from './digest.ts';
import { isKeepable } from './kept-length.ts';
import { imageManagers, managesFields, othersSetPartition } from './managed-fields.ts';
import { mountsOf } from './mounts.ts';

/** Reduces a Deployment, StatefulSet or DaemonSet as the API server sends it to the fields that decisions read. */
export function decodeWorkload<K extends WorkloadKind>(kind: K, raw: unknown): ViewOf<K> {
  const object = record(raw);
  const metadata = record(object.metadata);
  const spec = record(object.spec);
  const status = record(object.status);
  const counts = COUNTS_OF[kind](spec, status);
  const digest = templateDigest(spec.template);
  const view = {
    namespace: text(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    resourceVersion: text(metadata.resourceVersion),
    generation: count(metadata.generation),
    observedGeneration: count(status.observedGeneration),
    deleting: metadata.deletionTimestamp !== undefined,
    containers: digest === '' ? [] : templateContainers(at(spec, 'template', 'spec')),
    imageManagers: imageManagers(metadata.managedFields),
    holdsOurFields: managesFields(metadata.managedFields),
    templateDigest: digest,
    ...counts,
    servesNothingMeanwhile: servesNothingMeanwhile(kind, spec, counts.desired),
    ownWaitSeconds: ownWaitSeconds(spec),
    replicaFailure: replicaFailure(status),
    ...FIELDS_OF[kind](spec, status, metadata),
  };
  const isShort = digest !== '' && isKeepable(view, view.containers.length * STATUS_CHARACTERS);
  return frozen((isShort ? view : { ...view, ...SHORTENED }) as unknown as ViewOf<K>);
}

/** In place of everything that may be long: the workload is known to exist, and nothing can be done with it. */
const SHORTENED: Partial<StatefulSetView & Pick<DaemonSetView, 'tolerations'>> = {
  isTooLong: true,
  tolerations: [],
  containers: [],
  imageManagers: {},
  updateRevision: '',
};

const ownWaitSeconds = (spec: Raw): number =>
  Math.min(
    count(spec.minReadySeconds) +
      count(at(spec, 'template', 'spec', 'terminationGracePeriodSeconds'), DEFAULT_GRACE_SECONDS),
    LONGEST_WAIT_SECONDS,
  );

/** The API server's default. */
const DEFAULT_GRACE_SECONDS = 30;
/** The longest duration in an Upgrade. A grace period may be any number of 64 bits, with which no attempt would ever be late. */
const LONGEST_WAIT_SECONDS = 604_800;

type ViewOf<K extends WorkloadKind> = Extract<WorkloadView, { kind: K }>;
type OwnFields<View> = Omit<View, keyof DeploymentView & keyof StatefulSetView & keyof DaemonSetView> &
  Pick<WorkloadView, 'kind'>;

/** Fields that only one kind has. */
const FIELDS_OF: {
  readonly [K in WorkloadKind]: (spec: Raw, status: Raw, metadata: Raw) => OwnFields<ViewOf<K>>;
} = {
  Deployment: (spec) => ({
    kind: 'Deployment',
    paused: spec.paused === true,
    recreates: at(spec, 'strategy', 'type') === 'Recreate',
  }),
  StatefulSet: (spec, status, { managedFields }) => ({
    kind: 'StatefulSet',
    updateRevision: text(status.updateRevision) || undefined,
    partition: count(at(spec, 'updateStrategy', 'rollingUpdate', 'partition')),
    firstOrdinal: count(at(spec, 'ordinals', 'start')),
    othersSetPartition: othersSetPartition(managedFields),
    onDelete: isOnDelete(spec),
    recreates: at(spec, 'updateStrategy', 'type') === 'Recreate',
    ordered: spec.podManagementPolicy !== 'Parallel',
  }),
  DaemonSet: (spec) => ({
    kind: 'DaemonSet',
    tolerations: list(at(spec, 'template', 'spec', 'tolerations')).map(toleration),
    onDelete: isOnDelete(spec),
  }),
};

function toleration(raw: unknown): TolerationView {
  const { key, operator, value, effect } = record(raw);
  return { key: text(key), operator: text(operator) || 'Equal', value: text(value), effect: text(effect) };
}

const isOnDelete = (spec: Raw): boolean => at(spec, 'updateStrategy', 'type') === 'OnDelete';

/**
 * A Deployment reports why its ReplicaSet cannot create pods, such as an exceeded quota, or why it cannot create the ReplicaSet itself; the
 * other kinds report it in events only.
 */
function replicaFailure(status: Raw): string | undefined {
  const conditions = list(status.conditions).map(record);
  const condition =
    conditions.find(({ type, status: value }) => type === 'ReplicaFailure' && value === 'True') ??
    conditions.find(({ type, reason }) => type === 'Progressing' && reason === 'ReplicaSetCreateError');
  return condition && message(condition.message);
}

type Counts = Pick<WorkloadView, 'desired' | 'updated' | 'ready' | 'available' | 'total' | 'misscheduled'>;

function replicaCounts(spec: Raw, status: Raw): Counts {
  return {
    desired: count(spec.replicas, 1),
    updated: count(status.updatedReplicas),
    ready: count(status.readyReplicas),
    available: count(status.availableReplicas),
    total: count(status.replicas),
  };
}

function daemonSetCounts(status: Raw): Counts {
  return {
    desired: count(status.desiredNumberScheduled),
    updated: count(status.updatedNumberScheduled),
    ready: count(status.numberReady),
    available: count(status.numberAvailable),
    total: count(status.currentNumberScheduled),
    misscheduled: count(status.numberMisscheduled),
  };
}

const COUNTS_OF: Readonly<Record<WorkloadKind, (spec: Raw, status: Raw) => Counts>> = {
  Deployment: replicaCounts,
  StatefulSet: replicaCounts,
  DaemonSet: (_spec, status) => daemonSetCounts(status),
};

function templateContainers(podSpec: unknown): TemplateContainer[] {
  const spec = record(podSpec);
  return [
    ...list(spec.initContainers).map((c) => container(c, initRole(c))),
    ...list(spec.containers).map((c) => container(c, 'regular')),
  ];
}

function container(raw: unknown, role: ContainerRole): TemplateContainer {
  const { name, image, startupProbe } = record(raw);
  return {
    name: text(name),
    image: text(image),
    role,
    startupProbe: startupProbe !== undefined,
    ...mountsOf(record(raw)),
  };
}

/** An init container that restarts always is a sidecar (KEP-753). */
export function initRole(raw: unknown): ContainerRole {
  return record(raw).restartPolicy === 'Always' ? 'sidecar' : 'init';
}

interface Strategy {
  readonly field: 'strategy' | 'updateStrategy';
  /** Default and rounding of the controllers: a Deployment rounds a percentage down, the other two round it up. */
  readonly maxUnavailable: string | number;
  readonly round: (value: number) => number;
}

const BY_UPDATE_STRATEGY: Strategy = { field: 'updateStrategy', maxUnavailable: 1, round: Math.ceil };
const STRATEGY_OF: Readonly<Record<WorkloadKind, Strategy>> = {
  Deployment: { field: 'strategy', maxUnavailable: '25%', round: Math.floor },
  StatefulSet: BY_UPDATE_STRATEGY,
  DaemonSet: BY_UPDATE_STRATEGY,
};

function servesNothingMeanwhile(kind: WorkloadKind, spec: Raw, desired: number): boolean {
  const { field, maxUnavailable, round } = STRATEGY_OF[kind];
  const strategy = record(spec[field]);
  if (strategy.type === 'Recreate') {
    return true;
  }
  if (strategy.type === 'OnDelete' || desired === 0) {
    return false;
  }
  const rolling = record(strategy.rollingUpdate);
  return podCount(rolling.maxUnavailable ?? maxUnavailable, desired, round) >= desired;
}

function podCount(intOrPercent: unknown, total: number, round: (value: number) => number): number {
  const percent = /^(\d+)%$/.exec(text(intOrPercent));
  return percent ? round((Number(percent[1]) / 100) * total) : count(intOrPercent);
}
