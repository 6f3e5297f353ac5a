/**
 * What the checks say in pods of the version before, asked once before anything is written. It tells a version that lost its command from
 * one that never had it, and a version that broke from one that was broken already. Where the user requires that it passes, evidence against
 * it ends the attempt; a pod that does not answer is no evidence.
 */

import { effectiveChecks } from '../../api/checks.ts';
import { isReason } from '../../api/reasons.ts';
import type { BaselineEntry, Check } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { Decision } from '../plan.ts';
import type { CompleteUpgrade, Snapshot } from '../snapshot.ts';
import { type ActiveStatus, endAttempt, verificationId } from '../status.ts';
import { fromIso } from '../time.ts';
import type { VerificationContext } from '../verification/context.ts';
import { tryCause, worstTriesFirst } from '../verification/failure-cause.ts';
import { withPod } from '../verification/pod-result.ts';
import type { PodRecord, TryRecord } from '../verification/probe-cycle.ts';
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

/** A retry is a person's word that the attempt goes on all the same. */
const requiresPass = ({ spec }: CompleteUpgrade, { attempt }: ActiveStatus): boolean =>
  spec.preCheck.baseline === 'RequirePass' && attempt.trigger !== 'Retry';

/** What a check that runs a command means depends on the version before; a check over the network has to be asked only where it must pass. */
const isAsked = (upgrade: CompleteUpgrade, status: ActiveStatus, { exec }: Check): boolean =>
  upgrade.spec.preCheck.baseline !== 'None' && (exec !== undefined || requiresPass(upgrade, status));

/** Is the version before still to be asked? */
export const needsBaseline = ({ upgrade }: Snapshot, status: ActiveStatus, { direction }: Rollout): boolean =>
  policyOf(direction).asksBaseline &&
  !status.attempt.adopted &&
  status.from.baseline === undefined &&
  effectiveChecks(upgrade.spec).some((check) => isAsked(upgrade, status, check));

/** Asks up to three Ready pods once each, and records what they said before the attempt goes on. */
export function takeBaseline(snapshot: Snapshot, status: ActiveStatus): Decision {
  const { now, upgrade, records } = snapshot;
  const id = verificationId(upgrade, status);
  const context = verificationContext(snapshot, status);
  const { spec, template, inFallback } = context;
  const asked = samplePods(snapshot, context)
    .map((pod) => ({
      pod,
      tries: possibleTries({ spec, template }, pod).filter(({ check }) => isAsked(upgrade, status, check)),
    }))
    .filter(({ tries }) => tries.length > 0);
  const answerOf = ({ uid }: PodView): PodRecord | undefined => {
    const record = records.get(uid);
    return record?.verification === id ? record : undefined;
  };
  const answers = asked.flatMap(({ pod }) => {
    const record = answerOf(pod);
    return record ? [{ pod, tries: record.tries }] : [];
  });
  const until = fromIso(status.attempt.startedAt) + longestTimeout(snapshot) + GRACE_MS;
  if (answers.length === asked.length || now >= until) {
    const baseline = entriesOf(answers.flatMap(({ tries }) => tries));
    const recorded = { ...status, from: { ...status.from, baseline } };
    return {
      status: requiresPass(upgrade, status) ? judge(snapshot, recorded, answers) : recorded,
      intent: true,
    };
  }
  const cycles = asked
    .filter(({ pod }) => !answerOf(pod))
    .map(({ pod, tries }) => ({ pod, verification: id, inFallback, tries }));
  return { status, cycles, wakeAt: until };
}

interface Answer {
  readonly pod: PodView;
  readonly tries: readonly TryRecord[];
}

/** What speaks against the version before. That it lacks a command says only that it could not be asked. */
const isAgainst = ({ verdict }: TryRecord): boolean =>
  (verdict.class === 'Fail' || verdict.class === 'Retry') && !isReason(verdict.reason, 'CommandMissing');

/** Ends the attempt where the version before has to pass, and does not; before anything was written. */
function judge({ upgrade, now }: Snapshot, status: ActiveStatus, answers: readonly Answer[]): ActiveStatus {
  const failing = answers.filter(({ tries }) => tries.some(isAgainst));
  const [first] = failing;
  const worst = first && worstTriesFirst(first.tries).find(isAgainst);
  if (!first || !worst) {
    return status;
  }
  const cause: Cause = {
    ...withPod(tryCause(worst, first.pod, effectiveChecks(upgrade.spec)), first.pod),
    others: failing.length > 1 ? failing.length - 1 : undefined,
  };
  const end = { phase: 'Failed', outcome: 'Failed', reason: 'BaselineFailed', gating: false } as const;
  return endAttempt(upgrade, status, { ...end, cause }, now);
}

const samplePods = ({ pods }: Snapshot, context: VerificationContext): PodView[] =>
  pods
    .filter((pod) => isLive(pod) && isReady(pod) && !imageChange(pod, context))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .slice(0, SAMPLE);

const longestTimeout = ({ upgrade }: Snapshot): number =>
  Math.max(...effectiveChecks(upgrade.spec).map(({ timeoutSeconds }) => timeoutSeconds)) * 1000;

/** A further pod has said so; the first bad code stays. */
function withCode(known: Partial<BaselineEntry> = {}, { exitCode, ...entry }: BaselineEntry): BaselineEntry {
  const { total = 0, pods = 0 } = known;
  const kept = known.exitCode === undefined || known.missing ? exitCode : known.exitCode || exitCode;
  const before = known.exitCode === kept ? pods : 0;
  return { ...entry, exitCode: kept, pods: before + (exitCode === kept ? 1 : 0), total: total + 1 };
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
