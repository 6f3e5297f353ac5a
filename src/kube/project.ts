import type { Watched, WatchedKind } from '../engine/ports.ts';
import { keepsPod, projectPod } from './project-pod.ts';
import { keepsRevision, projectControllerRevision, projectReplicaSet } from './project-revision.ts';
import { projectNode, projectUpgrade } from './project-upgrade.ts';
import { projectWorkload } from './project-workload.ts';

/** How a watched kind enters: raw JSON to view, and which views are kept at all. */
export interface Projection<T> {
  readonly project: (raw: unknown) => T;
  readonly keeps: (view: T) => boolean;
}

const always = (): boolean => true;

/** One projection for each watched kind. */
export const projections: { readonly [K in WatchedKind]: Projection<Watched[K]> } = {
  Upgrade: { project: projectUpgrade, keeps: always },
  Deployment: { project: (raw) => projectWorkload('Deployment', raw), keeps: always },
  StatefulSet: { project: (raw) => projectWorkload('StatefulSet', raw), keeps: always },
  DaemonSet: { project: (raw) => projectWorkload('DaemonSet', raw), keeps: always },
  ReplicaSet: { project: projectReplicaSet, keeps: keepsRevision },
  ControllerRevision: { project: projectControllerRevision, keeps: keepsRevision },
  Pod: { project: projectPod, keeps: keepsPod },
  Node: { project: projectNode, keeps: always },
};
