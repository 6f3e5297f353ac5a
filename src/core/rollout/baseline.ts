/**
 * What the checks say in pods of the version before, asked once before anything is written. It tells a version that lost its command from
 * one that never had it, and a version that broke from one that was broken already.
 */

import { effectiveChecks } from '../../api/checks.ts';
import { isReason } from '../../api/reasons.ts';
import type { BaselineEntry } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import type { Decision } from '../plan.ts';
import type { Snapshot } from '../snapshot.ts';
import { type ActiveStatus, verificationId } from '../status.ts';
import { fromIso } from '../time.ts';
import type { VerificationContext } from '../verification/context.ts';
import type { TryRecord } from '../verification/probe-cycle.ts';
import { possibleTries } from '../verification/tries.ts';
import { imageChange } from '../verification/witness.ts';
import { isLive, isReady } from '../workload/pods.ts';
import { verificationContext } from './context.ts';
import { policyOf } from './policy.ts';
import type { Rollout } from './rollout.ts';

/** Pods that are asked. */
const SAMPLE = 3;
/** Beyond the longest time-out of a check: a baseline that cannot be had must not hold the attempt up. */
const GRACE_MS = 2000;
const MOST_ENTRIES = 64;

/** Is the version before still to be asked? Only checks that run a command depend on it. */
export const needsBaseline = (
  { upgrade }: Snapshot,
  { from, attempt }: ActiveStatus,
  { direction }: Rollout,
): boolean =>
  policyOf(direction).asksBaseline &&
  !attempt.adopted &&
  from.baseline === undefined &&
  effectiveChecks(upgrade.spec).some(({ exec }) => exec);

/** Asks up to three Ready pods once each, and records what they said before the attempt goes on. */
export function takeBaseline(snapshot: Snapshot, status: ActiveStatus): Decision {
  const { now, upgrade, records } = snapshot;
  const id = verificationId(upgrade, status);
  const context = verificationContext(snapshot, status);
  const { spec, template, inFallback } = context;
  const asked = samplePods(snapshot, context)
    .map((pod) => ({ pod, tries: possibleTries({ spec, template }, pod).filter(({ check }) => check.exec) }))
    .filter(({ tries }) => tries.length > 0);
  const answers = asked.map(({ pod }) => records.get(pod.uid)).filter((known) => known?.verification === id);
  const until = fromIso(status.attempt.startedAt) + longestTimeout(snapshot) + GRACE_MS;
  if (answers.length === asked.length || now >= until) {
    const baseline = entriesOf(answers.flatMap((answer) => answer?.tries ?? []));
    return { status: { ...status, from: { ...status.from, baseline } }, intent: true };
  }
  const cycles = asked
    .filter(({ pod }) => records.get(pod.uid)?.verification !== id)
    .map(({ pod, tries }) => ({ pod, verification: id, inFallback, tries }));
  return { status, cycles, wakeAt: until };
}

const samplePods = ({ pods }: Snapshot, context: VerificationContext): PodView[] =>
  pods
    .filter((pod) => isLive(pod) && isReady(pod) && !imageChange(pod, context))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, SAMPLE);

const longestTimeout = ({ upgrade }: Snapshot): number =>
  Math.max(...effectiveChecks(upgrade.spec).map(({ timeoutSeconds }) => timeoutSeconds)) * 1000;

/** A further pod has said so; the first bad code stays. */
function withCode(known: BaselineEntry | undefined, { exitCode, ...entry }: BaselineEntry): BaselineEntry {
  const total = (known?.total ?? 0) + 1;
  const kept = known?.exitCode === undefined || known.missing ? exitCode : known.exitCode || exitCode;
  const before = known?.exitCode === kept ? (known?.pods ?? 0) : 0;
  return { ...entry, exitCode: kept, pods: before + (exitCode === kept ? 1 : 0), total };
}

/** One entry a check and container: a command that one pod has is there, and a bad code of one pod counts. */
function entriesOf(tries: readonly TryRecord[]): BaselineEntry[] {
  const entries = new Map<string, BaselineEntry>();
  for (const { check, container, verdict } of tries) {
    const key = `${check}/${container}`;
    const known = entries.get(key);
    if (verdict.exitCode !== undefined) {
      entries.set(key, withCode(known, { check, container, exitCode: verdict.exitCode }));
    } else if (isReason(verdict.reason, 'CommandMissing', 'NoCheckRan') && !known) {
      entries.set(key, { check, container, missing: true });
    }
  }
  return [...entries.values()].slice(0, MOST_ENTRIES);
}
