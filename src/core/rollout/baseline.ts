/**
 * The baseline: results of the checks in pods of the previous version, taken once before the first write. They distinguish a version that lost
 * its command from one that never had it, and a version that broke from one that was already broken. If the user requires the baseline to
 * pass, evidence against the previous version ends the attempt; a pod that does not respond is no evidence.
 */

import { effectiveChecks } from '../../api/checks.ts';
import { isReason } from '../../api/reasons.ts';
import type { BaselineEntry, Check } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { ActiveStatus } from '../complete-status.ts';
import type { Decision } from '../plan.ts';
import type { CompleteUpgrade, Snapshot } from '../snapshot.ts';
import { endAttempt, verificationId } from '../status.ts';
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

/** The number of pods that are probed. */
const SAMPLE = 3;
/** Added to the time limit of the probes: a baseline without results must not delay the attempt further. */
const GRACE_MS = 2000;
const MAX_ENTRIES = 64;

/** With a retry, a person decides that the attempt goes on regardless. */
const requiresPass = ({ spec }: CompleteUpgrade, { attempt }: ActiveStatus): boolean =>
  spec.preCheck.baseline === 'RequirePass' && attempt.trigger !== 'Retry';

/** The meaning of a command's result depends on the previous version. A network check is part of the baseline only if it has to pass. */
const isInBaseline = (upgrade: CompleteUpgrade, status: ActiveStatus, { exec }: Check): boolean =>
  upgrade.spec.preCheck.baseline !== 'None' && (exec !== undefined || requiresPass(upgrade, status));

/** Is the baseline still to be taken? */
export const needsBaseline = ({ upgrade }: Snapshot, status: ActiveStatus, { direction }: Rollout): boolean =>
  policyOf(direction).takesBaseline &&
  !status.attempt.adopted &&
  status.from.baseline === undefined &&
  effectiveChecks(upgrade.spec).some((check) => isInBaseline(upgrade, status, check));

/** Probes up to three Ready pods once each, and records their results before the attempt continues. */
export function takeBaseline(snapshot: Snapshot, status: ActiveStatus): Decision {
  const { now, upgrade, records } = snapshot;
  const id = verificationId(upgrade, status);
  const context = verificationContext(snapshot, status);
  const { spec, template, inFallback } = context;
  const sample = samplePods(snapshot, context)
    .map((pod) => ({
      pod,
      tries: possibleTries({ spec, template }, pod).filter(({ check }) =>
        isInBaseline(upgrade, status, check),
      ),
    }))
    .filter(({ tries }) => tries.length > 0);
  const recordOf = ({ uid }: PodView): PodRecord | undefined => {
    const record = records.get(uid);
    return record?.verification === id ? record : undefined;
  };
  const answers = sample.flatMap(({ pod }) => {
    const record = recordOf(pod);
    return record ? [{ pod, tries: record.tries }] : [];
  });
  const until = fromIso(status.attempt.startedAt) + timeLimitMs(snapshot, status) + GRACE_MS;
  if (answers.length === sample.length || now >= until) {
    const baseline = entriesOf(answers.flatMap(({ tries }) => tries));
    const recorded = { ...status, from: { ...status.from, baseline } };
    return {
      status: requiresPass(upgrade, status) ? requireBaseline(snapshot, recorded, answers) : recorded,
      intent: true,
    };
  }
  const cycles = sample
    .filter(({ pod }) => !recordOf(pod))
    .map(({ pod, tries }) => ({ pod, verification: id, inFallback, template, tries }));
  return { status, cycles, wakeAt: until };
}

interface Sampled {
  readonly pod: PodView;
  readonly tries: readonly TryRecord[];
}

/** Evidence against the previous version. A missing command is none: the check could not run. */
const isFailure = ({ verdict }: TryRecord): boolean =>
  (verdict.class === 'Fail' || verdict.class === 'Retry') && !isReason(verdict.reason, 'CommandMissing');

/** Ends the attempt, before its first write, if the previous version had to pass but failed. */
function requireBaseline(
  { upgrade, now }: Snapshot,
  status: ActiveStatus,
  answers: readonly Sampled[],
): ActiveStatus {
  const failing = answers.filter(({ tries }) => tries.some(isFailure));
  const [first] = failing;
  const worst = first && worstTriesFirst(first.tries).find(isFailure);
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

/**
 * The longest time-out of a check. A baseline that has to pass gets that of all checks, which run one after the other in a container: an
 * attempt must not go on because one check is slow while another has failed.
 */
function timeLimitMs({ upgrade }: Snapshot, status: ActiveStatus): number {
  const timeouts = effectiveChecks(upgrade.spec).map(({ timeoutSeconds }) => timeoutSeconds * 1000);
  return requiresPass(upgrade, status) ? timeouts.reduce((sum, ms) => sum + ms, 0) : Math.max(...timeouts);
}

/** The entry with the exit code of a further pod. The first non-zero code stays. */
function withCode(before: Partial<BaselineEntry> = {}, { exitCode, ...entry }: BaselineEntry): BaselineEntry {
  const { total = 0, pods = 0 } = before;
  const code = before.exitCode === undefined || before.missing ? exitCode : before.exitCode || exitCode;
  const counted = before.exitCode === code ? pods : 0;
  return { ...entry, exitCode: code, pods: counted + (exitCode === code ? 1 : 0), total: total + 1 };
}

/** One entry for each check and container. A command is missing only if no pod has it. */
function entriesOf(tries: readonly TryRecord[]): BaselineEntry[] {
  const entries = new Map<string, BaselineEntry>();
  for (const { check, container, verdict } of tries) {
    const key = `${check}/${container}`;
    const entry = entries.get(key);
    if (verdict.exitCode !== undefined) {
      entries.set(key, withCode(entry, { check, container, exitCode: verdict.exitCode }));
    } else if (isReason(verdict.reason, 'CommandMissing', 'NoCheckRan') && !entry) {
      entries.set(key, { check, container, missing: true });
    }
  }
  return [...entries.values()].slice(0, MAX_ENTRIES);
}
