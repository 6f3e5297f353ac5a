/**
 * Where the new version does not run verified although its pods had their turn: `status.left`. An entry is about a place, not about a pod: a
 * pod that is made anew counts once, and an entry goes when the place has a verified pod, or is no more.
 */
import { cut } from '../../api/cut.ts';
import type { LeftEntry } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { whatText } from '../report/cause-text.ts';
import { type ActiveStatus, unlessEmpty } from '../status.ts';
import type { PodResult } from '../verification/pod-result.ts';
import type { PodSummary } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { isReady } from '../workload/pods.ts';
import type { Turn } from './turn.ts';

/** What the status has room for, and so how many pods may be put back one by one. */
export const MOST_LEFT = 50;
const MESSAGE_MAX = 256;

/** The place of a pod: what stays when it is replaced. */
export const placeOf = ({ workload }: Pick<Turn, 'workload'>, pod: PodView): string =>
  driverOf(workload).placeOf(pod);

const isSettled = ({ state, recorded }: PodResult): boolean =>
  recorded && (state === 'Passed' || state === 'Skipped');

/** Does the pod run what ran before? The gate policy has the same rule; the revision tells it where admission rewrites pods. */
export const runsBefore = (pod: PodView, { from }: ActiveStatus): boolean =>
  pod.revision === from.revision ||
  Object.entries(from.images).every(([name, image]) =>
    pod.containers.some((container) => container.name === name && container.image === image),
  );

/** Of the pods that are to be replaced, those that failed there and were put back: they are not replaced again. */
export function putBackPods(
  { workload, status }: Pick<Turn, 'workload' | 'status'>,
  { outdated }: PodSummary,
): PodView[] {
  const places = new Set(status.left.map(({ name }) => name));
  return outdated.filter((pod) => places.has(placeOf({ workload }, pod)) && runsBefore(pod, status));
}

/** Places whose pod failed, and those that were left before. */
export function failedPlaces(turn: Turn): ReadonlySet<string> {
  const failed = turn.summary.results.filter(({ state }) => state === 'Failed');
  return new Set([
    ...turn.status.left.map(({ name }) => name),
    ...failed.map(({ pod }) => placeOf(turn, pod)),
  ]);
}

/** How many of the wanted pods are left that are none of the new version. */
export function leftWithoutPod(turn: Turn): number {
  const there = new Set(turn.summary.results.map(({ pod }) => placeOf(turn, pod)));
  return turn.status.left.filter(({ name }) => !there.has(name)).length;
}

/** The status with the places as they are now. */
export function followLeft(turn: Turn): ActiveStatus {
  const { status, summary } = turn;
  const known = status.left.map((entry) => entryNow(turn, entry)).filter((entry) => entry !== undefined);
  const names = new Set(known.map(({ name }) => name));
  const fresh = summary.results
    .filter(({ state, pod }) => state === 'Failed' && !names.has(placeOf(turn, pod)))
    .map((result) => failedEntry(turn, result));
  const left = [...known, ...fresh].slice(0, MOST_LEFT);
  return { ...status, left: unlessEmpty(left) };
}

function failedEntry(turn: Turn, { pod, cause }: PodResult): LeftEntry {
  const name = placeOf(turn, pod);
  return {
    name,
    node: pod.node && pod.node !== name ? pod.node : undefined,
    state: 'Failed',
    reason: cause.reason,
    message: cut(whatText(cause), MESSAGE_MAX),
  };
}

/** What has become of a place; `undefined` when nothing is left to tell of it. */
function entryNow(turn: Turn, entry: LeftEntry): LeftEntry | undefined {
  const { summary, aside } = turn;
  const isHere = ({ pod }: { readonly pod: PodView }) => placeOf(turn, pod) === entry.name;
  const result = summary.results.find(isHere);
  if (result) {
    return entryOfNew(turn, entry, result);
  }
  const back = aside.find(isHere);
  if (back) {
    return entryOfBack(turn, entry, back);
  }
  // A pod of neither version is replaced in its turn; and where all wanted pods are elsewhere, the place is no more. One that is not scheduled
  // yet may be the one that comes here.
  const live = [...summary.results, ...aside].map(({ pod }) => pod).concat(summary.outdated);
  const isElsewhere = live.length >= summary.desired && live.every((pod) => placeOf(turn, pod) !== '');
  const isOver = isElsewhere || summary.outdated.some((pod) => isHere({ pod }));
  return isOver ? undefined : entry;
}

function entryOfNew(turn: Turn, entry: LeftEntry, result: PodResult): LeftEntry | undefined {
  if (isSettled(result)) {
    return undefined;
  }
  return result.state === 'Failed' ? failedEntry(turn, result) : { ...entry, state: 'Failed' };
}

/** A pod of the version before that cannot be asked until its deadline runs all the same. */
function entryOfBack({ snapshot }: Turn, entry: LeftEntry, result: PodResult): LeftEntry {
  if (!snapshot.upgrade.spec.fallback.verify) {
    return isReady(result.pod) ? { ...entry, state: 'Unverified' } : entry;
  }
  if (isSettled(result)) {
    return { ...entry, state: 'Back' };
  }
  const isUnverified = result.state === 'Failed' || result.state === 'Inconclusive';
  return isUnverified ? { ...entry, state: 'Unverified' } : entry;
}

/** How many of the places have a pod of the version before, by an earlier look. */
export const putBackCount = ({ left }: Pick<ActiveStatus, 'left'>): number =>
  left.filter(({ state }) => state !== 'Failed').length;
