/**
 * Corrects the times in a pod's status, which are set by the clock of its node. A node clock that is ahead would delay the probes of a pod until
 * its deadline is over, one that is behind would end every wait at once. An impossible time is replaced by the time when we first saw it.
 */
import { own } from '../api/own.ts';
import type { ConditionView, ContainerView, PodView } from '../api/views.ts';

/** Times from the API server are whole seconds, and our clock is within one second of it. */
const SLACK_MS = 2000;

/** Returns the pod with all times between its creation and now. `before` is the pod as it was cached, with the times seen then. */
export function withCredibleTimes(pod: PodView, before: PodView | undefined, now: number): PodView {
  const isCredible = (at: number | undefined): boolean =>
    // 0: unknown.
    !at || (at >= pod.createdAt - SLACK_MS && at <= now + SLACK_MS);
  if (
    pod.containers.every(({ startedAt }) => isCredible(startedAt)) &&
    Object.values(pod.conditions).every(({ since }) => isCredible(since))
  ) {
    return pod;
  }
  const seenStart = ({ name, id }: ContainerView): number =>
    before?.containers.find((known) => known.name === name && known.id === id)?.startedAt ?? now;
  const seenSince = (type: string, { status }: ConditionView): number => {
    const known = before && own(before.conditions, type);
    return known?.status === status ? known.since : now;
  };
  const containers = pod.containers.map((container) =>
    isCredible(container.startedAt)
      ? container
      : Object.freeze({ ...container, startedAt: seenStart(container) }),
  );
  const conditions = Object.entries(pod.conditions).map(([type, condition]) => [
    type,
    isCredible(condition.since)
      ? condition
      : Object.freeze({ ...condition, since: seenSince(type, condition) }),
  ]);
  return Object.freeze({
    ...pod,
    containers: Object.freeze(containers),
    conditions: Object.freeze(Object.fromEntries(conditions)),
  });
}
