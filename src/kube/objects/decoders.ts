/** The decoders of all watched kinds. */
import type { ContainerView, PodView } from '../../api/views.ts';
import type { Watched, WatchedKind } from '../../engine/ports.ts';
import { frozen } from '../client/json.ts';
import { decodePod, keepsPod } from './decode-pod.ts';
import { decodeControllerRevision, decodeReplicaSet, keepsRevision } from './decode-revision.ts';
import { decodeNode, decodeUpgrade } from './decode-upgrade.ts';
import { decodeWorkload } from './decode-workload.ts';
import { isKeepable } from './kept-length.ts';

/** How a watched kind is decoded, and which of its objects are cached. */
export interface Projection<T> {
  readonly project: (raw: unknown) => T;
  readonly keeps: (view: T) => boolean;
  /** Objects in a page of a list. Default 500. */
  readonly pageSize?: number;
}

/** Users can make an Upgrade as long as etcd takes an object: so many still fit in a response, and in memory. */
const UPGRADES_PAGE_SIZE = 20;

const always = (): boolean => true;

/** The pod without the messages of its containers, if it is too long with them: it must not disappear because all of them crash. */
const shortened = (pod: PodView): PodView =>
  isKeepable(pod) ? pod : frozen({ ...pod, containers: pod.containers.map(withoutMessages) });

const withoutMessages = ({ ended, ...container }: ContainerView): ContainerView => ({
  ...container,
  message: '',
  ...(ended ? { ended: { ...ended, message: '' } } : {}),
});

/** One projection for each watched kind. */
export const PROJECTIONS: { readonly [K in WatchedKind]: Projection<Watched[K]> } = {
  Upgrade: { project: decodeUpgrade, keeps: always, pageSize: UPGRADES_PAGE_SIZE },
  Deployment: { project: (raw) => decodeWorkload('Deployment', raw), keeps: always },
  StatefulSet: { project: (raw) => decodeWorkload('StatefulSet', raw), keeps: always },
  DaemonSet: { project: (raw) => decodeWorkload('DaemonSet', raw), keeps: always },
  ReplicaSet: { project: decodeReplicaSet, keeps: keepsRevision },
  ControllerRevision: { project: decodeControllerRevision, keeps: keepsRevision },
  Pod: { project: (raw) => shortened(decodePod(raw)), keeps: (pod) => keepsPod(pod) && isKeepable(pod) },
  Node: { project: decodeNode, keeps: always },
};
