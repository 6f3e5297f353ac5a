/**
 * How a rollout of a kind of workload works. Everything that differs between kinds in a decision is behind this interface.
 * A further kind also needs a line in drivers.ts, a view in api/views.ts with its decoder, and its name in schema, store and watches.
 */
import type { PodView, RevisionView, TaintView, WorkloadView } from '../../api/views.ts';
import type { Obstacle, StageHindrance } from '../obstacle.ts';

/** How a rollout can be stopped at a stage. */
export type Lever =
  /** Verdicts beyond the limit are withheld: the closed gates keep the controller from replacing further pods. Nothing is written. */
  | 'gate'
  /** `updateStrategy.rollingUpdate.partition` is moved, and restored at the end. */
  | 'partition'
  /** The controller replaces only deleted pods, so postcheck deletes the next ones. */
  | 'deletion'
  /** Not at all: the controller chooses the pods. */
  | 'none';

export interface Driver<View extends WorkloadView = WorkloadView> {
  /** The kind of its revisions. */
  readonly revisionKind: RevisionView['kind'];
  /** The controller in the owner references of its pods. */
  readonly podsOwnedBy: 'Revision' | 'Workload';
  /** What keeps the controller from replacing pods until the user has acted. */
  obstacle(view: View): Obstacle | undefined;
  /**
   * Revision label of the pods that the controller creates now; `undefined` while it has not observed the template.
   * "The newest revision" is never enough: a rollback renumbers the old one (kubernetes#51315), and caches of two kinds differ in age.
   */
  updateRevision(view: View, revisions: readonly RevisionView[]): string | undefined;
  /** Nodes whose pods cannot be updated, because the node is not Ready; only where a pod belongs to its node. None where all are: it is then not the nodes. */
  unreachableNodes(
    view: View,
    pods: readonly PodView[],
    nodeReady: (node: string) => boolean,
  ): readonly string[];
  /** The taint because of which the controller creates no pod on a node; only where a pod belongs to its node. */
  repellingTaint(view: View, taints: readonly TaintView[]): TaintView | undefined;
  /** Whether the controller may overlook that the last of its pods is gone, while one that has ended is still there (kubernetes#128798). */
  overlooksEnded(view: View): boolean;
  /** Whether the controller replaces no pod while one is not Ready. */
  waitsForUnready(view: View): boolean;
  /** A live pod that the controller may wait for instead of replacing it by one of the revision that it creates now, so that it has to be deleted; of those that are concerned. */
  blockingPod(
    view: View,
    pods: readonly PodView[],
    update: string | undefined,
    isConcerned: (pod: PodView) => boolean,
  ): PodView | undefined;
  /** Where its controller reports that it cannot create pods: in the status, or only in events. */
  readonly refusalIn: 'status' | 'events';
  lever(view: View): Lever;
  /** The present partition; `undefined` for kinds without one. */
  partition(view: View): number | undefined;
  /** The user's partition: `before`, if postcheck has moved it from there. */
  userPartition(view: View, before: number | undefined): number | undefined;
  /** The position of a pod, from 0, that the partition refers to. */
  positionOf(view: View, pod: PodView): number;
  /** Why the workload does not support stages, if its lever is `none`. */
  readonly stageHindrance?: StageHindrance;
  /** Whether it has one pod for each node, so that its places are nodes. */
  readonly hasPodPerNode: boolean;
  /** The place of a pod, which its replacement has too: its node, or its name. */
  placeOf(pod: PodView): string;
  /** Whether a new pod has the name of the one before it. */
  readonly reusesNames: boolean;
  /** The order in which pods are deleted, if the lever is `deletion`. */
  inReplacementOrder(pods: readonly PodView[]): PodView[];
}

/** Whether the controller has observed the present template. */
export const isObserved = ({ observedGeneration, generation }: WorkloadView): boolean =>
  observedGeneration >= generation;

/** The hash of the preferred revision with exactly the template of this workload. */
export function revisionOfTemplate(
  view: WorkloadView,
  revisions: readonly RevisionView[],
  preferred: (a: RevisionView, b: RevisionView) => number,
): string | undefined {
  const same = revisions.filter(
    ({ owner, templateDigest }) => owner.uid === view.uid && templateDigest === view.templateDigest,
  );
  return isObserved(view) ? same.sort(preferred)[0]?.hash : undefined;
}
