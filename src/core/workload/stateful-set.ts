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
  repellingTaint: () => undefined,
  refusalIn: 'events',
  overlooksEnded: () => false,
  waitsForUnready: ({ ordered, recreates }) => ordered && !recreates,
  /**
   * An OrderedReady StatefulSet waits for a broken pod to become Ready before it replaces it, although its template was reverted
   * (kubernetes#67250), and so does a Parallel one where the controller counts that pod as unavailable (kubernetes#137409). The highest ordinal
   * goes first, one at a time. A Parallel one with OnDelete waits for no pod.
   */
  blockingPod(view, pods, update, isConcerned) {
    if ((!view.ordered && view.onDelete) || update === undefined) {
      return undefined;
    }
    return pods
      .filter((pod) => isLive(pod) && !isReady(pod) && pod.revision !== update && isConcerned(pod))
      .sort((a, b) => ordinalOf(b) - ordinalOf(a))[0];
  },
  /** An OrderedReady one makes no pod anew while one of a lower ordinal is broken, so that one must not wait for its turn. */
  inReplacementOrder: (pods) => unreadyFirst(pods, (a, b) => ordinalOf(b) - ordinalOf(a)),
  placeOf: ({ name }) => name,
  partition: (view) => (hasPartition(view) ? view.partition : undefined),
  userPartition(view, before) {
    if (!hasPartition(view)) {
      return undefined;
    }
    const { partition, othersSetPartition } = view;
    return othersSetPartition ? partition : (before ?? partition);
  },
  /** The first ordinal need not be 0 (kubernetes#128529). */
  positionOf: ({ firstOrdinal }, pod) => ordinalOf(pod) - firstOrdinal,
  hasPodPerNode: false,
  reusesNames: true,
  stageHindrance: 'AllAtOnce',
  lever: ({ onDelete, recreates }) => (onDelete ? 'deletion' : recreates ? 'none' : 'partition'),
};

/** Only with RollingUpdate does the API server accept a partition. */
const hasPartition = ({ onDelete, recreates }: StatefulSetView): boolean => !onDelete && !recreates;

/** The number at the end of the pod's name. */
const ordinalOf = ({ name }: PodView): number => Number(name.slice(name.lastIndexOf('-') + 1));
