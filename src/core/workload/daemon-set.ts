/** The driver for DaemonSets. */
import type { DaemonSetView, PodView } from '../../api/views.ts';
import { type Driver, revisionOfTemplate } from './driver.ts';
import { unreadyFirst } from './pods.ts';

/** A DaemonSet has one pod for each node; of several revisions with the same template it uses the one with the highest number. */
export const daemonSet: Driver<DaemonSetView> = {
  revisionKind: 'ControllerRevision',
  podsOwnedBy: 'Workload',
  obstacle: () => undefined,
  updateRevision: (view, revisions) => revisionOfTemplate(view, revisions, (a, b) => b.revision - a.revision),
  unreachableNodes: (_view, pods, nodeReady) => {
    const isThere = ({ node, phase }: PodView) => node !== '' && phase !== 'Failed' && phase !== 'Succeeded';
    const lost = pods.filter((pod) => isThere(pod) && !nodeReady(pod.node));
    const isNetworkLost = lost.length > 0 && pods.every((pod) => !isThere(pod) || !nodeReady(pod.node));
    return isNetworkLost ? [] : [...new Set(lost.map(({ node }) => node))];
  },
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
  lever: ({ onDelete }) => (onDelete ? 'deletion' : 'none'),
};
