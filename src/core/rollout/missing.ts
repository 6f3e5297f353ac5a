/** Why pods of a rollout are missing, or do not stay, as far as the pods themselves show it. */
import type { PodView, TaintView, WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { overlookedText, repelledText } from '../report/warning-text.ts';
import type { Snapshot } from '../snapshot.ts';
import { withPod } from '../verification/pod-result.ts';
import type { PodSummary } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { hasEnded, isEnding } from '../workload/pods.ts';

/**
 * The first pod since then that its node ended: it was evicted, or not admitted. Its controller creates another one, whose deadline starts again,
 * so without this a loop of them would have no reason.
 */
export function endedPod({ pods, updateRevision }: Snapshot, since: number | undefined): Cause | undefined {
  if (since === undefined) {
    return undefined;
  }
  // Creation times are whole seconds. What happened to earlier pods does not hold the rollout up now.
  const start = Math.floor(since / 1000) * 1000;
  const [first] = pods
    .filter(
      ({ phase, deleting, revision, createdAt }) =>
        phase === 'Failed' && !deleting && revision === updateRevision && createdAt >= start,
    )
    .sort((a, b) => a.createdAt - b.createdAt || (a.name < b.name ? -1 : 1));
  if (!first) {
    return undefined;
  }
  const detail = [first.reason, first.message].filter(Boolean).join(': ');
  return withPod({ reason: 'PodEnded', detail: detail === '' ? undefined : detail }, first);
}

/** The taint because of which no new pod would be created in the place of this one. */
const taintAgainst = (
  { nodeTaints }: Snapshot,
  workload: WorkloadView,
  { node }: PodView,
): TaintView | undefined => driverOf(workload).repellingTaint(workload, nodeTaints?.(node) ?? []);

/** Whether the pod must not be replaced, because its node would have none after that. */
export const isRepelled = (snapshot: Snapshot, workload: WorkloadView, pod: PodView): boolean =>
  taintAgainst(snapshot, workload, pod) !== undefined;

/** Why the first pod that is to be replaced by postcheck is not, if a taint of its node is the reason (kubernetes#53556). */
export function repelledPod(
  snapshot: Snapshot,
  workload: WorkloadView,
  { outdated }: PodSummary,
): Cause | undefined {
  if (driverOf(workload).lever(workload) !== 'deletion') {
    return undefined;
  }
  const found = outdated.map((pod) => ({ pod, taint: taintAgainst(snapshot, workload, pod) }));
  const [first] = found
    .filter(({ taint }) => taint !== undefined)
    .sort((a, b) => (a.pod.node < b.pod.node ? -1 : 1));
  return (
    first?.taint && withPod({ reason: 'Unschedulable', text: repelledText(workload, first.taint) }, first.pod)
  );
}

/** A pod that is still terminating while another one is missing: most controllers create none in its place before it is gone. */
export function terminatingPod({ pods }: Snapshot, summary: PodSummary): Cause | undefined {
  const { results, outdated, desired } = summary;
  const isMissing = results.length + outdated.length < desired;
  const [first] = isMissing ? pods.filter(isEnding).sort((a, b) => (a.name < b.name ? -1 : 1)) : [];
  return first && withPod({ reason: 'PodTerminating' }, first);
}

/** A pod that has ended, where no other one is left and none comes: its controller may have overlooked that. */
export function overlookedPod({ pods }: Snapshot, workload: WorkloadView): Cause | undefined {
  const isOverlooked = driverOf(workload).overlooksEnded(workload) && workload.desired > 0;
  const [first] = isOverlooked && pods.every(hasEnded) ? pods.filter(({ deleting }) => !deleting) : [];
  return first && withPod({ reason: 'PodTerminating', text: overlookedText(first) }, first);
}
