import type { DaemonSetView } from '../../api/views.ts';
import { type Driver, onDeleteObstacle, revisionOfTemplate } from './driver.ts';
import { isLive } from './pods.ts';

/** A DaemonSet has one pod a node; of several revisions with the template it uses the one with the highest number. */
export const daemonSet: Driver<DaemonSetView> = {
  obstacle: (view) => (view.onDelete ? onDeleteObstacle(view) : undefined),
  updateRevision: (view, revisions) => revisionOfTemplate(view, revisions, (a, b) => b.revision - a.revision),
  unreachableNodes: (_view, pods, nodeReady) => [
    ...new Set(pods.filter((pod) => isLive(pod) && pod.node && !nodeReady(pod.node)).map(({ node }) => node)),
  ],
  blockingPod: () => undefined,
  lever: ({ onDelete }) => (onDelete ? 'deletion' : 'none'),
};
