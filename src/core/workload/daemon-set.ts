/** The driver for DaemonSets. */
import type { DaemonSetView, TaintView, TolerationView } from '../../api/views.ts';
import { type Driver, revisionOfTemplate } from './driver.ts';
import { unreachableNodes, unreadyFirst } from './pods.ts';

/** Kubernetes sets these taints itself, for as long as a node is not Ready or short of something. A DaemonSet's pods tolerate most of them. */
const OF_KUBERNETES = 'node.kubernetes.io/';

const isRepelling = (taint: TaintView, tolerations: readonly TolerationView[]): boolean =>
  !taint.key.startsWith(OF_KUBERNETES) && !tolerations.some((one) => tolerates(one, taint));

/** With an operator that is not known, as one for numbers, nothing is known to be kept away. */
const tolerates = ({ key, operator, value, effect }: TolerationView, taint: TaintView): boolean =>
  ['', taint.key].includes(key) &&
  ['', taint.effect].includes(effect) &&
  (operator !== 'Equal' || (key !== '' && value === taint.value));

/** A DaemonSet has one pod for each node; of several revisions with the same template it uses the one with the highest number. */
export const daemonSet: Driver<DaemonSetView> = {
  revisionKind: 'ControllerRevision',
  podsOwnedBy: 'Workload',
  obstacle: () => undefined,
  updateRevision: (view, revisions) => revisionOfTemplate(view, revisions, (a, b) => b.revision - a.revision),
  unreachableNodes: (_view, pods, nodeReady) => unreachableNodes(pods, nodeReady),
  repellingTaint: ({ tolerations }, taints) => taints.find((taint) => isRepelling(taint, tolerations)),
  refusalIn: 'events',
  overlooksEnded: () => false,
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
