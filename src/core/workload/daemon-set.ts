/** The driver for DaemonSets. */
import type { DaemonSetView } from '../../api/views.ts';
import { type Driver, revisionOfTemplate } from './driver.ts';
import { unreachableNodes, unreadyFirst } from './pods.ts';

/** A DaemonSet has one pod for each node; of several revisions with the same template it uses the one with the highest number. */
export const daemonSet: Driver<DaemonSetView> = {
  revisionKind: 'ControllerRevision',
  podsOwnedBy: 'Workload',
  obstacle: () => undefined,
  updateRevision: (view, revisions) => revisionOfTemplate(view, revisions, (a, b) => b.revision - a.revision),
  unreachableNodes: (_view, pods, nodeReady) => unreachableNodes(pods, nodeReady),
  refusalIn: 'events',
  waitsForUnready: () => false,
  blockingPod: () => undefined,
  inReplacementOrder: (pods) => unreadyFirst(pods, (a, b) => (a.name < b.name ? -1 : 1)),
  placeOf: ({ node }) => node,
  partition: () => undefined,
  userPartition: () => undefined,
  positionOf: () => 0,
  stageHindrance: 'OwnChoice',
  hasPodPerNode: true,
  reusesNames: false,
  lever: ({ onDelete }) => (onDelete ? 'deletion' : 'none'),
};
