/** Reads an Upgrade with its workload, revisions, pods and endpoints, as far as the caller may read them. */
import type { Upgrade } from '../../../src/api/types.ts';
import type { PodView, RevisionView, WorkloadKind, WorkloadView } from '../../../src/api/views.ts';
import { completeUpgrade, type Snapshot } from '../../../src/core/snapshot.ts';
import { driverOf } from '../../../src/core/workload/drivers.ts';
import { at, list, type Raw, record, text } from '../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../src/kube/client/paths.ts';
import { decodePod } from '../../../src/kube/objects/decode-pod.ts';
import { decodeUpgrade } from '../../../src/kube/objects/decode-upgrade.ts';
import { decodeWorkload } from '../../../src/kube/objects/decode-workload.ts';
import { PROJECTIONS } from '../../../src/kube/objects/decoders.ts';
import type { Cluster } from './cluster.ts';
import { Fault } from './fault.ts';
import type { Found } from './upgrades.ts';

export const ENDPOINT_SLICES = { root: '/apis/discovery.k8s.io/v1', plural: 'endpointslices' };

/** The state of a pod in the endpoints of Services: ready, published although it is not ready (`publishNotReadyAddresses`), or not a target. */
export type Traffic = 'serving' | 'published' | 'out';

export const takesTraffic = (traffic: Traffic | undefined): boolean =>
  traffic === 'serving' || traffic === 'published';

export interface Scene {
  readonly upgrade: Upgrade;
  readonly workload?: WorkloadView;
  readonly rawWorkload?: Raw;
  readonly pods: readonly PodView[];
  readonly rawPods: readonly Raw[];
  readonly revisions: readonly RevisionView[];
  readonly updateRevision?: string;
  /** By pod UID; absent if the caller may not read endpoints, or no Service selects the pods. */
  readonly traffic?: ReadonlyMap<string, Traffic>;
  /** The Upgrades of the namespace, if this one depends on some. */
  readonly others?: readonly Upgrade[];
  /** What could not be read, and why. */
  readonly missing: readonly string[];
  /** The API server says that the workload does not exist. */
  readonly isGone?: boolean;
}

/** Reads everything that is shown of this Upgrade. What the caller may not read is listed in `missing`. */
export async function gather(cluster: Cluster, { upgrade }: Found): Promise<Scene> {
  const { kind, name } = upgrade.spec.targetRef;
  const { namespace } = upgrade.metadata;
  const missing: string[] = [];
  const target = { resource: RESOURCES[kind], namespace, name };
  const answer = await cluster.try({ method: 'GET', target, retries: 1 });
  if (!answer.ok) {
    const { failure, status } = answer;
    const scene = compose({ upgrade, missing: [cluster.fault(failure, status, target).message] });
    return { ...scene, isGone: failure.kind === 'notFound' };
  }
  const rawWorkload = record(answer.body);
  const labelSelector = selectorText(at(rawWorkload, 'spec', 'selector'));
  const [rawPods, rawRevisions, slices, others] = await Promise.all([
    optional(cluster.list(RESOURCES.Pod, namespace, { labelSelector }), missing),
    optional(cluster.list(RESOURCES[revisionKind(kind)], namespace, { labelSelector }), missing),
    optional(cluster.list(ENDPOINT_SLICES, namespace), missing),
    upgrade.spec.dependsOn ? optional(cluster.list(RESOURCES.Upgrade, namespace), missing) : undefined,
  ]);
  const revisions = rawRevisions?.map(PROJECTIONS[revisionKind(kind)].project);
  const scene = compose({ upgrade, rawWorkload, pods: rawPods?.map(readPod), revisions, slices, missing });
  return others ? { ...scene, others: others.map(decodeUpgrade) } : scene;
}

export const revisionKind = (kind: WorkloadKind): RevisionView['kind'] => driverOf({ kind }).revisionKind;

/** A pod as it was read, and decoded. */
export interface ReadPod {
  readonly raw: Raw;
  readonly pod: PodView;
}

export const readPod = (raw: Raw): ReadPod => ({ raw, pod: decodePod(raw) });

/** The objects that were read, of this workload and of others; absent if they could not be read. */
export interface Reads {
  readonly upgrade: Upgrade;
  readonly rawWorkload?: Raw | undefined;
  readonly pods?: readonly ReadPod[] | undefined;
  readonly revisions?: readonly RevisionView[] | undefined;
  readonly slices?: readonly Raw[] | undefined;
  readonly missing: readonly string[];
}

/** Selects the objects that belong to the Upgrade's workload. Pure. */
export function compose({ upgrade, rawWorkload, pods: read, revisions, slices, missing }: Reads): Scene {
  if (!rawWorkload) {
    return { upgrade, pods: [], rawPods: [], revisions: [], missing };
  }
  const workload = decodeWorkload(upgrade.spec.targetRef.kind, rawWorkload);
  const owned = (revisions ?? []).filter(({ owner }) => owner.uid === workload.uid);
  const owners = new Set([workload.uid, ...owned.map(({ uid }) => uid)]);
  const mine = (read ?? []).filter(({ pod }) => owners.has(pod.owner.uid) || revisions === undefined);
  const pods = mine.map(({ pod }) => pod);
  const revision = driverOf(workload).updateRevision(workload, owned);
  const traffic = slices && trafficOf(slices, pods);
  return {
    upgrade,
    workload,
    rawWorkload,
    rawPods: mine.map(({ raw }) => raw),
    pods,
    revisions: owned,
    missing,
    ...(revision === undefined ? {} : { updateRevision: revision }),
    ...(traffic === undefined ? {} : { traffic }),
  };
}

/** Returns the value, or nothing if it cannot be read, and adds the reason to `missing`. */
async function optional<T>(reading: Promise<T>, missing: string[]): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof Fault)) {
      throw error;
    }
    missing.push(error.message);
    return undefined;
  }
}

/** Formats a label selector as a query parameter. */
export function selectorText(selector: unknown): string {
  const { matchLabels, matchExpressions } = record(selector);
  const equal = Object.entries(record(matchLabels)).map(([key, value]) => `${key}=${text(value)}`);
  const others = list(matchExpressions).map((expression) => {
    const { key, operator, values } = record(expression);
    const set = `(${list(values).map(text).join(',')})`;
    switch (operator) {
      case 'In':
        return `${text(key)} in ${set}`;
      case 'NotIn':
        return `${text(key)} notin ${set}`;
      case 'Exists':
        return text(key);
      default:
        return `!${text(key)}`;
    }
  });
  return [...equal, ...others].join(',');
}

const MOST_TRAFFIC_FIRST: readonly Traffic[] = ['serving', 'published', 'out'];

function endpointState(endpoint: unknown): Traffic {
  if (at(endpoint, 'conditions', 'ready') === false) {
    return 'out';
  }
  return at(endpoint, 'conditions', 'serving') === false ? 'published' : 'serving';
}

function trafficOf(
  slices: readonly Raw[],
  pods: readonly PodView[],
): ReadonlyMap<string, Traffic> | undefined {
  const mine = new Set(pods.map(({ uid }) => uid));
  const found = new Map<string, Traffic>();
  for (const endpoint of slices.flatMap((slice) => list(slice.endpoints))) {
    const uid = text(at(endpoint, 'targetRef', 'uid'));
    if (!mine.has(uid)) {
      continue;
    }
    const here = endpointState(endpoint);
    const known = found.get(uid) ?? 'out';
    found.set(uid, MOST_TRAFFIC_FIRST.find((one) => one === here || one === known) ?? 'out');
  }
  return found.size > 0 ? found : undefined;
}

/** Returns the snapshot for the operator's decisions, without what only the operator has in memory. */
export function snapshotOf(scene: Scene, now: number): Snapshot {
  const { upgrade, workload, pods, others } = scene;
  return {
    now,
    upgrade: completeUpgrade(upgrade),
    ...(workload ? { workload } : {}),
    ...(scene.updateRevision === undefined ? {} : { updateRevision: scene.updateRevision }),
    pods,
    nodeReady: () => true,
    records: new Map(),
    waitingSince: new Map(),
    gateCarrier: 'Policy',
    ...(others ? { upgradeNamed: (name) => others.find(({ metadata }) => metadata.name === name) } : {}),
  };
}
