/**
 * Where the new version does not run verified: `status.left`. Its pods failed there within the budget, or the node cannot be reached. An entry is
 * about a place (a node, or the name of a pod), not about one pod, so a failed pod and its replacements count once. An entry is removed when the
 * place has a verified pod, or no longer exists.
 */
import { cut } from '../../api/cut.ts';
import type { LeftState } from '../../api/enums.ts';
import type { LeftEntry } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { type ActiveStatus, unlessEmpty } from '../complete-status.ts';
import { whatText } from '../report/cause-text.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { PodSummary } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { isReady } from '../workload/pods.ts';
import type { Evaluation } from './evaluation.ts';

/** The maximum number of entries in the status, and therefore of pods that can be rolled back one by one. */
export const MAX_LEFT = 50;
const MESSAGE_MAX = 256;

/** The place of a pod: what its replacement has in common with it. */
export const placeOf = ({ workload }: Pick<Evaluation, 'workload'>, pod: PodView): string =>
  driverOf(workload).placeOf(pod);

const isSettled = ({ state, recorded }: PodResult): boolean =>
  recorded && (state === 'Passed' || state === 'Skipped');

/** Does the pod run the previous version? The gate policy has the same rule; the revision decides where admission rewrites the images of pods. */
export const runsPrevious = (pod: PodView, { from }: Pick<ActiveStatus, 'from'>): boolean =>
  pod.revision === from.revision ||
  Object.entries(from.images).every(([name, image]) =>
    pod.containers.some((container) => container.name === name && container.image === image),
  );

/** Does the pod belong to the previous version? Where its revision is not known, as after a change by others, the images tell. */
export const isOfPrevious = (pod: PodView, status: Pick<ActiveStatus, 'from'>): boolean =>
  status.from.revision === undefined ? runsPrevious(pod, status) : pod.revision === status.from.revision;

/** Outdated pods in places where the new version failed: they were rolled back, and are not replaced again. */
export function rolledBackPods(
  { workload, status }: Pick<Evaluation, 'workload' | 'status'>,
  { outdated }: PodSummary,
): PodView[] {
  const places = new Set(failedEntries(status).map(({ name }) => name));
  return outdated.filter((pod) => places.has(placeOf({ workload }, pod)) && runsPrevious(pod, status));
}

/** A place that nobody can reach, or that was unreachable and is not finished yet: nothing is known of it. */
const isUnreached = ({ state }: LeftEntry): boolean => state === 'Unreachable';

/** The places that are left because a pod failed there. */
export const failedEntries = ({ left }: Pick<ActiveStatus, 'left'>): LeftEntry[] =>
  left.filter((entry) => !isUnreached(entry));

/** Are places left, and all of them because nobody could reach them? */
export const isLeftUnreached = ({ left }: Pick<ActiveStatus, 'left'>): boolean =>
  left.length > 0 && left.every(isUnreached);

/** Places where a pod failed, now or earlier in this attempt. */
export function failedPlaces(evaluation: Evaluation): ReadonlySet<string> {
  const failed = evaluation.summary.results.filter(({ state }) => state === 'Failed');
  return new Set([
    ...failedEntries(evaluation.status).map(({ name }) => name),
    ...failed.map(({ pod }) => placeOf(evaluation, pod)),
  ]);
}

/** How many places in `status.left` where a pod failed have no pod of the new version. */
export function leftWithoutPod(evaluation: Evaluation): number {
  const occupied = new Set(evaluation.summary.results.map(({ pod }) => placeOf(evaluation, pod)));
  return failedEntries(evaluation.status).filter(({ name }) => !occupied.has(name)).length;
}

/** Updates `status.left` from the pods. */
export function followLeft(evaluation: Evaluation): ActiveStatus {
  const { status, summary } = evaluation;
  const remaining = status.left
    .map((entry) => updatedEntry(evaluation, entry))
    .filter((entry) => entry !== undefined);
  const names = new Set(remaining.map(({ name }) => name));
  const added = summary.results
    .filter(({ state, pod }) => state === 'Failed' && !names.has(placeOf(evaluation, pod)))
    .map((result) => failedEntry(evaluation, result));
  const lost = status.attempt.excludedNodes.filter((node) => !names.has(node));
  const left = [...remaining.filter((entry) => !isUnreached(entry)), ...added]
    .concat(remaining.filter(isUnreached), lost.map(lostEntry))
    .slice(0, MAX_LEFT);
  return { ...status, left: unlessEmpty(left) };
}

function failedEntry(evaluation: Evaluation, { pod, cause }: PodResult): LeftEntry {
  const name = placeOf(evaluation, pod);
  return {
    name,
    node: pod.node && pod.node !== name ? pod.node : undefined,
    state: 'Failed',
    reason: cause.reason,
    message: cut(whatText(cause), MESSAGE_MAX),
  };
}

const lostEntry = (name: string): LeftEntry => ({
  name,
  state: 'Unreachable',
  reason: 'NodeUnreachable',
  message: whatText({ reason: 'NodeUnreachable', node: name }),
});

/** The entry as it is now; `undefined` when it is to be removed. */
function updatedEntry(evaluation: Evaluation, entry: LeftEntry): LeftEntry | undefined {
  const { summary, rolledBack, status } = evaluation;
  if (status.attempt.excludedNodes.includes(entry.name)) {
    return entry;
  }
  const isHere = ({ pod }: { readonly pod: PodView }) => placeOf(evaluation, pod) === entry.name;
  const result = summary.results.find(isHere);
  if (result) {
    return entryOfNewVersion(evaluation, entry, result);
  }
  const back = rolledBack.find(isHere);
  if (back) {
    return entryOfPreviousVersion(evaluation, entry, back);
  }
  // The place no longer exists if all desired pods are elsewhere; a pod that is not scheduled yet may still come here. A pod here that is to be
  // replaced runs neither version, so the entry no longer describes it.
  const live = [...summary.results, ...rolledBack].map(({ pod }) => pod).concat(summary.outdated);
  const isElsewhere = live.length >= summary.desired && live.every((pod) => placeOf(evaluation, pod) !== '');
  const isReplaced = summary.outdated.some((pod) => isHere({ pod }));
  // A node that is back is still to be finished: its pod is replaced in its turn.
  const isGone = isUnreached(entry) ? isElsewhere && !isReplaced : isElsewhere || isReplaced;
  return isGone ? undefined : entry;
}

function entryOfNewVersion(
  evaluation: Evaluation,
  entry: LeftEntry,
  result: PodResult,
): LeftEntry | undefined {
  if (isSettled(result)) {
    return undefined;
  }
  if (result.state === 'Failed') {
    return failedEntry(evaluation, result);
  }
  return isUnreached(entry) ? entry : { ...entry, state: 'Failed' };
}

/** A pod of the previous version that could not be probed until its deadline counts as unverified. */
function entryOfPreviousVersion({ snapshot }: Evaluation, entry: LeftEntry, result: PodResult): LeftEntry {
  if (!snapshot.upgrade.spec.fallback.verify) {
    return isReady(result.pod) ? { ...entry, state: 'Unverified' } : entry;
  }
  if (isSettled(result)) {
    return { ...entry, state: 'Back' };
  }
  const isUnverified = result.state === 'Failed' || result.state === 'Inconclusive';
  return isUnverified ? { ...entry, state: 'Unverified' } : entry;
}

/** How many of the places have a pod of the previous version, as recorded. */
export const rolledBackCount = ({ left }: Pick<ActiveStatus, 'left'>): number =>
  left.filter(isRolledBack).length;

const ROLLED_BACK: readonly LeftState[] = ['Back', 'Unverified'];

/** Is there a pod of the previous version again? */
export const isRolledBack = ({ state }: Pick<LeftEntry, 'state'>): boolean => ROLLED_BACK.includes(state);
