/** Decodes a pod. */
import { isClosed } from '../../api/gate.ts';
import { VERIFIED } from '../../api/names.ts';
import { printable } from '../../api/printable.ts';
import type { ConditionView, ContainerRole, ContainerView, PodView } from '../../api/views.ts';
import { at, count, frozen, list, message, type Raw, record, text, time } from '../client/json.ts';
import { initRole } from './decode-workload.ts';
import { imagesSetAtCreation } from './managed-fields.ts';
import { mountsOf } from './mounts.ts';
import { controllerOf } from './owner.ts';

/** Condition types that decisions read besides those named in a pod's readiness gates. */
const READ_TYPES = ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready', 'DisruptionTarget', VERIFIED];
const PHASES = ['Pending', 'Running', 'Succeeded', 'Failed'] as const;

interface PodController {
  /** The label with the pod's revision. The template itself may contain the other one, copied from a pod. */
  readonly revisionLabel: string;
  /** The node that a pod is created for, before it is scheduled. */
  readonly intendedNode?: (spec: Raw) => string;
}

/** The controllers that create the pods of workloads that an Upgrade can target. */
const POD_CONTROLLERS: ReadonlyMap<string, PodController> = new Map<string, PodController>([
  ['ReplicaSet', { revisionLabel: 'pod-template-hash' }],
  ['StatefulSet', { revisionLabel: 'controller-revision-hash' }],
  ['DaemonSet', { revisionLabel: 'controller-revision-hash', intendedNode: nodeOfAffinity }],
]);

/** Reduces a pod to the fields that decisions read. A pod without a controlling owner gets an empty one; see `keepsPod`. */
export function decodePod(raw: unknown): PodView {
  const object = record(raw);
  const metadata = record(object.metadata);
  const spec = record(object.spec);
  const status = record(object.status);
  const owner = controllerOf(metadata);
  const controller = POD_CONTROLLERS.get(owner.kind);
  const gates = list(spec.readinessGates).map((gate) => text(record(gate).conditionType));
  return frozen({
    namespace: text(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    resourceVersion: text(metadata.resourceVersion),
    owner,
    revision: text(at(metadata, 'labels', controller?.revisionLabel ?? '')),
    node: text(spec.nodeName) || (controller?.intendedNode?.(spec) ?? ''),
    ip: text(status.podIP),
    phase:
      status.phase === undefined ? 'Pending' : (PHASES.find((phase) => phase === status.phase) ?? 'Unknown'),
    reason: text(status.reason),
    ...(status.phase === 'Failed' ? { message: message(status.message) } : {}),
    deleting: metadata.deletionTimestamp !== undefined,
    createdAt: time(metadata.creationTimestamp),
    specChanges: specChanges(metadata),
    imagesChanged: imagesChanged(metadata, spec),
    conditions: conditions(status.conditions, new Set([...READ_TYPES, ...gates])),
    gates,
    containers: containers(spec, status),
  });
}

/** Pods have a generation since Kubernetes 1.33; it starts at 1. */
const specChanges = ({ generation }: Raw): number => Math.max(0, count(generation) - 1);

/** One list for all pods that are as they were created. */
const NONE: readonly string[] = Object.freeze([]);

/** An image that was not demonstrably set at creation counts as changed, because managedFields may be cleared. */
function imagesChanged(metadata: Raw, spec: Raw): readonly string[] {
  if (specChanges(metadata) === 0) {
    return NONE;
  }
  const original = imagesSetAtCreation(metadata.managedFields, time(metadata.creationTimestamp));
  const changed = [...list(spec.containers), ...list(spec.initContainers)]
    .map((container) => text(record(container).name))
    .filter((name) => !original.has(name));
  return changed.length > 0 ? changed : NONE;
}

/**
 * The node that the DaemonSet controller created a pod for: the only required term of the node affinity names it, and the scheduler binds the pod
 * a moment later. Meanwhile the pod must not count as one without a node.
 */
function nodeOfAffinity(spec: Raw): string {
  const required = at(spec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  const fields = list(at(required, 'nodeSelectorTerms')).flatMap((term) => list(record(term).matchFields));
  const [name] = fields
    .map(record)
    .filter(({ key, operator }) => key === 'metadata.name' && operator === 'In');
  return text(list(name?.values)[0]);
}

/**
 * Whether the pod may belong to a workload that an Upgrade can target, or was left by one with a closed gate, which nobody else would open; all
 * others are not cached.
 */
export function keepsPod(pod: PodView): boolean {
  return POD_CONTROLLERS.has(pod.owner.kind) || (pod.owner.kind === '' && isClosed(pod));
}

function conditions(raw: unknown, types: ReadonlySet<string>): Record<string, ConditionView> {
  const found = new Map<string, ConditionView>();
  for (const entry of list(raw).map(record)) {
    const type = text(entry.type);
    if (!types.has(type)) {
      continue;
    }
    const status = entry.status === 'True' || entry.status === 'False' ? entry.status : 'Unknown';
    found.set(type, {
      status,
      reason: text(entry.reason),
      // Ours ends with what the result belongs to, however long it is.
      message: type === VERIFIED ? printable(text(entry.message)) : message(entry.message),
      since: time(entry.lastTransitionTime),
    });
  }
  return Object.fromEntries(found);
}

/** A pod with so many is not kept, so no more of them are decoded: anybody may have one decoded again and again, with a label that changes. */
const MOST_CONTAINERS = 1000;

function containers(spec: Raw, status: Raw): ContainerView[] {
  const statuses = byName(status.containerStatuses);
  const initStatuses = byName(status.initContainerStatuses);
  const some = (all: unknown): readonly unknown[] => list(all).slice(0, MOST_CONTAINERS);
  const regular = some(spec.containers).map((c) => containerView(c, 'regular', statuses));
  const others = some(spec.initContainers).map((c) => containerView(c, initRole(c), initStatuses));
  return [
    ...regular,
    ...others.filter((c) => c.role === 'sidecar'),
    ...others.filter((c) => c.role === 'init'),
  ];
}

/** A pod may have thousands of containers. */
const byName = (statuses: unknown): ReadonlyMap<unknown, Raw> =>
  new Map(list(statuses).map((status) => [record(status).name, record(status)]));

function containerView(
  raw: unknown,
  role: ContainerRole,
  statuses: ReadonlyMap<unknown, Raw>,
): ContainerView {
  const { name, image, ports } = record(raw);
  const status = record(statuses.get(name));
  const { running, waiting, terminated } = record(status.state);
  const ended = record(terminated ?? at(status, 'lastState', 'terminated'));
  const now = record(terminated ?? waiting);
  const startedAt = time(record(running).startedAt);
  return {
    name: text(name),
    image: text(image),
    role,
    id: text(status.containerID),
    restarts: count(status.restartCount),
    state: running !== undefined ? 'running' : terminated !== undefined ? 'terminated' : 'waiting',
    reason: text(now.reason),
    message: message(now.message),
    ...(typeof ended.exitCode === 'number' ? { exitCode: ended.exitCode, ...endView(ended, raw) } : {}),
    ...(restartsToResize(raw) ? { restartsToResize: true } : {}),
    ...(startedAt > 0 ? { startedAt } : {}),
    ready: status.ready === true,
    ...(role === 'sidecar' && running !== undefined && status.started === false ? { starting: true } : {}),
    ...namedPorts(ports),
    ...mountsOf(record(raw)),
  };
}

/** The actions of a restart rule that start the container again. */
const RESTARTS = ['Restart', 'RestartAllContainers'];

function endView(ended: Raw, spec: unknown): Pick<ContainerView, 'ended'> {
  const { exitCode } = ended;
  const rules = list(record(spec).restartPolicyRules).map(record);
  const byRule = rules.some(({ action, exitCodes }) => {
    const { operator, values } = record(exitCodes);
    return RESTARTS.includes(text(action)) && list(values).includes(exitCode) === (operator === 'In');
  });
  if (exitCode === 0 && !byRule) {
    return {};
  }
  return { ended: { reason: text(ended.reason), message: message(ended.message), byRule } };
}

const restartsToResize = (spec: unknown): boolean =>
  list(record(spec).resizePolicy).some((policy) => record(policy).restartPolicy === 'RestartContainer');

/** For network checks that refer to a port by name; most containers name none. */
function namedPorts(ports: unknown): { ports?: Readonly<Record<string, number>> } {
  const named = list(ports)
    .map(record)
    .filter(({ name, containerPort }) => typeof name === 'string' && typeof containerPort === 'number');
  if (named.length === 0) {
    return {};
  }
  return {
    ports: Object.fromEntries(named.map(({ name, containerPort }) => [text(name), count(containerPort)])),
  };
}
