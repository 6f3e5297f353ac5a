/** The driver for StatefulSets. */
import type { PodView, StatefulSetView } from '../../api/views.ts';
import { type Driver, isObserved } from './driver.ts';
import { isLive, isReady, unreadyFirst } from './pods.ts';

/** A StatefulSet replaces pods by ordinal, the highest first, and its status has the revision that it rolls to. */
export const statefulSet: Driver<StatefulSetView> = {
  revisionKind: 'ControllerRevision',
  podsOwnedBy: 'Workload',
  obstacle: () => undefined,
  updateRevision: (view) => (isObserved(view) ? view.updateRevision : undefined),
  unreachableNodes: () => [],
  refusalIn: 'events',
  /**
   * An OrderedReady StatefulSet waits for a broken pod to become Ready before it replaces it, although its template was reverted
   * (kubernetes#67250). The highest ordinal goes first, one at a time.
   */
  blockingPod(view, pods, { update, spared }) {
    if (!view.ordered || update === undefined) {
      return undefined;
    }
    return pods
      .filter((pod) => isLive(pod) && !isReady(pod) && pod.revision !== update && pod.revision !== spared)
      .sort((a, b) => ordinalOf(b) - ordinalOf(a))[0];
  },
  /** An OrderedReady one makes no pod anew while one of a lower ordinal is broken, so that one must not wait for its turn. */
  inReplacementOrder: (pods) => unreadyFirst(pods, (a, b) => ordinalOf(b) - ordinalOf(a)),
  placeOf: ({ name }) => name,
  /** With OnDelete the API server rejects a partition. */
  partition: ({ onDelete, partition }) => (onDelete ? undefined : partition),
  userPartition({ onDelete, partition, othersSetPartition }, before) {
    if (onDelete) {
      return undefined;
    }
    return othersSetPartition ? partition : (before ?? partition);
  },
  hasPodPerNode: false,
  lever: ({ onDelete }) => (onDelete ? 'deletion' : 'partition'),
};

/** The number at the end of the pod's name. */
export const ordinalOf = ({ name }: PodView): number => Number(name.slice(name.lastIndexOf('-') + 1));
