/** Judging the pods of an attempt or of its fallback, and what follows from it. */
import { effectiveChecks } from '../api/checks.ts';
import type { UpgradeStatus } from '../api/types.ts';
import type { WorkloadView } from '../api/views.ts';
import { type Evidence, failed, fallbackFailed, fellBack, stuckPod } from './fallback.ts';
import {
  type Action,
  type Decision,
  type In,
  NO_ACTION,
  type PlannedCycle,
  type PodCondition,
} from './plan.ts';
import type { Snapshot } from './snapshot.ts';
import { ended, isFallingBack, resumedAt, verificationId } from './status.ts';
import { earliest, fromIso, latest, spanText, toIso } from './time.ts';
import type { PodResult, VerificationContext } from './verification/pod.ts';
import { possibleTries } from './verification/probe-cycle.ts';
import { withPins } from './verification/recorded.ts';
import {
  exitCodes,
  type PodSummary,
  report,
  summarizePods,
  ungated,
  unrecorded,
} from './verification/summary.ts';

/** What pods are evaluated by now: the attempt, or its fallback. */
export function verificationContext(snapshot: Snapshot, status: UpgradeStatus): VerificationContext {
  const { spec } = snapshot.upgrade;
  const inFallback = isFallingBack(status);
  const startedAt = fromIso((inFallback ? status.fallback?.startedAt : status.attempt?.startedAt) ?? '');
  // While standing still the clocks do not run: every deadline is a whole one away.
  const resumed = status.paused?.since ? snapshot.now : resumedAt(status);
  return {
    id: verificationId(status),
    spec,
    inFallback,
    startedAt,
    ...(resumed === undefined ? {} : { resumedAt: resumed }),
    deadlineSeconds: inFallback
      ? (spec.fallback.deadlineSeconds ?? spec.postCheck.deadlineSeconds)
      : spec.postCheck.deadlineSeconds,
    nodeReady: snapshot.nodeReady,
    ...(snapshot.nodeBackAt ? { nodeBackAt: snapshot.nodeBackAt } : {}),
    waitingSince: snapshot.waitingSince,
  };
}

/** The pods as the status shows them. */
export function shown(
  status: UpgradeStatus,
  summary: PodSummary,
): { status: UpgradeStatus; summary: PodSummary } {
  const { counts } = summary;
  return {
    status: {
      ...status,
      counts,
      summary: `${counts.passed}/${summary.desired}`,
      exitCodes: exitCodes(summary.results),
      pods: report(summary.results),
    },
    summary,
  };
}

/** Cycles that are due now, and when the next one is, or a result may change. */
export function asked(
  snapshot: Snapshot,
  summary: PodSummary,
  verification: VerificationContext,
): { cycles: PlannedCycle[]; wakeAt: number | undefined } {
  const isDue = ({ cycleAt }: PodResult) => cycleAt !== undefined && cycleAt <= snapshot.now;
  const cycles = summary.results.filter(isDue).map(({ pod }) => ({
    pod,
    verification: verification.id,
    inFallback: verification.inFallback,
    tries: possibleTries(verification.spec, pod),
  }));
  const later = summary.results
    .flatMap(({ cycleAt, lookAt }) => [cycleAt, lookAt])
    .filter((at) => at !== undefined && at > snapshot.now);
  return { cycles, wakeAt: earliest(later) };
}

/** Progress is a new maximum of updated or passed pods: an evict-and-recreate loop is none. */
function withProgress(snapshot: Snapshot, status: UpgradeStatus, summary: PodSummary): UpgradeStatus {
  const { attempt } = status;
  if (!attempt) {
    return status;
  }
  const [updated, passed] = [summary.counts.updated, summary.counts.passed + summary.counts.skipped];
  if (updated <= attempt.maxUpdated && passed <= attempt.maxPassed) {
    return status;
  }
  const maxima = {
    maxUpdated: Math.max(updated, attempt.maxUpdated),
    maxPassed: Math.max(passed, attempt.maxPassed),
  };
  return { ...status, attempt: { ...attempt, ...maxima, progressAt: toIso(snapshot.now) } };
}

/** A result as it is recorded on its pod, with pins to what was evaluated. */
export function conditionOf(
  { pod, state, reason, message }: PodResult,
  verification: VerificationContext,
): PodCondition {
  const status = state === 'Failed' ? 'False' : 'True';
  return {
    pod,
    condition: { status, reason, message: withPins(message.slice(0, 1000), verification.id, pod) },
  };
}

/** Results to be written to pods now. While paused only what closes, never what opens: that is decided by the caller. */
function recordResults(summary: PodSummary, verification: VerificationContext): Action {
  const conditions = unrecorded(summary).map((result) => conditionOf(result, verification));
  return conditions.length > 0 ? { kind: 'recordResults', conditions } : NO_ACTION;
}

const evidenceOf = (results: readonly PodResult[]): Evidence => {
  const bad = results.filter(({ state }) => state === 'Failed');
  const worst = bad[0];
  if (!worst) {
    return { reason: 'NoEvidence', cause: 'unknown', pods: [] };
  }
  const others = bad.length > 1 ? ` (and ${bad.length - 1} more)` : '';
  const on = worst.pod.node ? ` on ${worst.pod.node}` : '';
  return {
    reason: worst.reason,
    cause: `pod ${worst.pod.name}${on}${others}: ${worst.message}`,
    pods: report(bad),
  };
};

function progressDeadlineSeconds(snapshot: Snapshot): number {
  const { progressDeadlineSeconds: set, postCheck } = snapshot.upgrade.spec;
  return set ?? Math.max(600, postCheck.initialDelaySeconds + postCheck.deadlineSeconds + 300);
}

/** When the attempt (or fallback) has to have made its next progress. */
function progressDeadline(snapshot: Snapshot, status: UpgradeStatus, summary: PodSummary): number {
  const { attempt, fallback } = status;
  // A write that was refused for long, or an API server that was away, must not use up the time of the pods.
  const written = isFallingBack(status) ? fallback?.rolledAt : attempt?.rolledAt;
  const back = summary.results.map(({ pod }) => snapshot.nodeBackAt?.get(pod.node));
  const since = latest(
    ...[attempt?.progressAt, written].map((time) => (time ? fromIso(time) : undefined)),
    resumedAt(status),
    ...back,
  );
  return since + progressDeadlineSeconds(snapshot) * 1000;
}

interface Overdue {
  readonly result?: PodResult;
  readonly text: string;
}

/**
 * No progress until the deadline: evidence of a pod's own fails it, silence does not. Only a try made since then counts; one that was made
 * before may be as old as the loss of its node, or of the API server. `undefined` while there is time, or while such a try is on its way.
 */
function overdue(snapshot: Snapshot, results: readonly PodResult[], deadline: number): Overdue | undefined {
  if (snapshot.now < deadline) {
    return undefined;
  }
  const against = results.find(
    ({ record, state }) => state === 'Retrying' && record?.class === 'Retry' && record.startedAt >= deadline,
  );
  const isComing = ({ record, cycleAt }: PodResult) =>
    cycleAt !== undefined && (record ? record.startedAt < deadline : cycleAt <= snapshot.now);
  if (!against && results.some(isComing)) {
    return undefined;
  }
  return {
    ...(against ? { result: against } : {}),
    text: `no progress for ${spanText(progressDeadlineSeconds(snapshot) * 1000)}`,
  };
}

export function proving(snapshot: Snapshot, { status, workload }: In<'Proving'>): Decision {
  const { now } = snapshot;
  const verification = verificationContext(snapshot, status);
  const summary = summarizePods(snapshot, workload, verification);
  const current = shown(withRevision(snapshot, withProgress(snapshot, status, summary)), summary);
  if (summary.counts.failed > 0) {
    return {
      ...current,
      status: failed(snapshot, workload, current.status, evidenceOf(summary.results)),
      intent: true,
    };
  }
  if (isDone(snapshot, summary)) {
    return { ...current, status: succeeded(snapshot, current.status, summary), intent: true };
  }
  const deadline = progressDeadline(snapshot, current.status, summary);
  const late = overdue(snapshot, summary.results, deadline);
  if (late?.result) {
    const { pod, message, reason } = late.result;
    return {
      ...current,
      status: failed(snapshot, workload, current.status, {
        reason,
        cause: `${late.text}; pod ${pod.name}: ${message}`,
        pods: report([late.result]),
      }),
      intent: true,
    };
  }
  const inconclusive = late !== undefined || summary.counts.inconclusive > 0;
  const rolling = summary.counts.updated < summary.desired;
  const phase = inconclusive ? 'Inconclusive' : rolling ? 'Upgrading' : 'PostChecking';
  const { cycles, wakeAt } = asked(snapshot, summary, verification);
  const action = firstAction([
    releaseOurFields(workload),
    recordResults(summary, verification),
    unstick(snapshot, status, workload),
    missedGate(snapshot, status, summary),
  ]);
  return {
    status: { ...current.status, phase },
    summary,
    cycles,
    action,
    wakeAt: earliest([wakeAt, now < deadline ? deadline : undefined]),
  };
}

const firstAction = (actions: readonly Action[]): Action =>
  actions.find(({ kind }) => kind !== 'none') ?? NO_ACTION;

/** Left in managedFields, our entry would make the user's next server-side apply conflict. */
export const releaseOurFields = (workload: WorkloadView): Action =>
  workload.holdsOurFields ? { kind: 'releaseFields', workload } : NO_ACTION;

/** A broken pod of an overtaken version blocks an OrderedReady StatefulSet as it blocks a fallback; pods of the original version are left alone. */
function unstick(snapshot: Snapshot, status: UpgradeStatus, workload: WorkloadView): Action {
  const original = status.from?.revision;
  const pod = original === undefined ? undefined : stuckPod(snapshot, workload, original);
  return pod ? { kind: 'deletePod', pod, reason: 'StuckPodDeleted' } : NO_ACTION;
}

/** `gate: Required` and a pod slipped past the policy: it goes, as long as it serves nobody yet. */
function missedGate(snapshot: Snapshot, status: UpgradeStatus, summary: PodSummary): Action {
  if (snapshot.upgrade.spec.gate !== 'Required') {
    return NO_ACTION;
  }
  const slipped = ungated(summary, status).find(({ pod }) => pod.conditions['Ready']?.status !== 'True');
  return slipped ? { kind: 'deletePod', pod: slipped.pod, reason: 'GateMissed' } : NO_ACTION;
}

const withRevision = (snapshot: Snapshot, status: UpgradeStatus): UpgradeStatus =>
  snapshot.updateRevision && status.to
    ? { ...status, to: { ...status.to, revision: snapshot.updateRevision } }
    : status;

const isDone = (snapshot: Snapshot, { counts, desired, rolledOut }: PodSummary): boolean =>
  snapshot.updateRevision !== undefined && rolledOut && counts.passed + counts.skipped >= desired;

function succeeded(snapshot: Snapshot, status: UpgradeStatus, summary: PodSummary): UpgradeStatus {
  const { upgrade, now } = snapshot;
  const { counts, desired } = summary;
  const reason =
    desired === 0
      ? 'NoPods'
      : counts.passed === 0
        ? 'AllSkipped'
        : effectiveChecks(upgrade.spec).length === 0
          ? 'ReadinessOnly'
          : 'PostCheckPassed';
  const end = ended(
    upgrade,
    status,
    {
      phase: 'Succeeded',
      outcome: 'Succeeded',
      reason,
      cause: `${counts.passed} of ${desired} pods passed`,
      gating: false,
    },
    now,
  );
  if (reason === 'NoPods' || reason === 'AllSkipped') {
    return end;
  }
  const revision = snapshot.updateRevision ? { revision: snapshot.updateRevision } : {};
  return {
    ...end,
    lastVerified: {
      images: status.to?.images ?? {},
      ...revision,
      verifiedAt: toIso(now),
      pods: counts.passed,
    },
  };
}

export function fallbackProving(snapshot: Snapshot, { status, workload }: In<'FallbackProving'>): Decision {
  const verification = verificationContext(snapshot, status);
  const summary = summarizePods(snapshot, workload, verification);
  const current = shown(withProgress(snapshot, status, summary), summary);
  const end = fallbackEnd(snapshot, current.status, summary);
  return end
    ? { ...current, status: end, intent: true }
    : fallbackGoesOn(snapshot, workload, current.status, { summary, verification });
}

/** How the fallback ends, if it does now: it failed too, it is proved, or nothing came of it in time. */
function fallbackEnd(
  snapshot: Snapshot,
  status: UpgradeStatus,
  summary: PodSummary,
): UpgradeStatus | undefined {
  const { spec } = snapshot.upgrade;
  const { fallback } = spec;
  if (fallback.verify && summary.counts.failed > 0) {
    return fallbackFailed(snapshot, status, evidenceOf(summary.results), true);
  }
  if (!fallback.verify && summary.rolledOut && snapshot.updateRevision !== undefined) {
    return fellBack(snapshot, status, 'No', summary.desired);
  }
  if (fallback.verify && isDone(snapshot, summary)) {
    return fellBack(
      snapshot,
      status,
      summary.counts.passed > 0 && effectiveChecks(spec).length > 0 ? 'PostCheck' : 'ReadinessOnly',
      summary.desired,
    );
  }
  const late = overdue(
    snapshot,
    fallback.verify ? summary.results : [],
    progressDeadline(snapshot, status, summary),
  );
  if (!late) {
    return undefined;
  }
  const why = late.result ?? summary.results[0];
  const cause = why ? `${late.text}; pod ${why.pod.name}: ${why.message}` : late.text;
  return fallbackFailed(
    snapshot,
    status,
    { reason: why?.reason ?? 'NoProgress', cause, pods: [] },
    late.result !== undefined,
  );
}

function fallbackGoesOn(
  snapshot: Snapshot,
  workload: WorkloadView,
  status: UpgradeStatus,
  { summary, verification }: { summary: PodSummary; verification: VerificationContext },
): Decision {
  const { verify } = snapshot.upgrade.spec.fallback;
  const rolling = summary.counts.updated < summary.desired;
  const revision = snapshot.updateRevision ? { revision: snapshot.updateRevision } : {};
  const fallback = status.fallback && {
    ...status.fallback,
    state: rolling ? ('Rolling' as const) : ('Checking' as const),
    ...revision,
  };
  const stuck = stuckPod(snapshot, workload, undefined);
  const unstickIt: Action = stuck ? { kind: 'deletePod', pod: stuck, reason: 'StuckPodDeleted' } : NO_ACTION;
  const { cycles, wakeAt } = verify
    ? asked(snapshot, summary, verification)
    : { cycles: [], wakeAt: undefined };
  const deadline = progressDeadline(snapshot, status, summary);
  return {
    status: {
      ...status,
      phase: rolling ? 'FallingBack' : 'FallbackChecking',
      ...(fallback ? { fallback } : {}),
    },
    summary,
    cycles,
    action: firstAction([
      unstickIt,
      releaseOurFields(workload),
      verify ? recordResults(summary, verification) : NO_ACTION,
    ]),
    wakeAt: earliest([wakeAt, snapshot.now < deadline ? deadline : undefined]),
  };
}
