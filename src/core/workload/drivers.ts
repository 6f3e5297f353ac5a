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

/** The controller in the owner references of a workload's pods. A revision that owns pods is named after its workload and its hash. */
export function podOwnerOf({ kind, name }: NamedWorkload, hash: string): PodOwner {
  const { podsOwnedBy, revisionKind } = driverOf({ kind });
  return podsOwnedBy === 'Revision' ? { kind: revisionKind, name: `${name}-${hash}` } : { kind, name };
}

/** The workload whose pods have this controller in their owner references. */
export function workloadOfPodOwner(owner: PodOwner, hash: string): NamedWorkload | undefined {
  const suffix = `-${hash}`;
  const names = owner.name.endsWith(suffix)
    ? [owner.name, owner.name.slice(0, -suffix.length)]
    : [owner.name];
  return WORKLOAD_KINDS.flatMap((kind) => names.map((name) => ({ kind, name }))).find((workload) => {
    const named = podOwnerOf(workload, hash);
    return named.kind === owner.kind && named.name === owner.name;
  });
}
