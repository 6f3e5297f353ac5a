/** The driver for Deployments. */
import type { DeploymentView } from '../../api/views.ts';
import { namedWorkload } from '../obstacle.ts';
import { type Driver, revisionOfTemplate } from './driver.ts';

/** A Deployment replaces pods through ReplicaSets; of several with the same template it uses the oldest, then the first by name. */
export const deployment: Driver<DeploymentView> = {
  revisionKind: 'ReplicaSet',
  podsOwnedBy: 'Revision',
  obstacle: (view) =>
    view.paused
      ? { reason: 'WorkloadPaused', workload: namedWorkload(view), namespace: view.namespace }
      : undefined,
  updateRevision: (view, revisions) =>
    revisionOfTemplate(view, revisions, (a, b) => a.createdAt - b.createdAt || (a.name < b.name ? -1 : 1)),
  unreachableNodes: () => [],
  repellingTaint: () => undefined,
  refusalIn: 'status',
  overlooksEnded: ({ recreates }) => recreates,
  waitsForUnready: () => false,
  blockingPod: () => undefined,
  inReplacementOrder: (pods) => [...pods],
  placeOf: ({ name }) => name,
  partition: () => undefined,
  userPartition: () => undefined,
  positionOf: () => 0,
  stageHindrance: 'AllAtOnce',
  hasPodPerNode: false,
  reusesNames: false,
  lever: ({ recreates }) => (recreates ? 'none' : 'gate'),
};
