/**
 * What a kind of workload is to a rollout. Everything that differs between kinds in a decision stands behind this interface.
 * A further kind also needs a line in drivers.ts, a view in api/views.ts with its decoder, and its name in schema, store and watches.
 */
import type { PodView, RevisionView, WorkloadView } from '../../api/views.ts';
import type { Obstacle, StageHindrance } from '../obstacle.ts';

/** How a kind can be held at some of its pods, and what postcheck writes for it. */
export type Lever =
  /** Verdicts beyond the limit are withheld: the closed gate keeps the controller from replacing a further pod. Nothing is written. */
  | 'gate'
  /** `updateStrategy.rollingUpdate.partition` is moved, and put back at the end. */
  | 'partition'
  /** The controller replaces only what is deleted: postcheck deletes the pods whose turn it is. */
  | 'deletion'
  /** The controller chooses the pods, and nothing of ours can hold it. */
  | 'none';

export interface Driver<View extends WorkloadView = WorkloadView> {
  /** What its revisions are stored as. */
  readonly revisionKind: RevisionView['kind'];
  /** Whom its pods name as their controller. */
  readonly podsOwnedBy: 'Revision' | 'Workload';
  /** What keeps the controller from rolling, and what the user can do about it; the attempt waits until it is gone. */
  obstacle(view: View): Obstacle | undefined;
  /**
   * Revision label of the pods that the controller makes now; `undefined` while it has not taken up the template.
   * "The newest revision" is never enough: a rollback renumbers the old one (kubernetes#51315), and caches of two kinds differ in age.
   */
  updateRevision(view: View, revisions: readonly RevisionView[]): string | undefined;
  /** Nodes whose pods cannot be updated, because the node is not Ready; only where a pod belongs to its node. */
  unreachableNodes(view: View, pods: readonly PodView[], nodeReady: (node: string) => boolean): string[];
  /** A live pod that the controller waits for instead of replacing it, so that exactly this one has to be deleted. */
  blockingPod(view: View, pods: readonly PodView[], revisions: BlockingRevisions): PodView | undefined;
  /** Where its controller says that it cannot make pods: in the status, or in events alone. */
  readonly refusalIn: 'status' | 'events';
  lever(view: View): Lever;
  /** Where the partition stands; `undefined` for kinds without one. */
  partition(view: View): number | undefined;
  /** Did somebody else than us set it? */
  othersSetPartition(view: View): boolean;
  /** What keeps the workload from going in stages, for kinds that may have no lever. */
  readonly stageHindrance?: StageHindrance;
  /** Has it one pod a node, so that nodes are its places? */
  readonly hasPodPerNode: boolean;
  /** What stays when a pod is replaced: its node, its name, or nothing but itself. */
  placeOf(pod: PodView): string;
  /** The order in which pods are deleted where that is the lever. */
  inReplacementOrder(pods: readonly PodView[]): PodView[];
}

export interface BlockingRevisions {
  /** What the controller makes now. */
  readonly update: string | undefined;
  /** A revision whose pods are left alone, broken or not. */
  readonly spared: string | undefined;
}

/** Has the controller seen the template as it is? */
export const isObserved = ({ observedGeneration, generation }: WorkloadView): boolean =>
  observedGeneration >= generation;

/** Revisions of this very workload that carry its very template, the preferred one first. */
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
