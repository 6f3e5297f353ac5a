/** Judging the pods of an attempt or of its fallback, and what follows from it. */
import type { UpgradeStatus } from '../api/types.ts';
import type { WorkloadView } from '../api/views.ts';
import { type Evidence, failed, fallbackFailed, fellBack, stuckPod } from './fallback.ts';
import { exitCodes, type Fleet, judgeFleet, report, ungated, unstored } from './fleet.ts';
import type { Judged, Proof } from './judge.ts';
import { type Action, type Decision, type In, NO_ACTION, type PlannedRound, type Verdict } from './plan.ts';
import { possibleTries } from './round.ts';
import type { Snapshot } from './snapshot.ts';
import { ended, isFallingBack, proofId, resumedAt } from './status.ts';
import { pinned } from './stored-verdict.ts';
import { earliest, fromIso, latest, spanText, toIso } from './time.ts';

/** What pods are judged by now: the attempt, or its fallback. */
export function proofOf(snapshot: Snapshot, status: UpgradeStatus): Proof {
  const { spec } = snapshot.upgrade;
  const inFallback = isFallingBack(status);
  const startedAt = fromIso((inFallback ? status.fallback?.startedAt : status.attempt?.startedAt) ?? '');
  // While standing still the clocks do not run: every deadline is a whole one away.
  const resumed = status.paused?.since ? snapshot.now : resumedAt(status);
  return {
    id: proofId(status),
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

/** The fleet as the status shows it. */
export function shown(status: UpgradeStatus, fleet: Fleet): { status: UpgradeStatus; fleet: Fleet } {
  const { counts } = fleet;
  const summary = `${counts.passed}/${fleet.desired}`;
  return {
    status: { ...status, counts, summary, exitCodes: exitCodes(fleet.judged), pods: report(fleet.judged) },
    fleet,
  };
}

/** Rounds that are due now, and when the next one is, or a judgement may change. */
export function asked(
  snapshot: Snapshot,
  fleet: Fleet,
  proof: Proof,
): { rounds: PlannedRound[]; wakeAt: number | undefined } {
  const isDue = ({ roundAt }: Judged) => roundAt !== undefined && roundAt <= snapshot.now;
  const rounds = fleet.judged.filter(isDue).map(({ pod }) => ({
    pod,
    proof: proof.id,
    inFallback: proof.inFallback,
    tries: possibleTries(proof.spec, pod),
  }));
  const later = fleet.judged
    .flatMap(({ roundAt, lookAt }) => [roundAt, lookAt])
    .filter((at) => at !== undefined && at > snapshot.now);
  return { rounds, wakeAt: earliest(later) };
}

/** Progress is a new maximum of updated or passed pods: an evict-and-recreate loop is none. */
function withProgress(snapshot: Snapshot, status: UpgradeStatus, fleet: Fleet): UpgradeStatus {
  const { attempt } = status;
  if (!attempt) {
    return status;
  }
  const [updated, passed] = [fleet.counts.updated, fleet.counts.passed + fleet.counts.skipped];
  if (updated <= attempt.maxUpdated && passed <= attempt.maxPassed) {
    return status;
  }
  const maxima = {
    maxUpdated: Math.max(updated, attempt.maxUpdated),
    maxPassed: Math.max(passed, attempt.maxPassed),
  };
  return { ...status, attempt: { ...attempt, ...maxima, progressAt: toIso(snapshot.now) } };
}

/** A judgement as it is stored on its pod, pinned to what was judged. */
export function verdictOf({ pod, state, reason, message }: Judged, proof: Proof): Verdict {
  const status = state === 'Failed' ? 'False' : 'True';
  return { pod, condition: { status, reason, message: pinned(message.slice(0, 1000), proof.id, pod) } };
}

/** Verdicts to be written to pods now. While paused only what closes, never what opens: that is decided by the caller. */
function storeVerdicts(fleet: Fleet, proof: Proof): Action {
  const verdicts = unstored(fleet).map((judged) => verdictOf(judged, proof));
  return verdicts.length > 0 ? { kind: 'storeVerdicts', verdicts } : NO_ACTION;
}

const evidenceOf = (judged: readonly Judged[]): Evidence => {
  const bad = judged.filter(({ state }) => state === 'Failed');
  const worst = bad[0];
  if (!worst) {
    return { reason: 'Unknown', cause: 'unknown', pods: [] };
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
function progressDeadline(snapshot: Snapshot, status: UpgradeStatus, fleet: Fleet): number {
  const { attempt, fallback } = status;
  // A write that was refused for long, or an API server that was away, must not use up the time of the pods.
  const written = isFallingBack(status) ? fallback?.rolledAt : attempt?.rolledAt;
  const back = fleet.judged.map(({ pod }) => snapshot.nodeBackAt?.get(pod.node));
  const since = latest(
    ...[attempt?.progressAt, written].map((time) => (time ? fromIso(time) : undefined)),
    resumedAt(status),
    ...back,
  );
  return since + progressDeadlineSeconds(snapshot) * 1000;
}

interface Overdue {
  readonly judged?: Judged;
  readonly text: string;
}

/**
 * No progress until the deadline: evidence of a pod's own fails it, silence does not. Only a try made since then counts; one that was made
 * before may be as old as the loss of its node, or of the API server. `undefined` while there is time, or while such a try is on its way.
 */
function overdue(snapshot: Snapshot, judged: readonly Judged[], deadline: number): Overdue | undefined {
  if (snapshot.now < deadline) {
    return undefined;
  }
  const against = judged.find(
    ({ record, state }) => state === 'Retrying' && record?.class === 'Retry' && record.startedAt >= deadline,
  );
  const isComing = ({ record, roundAt }: Judged) =>
    roundAt !== undefined && (record ? record.startedAt < deadline : roundAt <= snapshot.now);
  if (!against && judged.some(isComing)) {
    return undefined;
  }
  return {
    ...(against ? { judged: against } : {}),
    text: `no progress for ${spanText(progressDeadlineSeconds(snapshot) * 1000)}`,
  };
}

export function proving(snapshot: Snapshot, { status, workload }: In<'Proving'>): Decision {
  const { now } = snapshot;
  const proof = proofOf(snapshot, status);
  const fleet = judgeFleet(snapshot, workload, proof);
  const current = shown(withRevision(snapshot, withProgress(snapshot, status, fleet)), fleet);
  if (fleet.counts.failed > 0) {
    return {
      ...current,
      status: failed(snapshot, workload, current.status, evidenceOf(fleet.judged)),
      intent: true,
    };
  }
  if (isDone(snapshot, fleet)) {
    return { ...current, status: succeeded(snapshot, current.status, fleet), intent: true };
  }
  const deadline = progressDeadline(snapshot, current.status, fleet);
  const late = overdue(snapshot, fleet.judged, deadline);
  if (late?.judged) {
    const { pod, message, reason } = late.judged;
    return {
      ...current,
      status: failed(snapshot, workload, current.status, {
        reason,
        cause: `${late.text}; pod ${pod.name}: ${message}`,
        pods: report([late.judged]),
      }),
      intent: true,
    };
  }
  const inconclusive = late !== undefined || fleet.counts.inconclusive > 0;
  const rolling = fleet.counts.updated < fleet.desired;
  const phase = inconclusive ? 'Inconclusive' : rolling ? 'Upgrading' : 'PostChecking';
  const { rounds, wakeAt } = asked(snapshot, fleet, proof);
  const action = firstAction([
    releaseOurFields(workload),
    storeVerdicts(fleet, proof),
    unstick(snapshot, status, workload),
    missedGate(snapshot, status, fleet),
  ]);
  return {
    status: { ...current.status, phase },
    fleet,
    rounds,
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
function missedGate(snapshot: Snapshot, status: UpgradeStatus, fleet: Fleet): Action {
  if (snapshot.upgrade.spec.gate !== 'Required') {
    return NO_ACTION;
  }
  const slipped = ungated(fleet, status).find(({ pod }) => pod.conditions['Ready']?.status !== 'True');
  return slipped ? { kind: 'deletePod', pod: slipped.pod, reason: 'GateMissed' } : NO_ACTION;
}

const withRevision = (snapshot: Snapshot, status: UpgradeStatus): UpgradeStatus =>
  snapshot.updateRevision && status.to
    ? { ...status, to: { ...status.to, revision: snapshot.updateRevision } }
    : status;

const isDone = (snapshot: Snapshot, { counts, desired, rolledOut }: Fleet): boolean =>
  snapshot.updateRevision !== undefined && rolledOut && counts.passed + counts.skipped >= desired;

function succeeded(snapshot: Snapshot, status: UpgradeStatus, fleet: Fleet): UpgradeStatus {
  const { upgrade, now } = snapshot;
  const { counts, desired } = fleet;
  const reason =
    desired === 0
      ? 'NoPods'
      : counts.passed === 0
        ? 'AllSkipped'
        : upgrade.spec.postCheck.checks.length === 0
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
  const proof = proofOf(snapshot, status);
  const fleet = judgeFleet(snapshot, workload, proof);
  const current = shown(withProgress(snapshot, status, fleet), fleet);
  const end = fallbackEnd(snapshot, current.status, fleet);
  return end
    ? { ...current, status: end, intent: true }
    : fallbackGoesOn(snapshot, workload, current.status, { fleet, proof });
}

/** How the fallback ends, if it does now: it failed too, it is proved, or nothing came of it in time. */
function fallbackEnd(snapshot: Snapshot, status: UpgradeStatus, fleet: Fleet): UpgradeStatus | undefined {
  const { fallback, postCheck } = snapshot.upgrade.spec;
  if (fallback.verify && fleet.counts.failed > 0) {
    return fallbackFailed(snapshot, status, evidenceOf(fleet.judged), true);
  }
  if (!fallback.verify && fleet.rolledOut && snapshot.updateRevision !== undefined) {
    return fellBack(snapshot, status, 'No', fleet.desired);
  }
  if (fallback.verify && isDone(snapshot, fleet)) {
    return fellBack(
      snapshot,
      status,
      fleet.counts.passed > 0 && postCheck.checks.length > 0 ? 'PostCheck' : 'ReadinessOnly',
      fleet.desired,
    );
  }
  const late = overdue(
    snapshot,
    fallback.verify ? fleet.judged : [],
    progressDeadline(snapshot, status, fleet),
  );
  if (!late) {
    return undefined;
  }
  const why = late.judged ?? fleet.judged[0];
  const cause = why ? `${late.text}; pod ${why.pod.name}: ${why.message}` : late.text;
  return fallbackFailed(
    snapshot,
    status,
    { reason: why?.reason ?? 'NoProgress', cause, pods: [] },
    late.judged !== undefined,
  );
}

function fallbackGoesOn(
  snapshot: Snapshot,
  workload: WorkloadView,
  status: UpgradeStatus,
  { fleet, proof }: { fleet: Fleet; proof: Proof },
): Decision {
  const { verify } = snapshot.upgrade.spec.fallback;
  const rolling = fleet.counts.updated < fleet.desired;
  const revision = snapshot.updateRevision ? { revision: snapshot.updateRevision } : {};
  const fallback = status.fallback && {
    ...status.fallback,
    state: rolling ? ('Rolling' as const) : ('Checking' as const),
    ...revision,
  };
  const stuck = stuckPod(snapshot, workload, undefined);
  const unstickIt: Action = stuck ? { kind: 'deletePod', pod: stuck, reason: 'StuckPodDeleted' } : NO_ACTION;
  const { rounds, wakeAt } = verify ? asked(snapshot, fleet, proof) : { rounds: [], wakeAt: undefined };
  const deadline = progressDeadline(snapshot, status, fleet);
  return {
    status: {
      ...status,
      phase: rolling ? 'FallingBack' : 'FallbackChecking',
      ...(fallback ? { fallback } : {}),
    },
    fleet,
    rounds,
    action: firstAction([
      unstickIt,
      releaseOurFields(workload),
      verify ? storeVerdicts(fleet, proof) : NO_ACTION,
    ]),
    wakeAt: earliest([wakeAt, snapshot.now < deadline ? deadline : undefined]),
  };
}
