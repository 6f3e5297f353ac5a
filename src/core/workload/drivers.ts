/** The driver of each kind. */
import type { OwnerView, WorkloadKind, WorkloadView } from '../../api/views.ts';
import type { NamedWorkload } from '../obstacle.ts';
import { daemonSet } from './daemon-set.ts';
import { deployment } from './deployment.ts';
import type { Driver } from './driver.ts';
import { statefulSet } from './stateful-set.ts';

const DRIVERS: { readonly [K in WorkloadKind]: Driver<Extract<WorkloadView, { kind: K }>> } = {
  Deployment: deployment,
  StatefulSet: statefulSet,
  DaemonSet: daemonSet,
};

/** Every kind that an Upgrade can target. */
export const WORKLOAD_KINDS = Object.keys(DRIVERS) as readonly WorkloadKind[];

/** The driver for a view; chosen by the kind, so it accepts that view. */
export const driverOf = ({ kind }: Pick<WorkloadView, 'kind'>): Driver => DRIVERS[kind] as Driver;

/** The kinds of revisions that own pods. */
export const POD_OWNING_REVISIONS = WORKLOAD_KINDS.map((kind) => driverOf({ kind }))
  .filter(({ podsOwnedBy }) => podsOwnedBy === 'Revision')
  .map(({ revisionKind }) => revisionKind);

type PodOwner = Pick<OwnerView, 'kind' | 'name'>;

/** The length of the longest name in Kubernetes. */
const NAME_MAX = 253;
/** The length of the longest hash of a template: a number of 32 bits. */
const HASH_MAX = 10;

/**
 * The controller in the owner references of a workload's pods. A revision that owns pods is named after its workload and its hash; of a name that is
 * too long then, the Deployment controller cuts the end (Kubernetes 1.34; no earlier one can create such a ReplicaSet).
 */
export function podOwnerOf({ kind, name }: NamedWorkload, hash: string): PodOwner {
  const { podsOwnedBy, revisionKind } = driverOf({ kind });
  return podsOwnedBy === 'Revision'
    ? { kind: revisionKind, name: `${name.slice(0, NAME_MAX - 1 - hash.length)}-${hash}` }
    : { kind, name };
}

/** Whether this is the controller of the workload's pods. */
export function ownsPods(workload: NamedWorkload, owner: PodOwner, hash: string): boolean {
  const named = podOwnerOf(workload, hash);
  return named.kind === owner.kind && named.name === owner.name;
}

const isOfRevisions = (kind: string): boolean =>
  WORKLOAD_KINDS.some((one) => one === kind && driverOf({ kind: one }).podsOwnedBy === 'Revision');

/** What a workload is found by from its pods. Workloads whose long names begin alike share it: ownsPods() distinguishes them. */
export const namedInPods = <K extends string>({
  kind,
  name,
}: {
  readonly kind: K;
  readonly name: string;
}) => ({
  kind,
  name: isOfRevisions(kind) ? name.slice(0, NAME_MAX - 1 - HASH_MAX) : name,
});

/** The same, of the workload whose pods have this controller; `undefined` if no kind of workload has such pods. */
export function namedByOwner(owner: PodOwner, hash: string): NamedWorkload | undefined {
  const suffix = `-${hash}`;
  const kind = WORKLOAD_KINDS.find((one) => podOwnerOf({ kind: one, name: '' }, hash).kind === owner.kind);
  if (!kind || !isOfRevisions(kind)) {
    return kind && { kind, name: owner.name };
  }
  return owner.name.endsWith(suffix)
    ? namedInPods({ kind, name: owner.name.slice(0, -suffix.length) })
    : undefined;
}
