/** How a fallback starts and ends. */

import { effectiveChecks } from '../../api/checks.ts';
import { cut } from '../../api/cut.ts';
import type { FallbackStatus, Images } from '../../api/types.ts';
import { storedCause } from '../cause.ts';
import { type ActiveStatus, NO_PROGRESS, unlessEmpty } from '../complete-status.ts';
import { causeText, fallbackFailedText } from '../report/cause-text.ts';
import type { Snapshot } from '../snapshot.ts';
import { type End, endAttempt } from '../status.ts';
import { toIso } from '../time.ts';
import type { Evaluation, Evidence } from './evaluation.ts';
import { NOTHING_REACHED } from './progress.ts';

/** Records the fallback before its first write. */
export function startFallback(
  { now, workload }: Snapshot,
  status: ActiveStatus,
  images: Images,
  { cause, pods }: Evidence,
): ActiveStatus {
  const at = toIso(now);
  return {
    ...status,
    left: NO_PROGRESS.left,
    turnedBack: undefined,
    targetGeneration: workload?.generation ?? status.targetGeneration,
    phase: 'FallingBack',
    attempt: {
      ...status.attempt,
      end: undefined,
      // What it found is restored; an empty set says that nothing else was.
      overtaken: status.attempt.overtaken && {},
      deadlineAt: undefined,
      progressAt: at,
      ...NOTHING_REACHED,
    },
    fallback: {
      state: 'Rolling',
      reason: cause.reason,
      cause: cut(causeText(cause), 2000),
      why: storedCause(cause),
      images,
      startedAt: at,
      evidence: unlessEmpty(pods.slice(0, 3)),
      exitCodes: status.exitCodes,
    },
  };
}

/** The reverted pods are verified, or need not be: quarantines the failed version, and records what runs as the last verified version. */
export function finishFallback({ snapshot, status, summary }: Evaluation): ActiveStatus {
  const { upgrade, now, updateRevision } = snapshot;
  const verified = verifiedBy(snapshot, summary);
  const cause = status.fallback?.why ?? { reason: status.fallback?.reason ?? 'PostCheckFailed' };
  const end: End = {
    phase: 'FellBack',
    outcome: 'FellBack',
    cause,
    text: status.fallback?.cause,
    gating: false,
  };
  const result = withResult(
    endAttempt(upgrade, status, end, now),
    verified === 'No' ? 'Unverified' : 'Verified',
    verified,
    now,
  );
  if (verified === 'No') {
    return result;
  }
  const set = { images: status.from.images, verifiedAt: toIso(now), pods: summary.desired };
  return { ...result, lastVerified: { ...set, revision: updateRevision } };
}

function verifiedBy(
  { upgrade }: Snapshot,
  { counts, desired }: Evaluation['summary'],
): 'PostCheck' | 'ReadinessOnly' | 'No' {
  const { spec } = upgrade;
  if (!spec.fallback.verify || desired === 0) {
    return 'No';
  }
  return counts.passed > 0 && effectiveChecks(spec).length > 0 ? 'PostCheck' : 'ReadinessOnly';
}

/** The fallback failed too, or could not be verified: a person must act. Gates of unverified pods stay closed. */
export function giveUpFallback(
  snapshot: Snapshot,
  status: ActiveStatus,
  evidence: Evidence,
  state: 'Failed' | 'Unverified',
): ActiveStatus {
  const { upgrade, now } = snapshot;
  const { fallback } = status;
  const end: End = {
    phase: 'FallbackFailed',
    outcome: 'FallbackFailed',
    cause: evidence.cause,
    text: fallback && fallbackFailedText(fallback.cause, evidence.cause, state),
    gating: true,
  };
  return withResult(endAttempt(upgrade, status, end, now), state, 'No', now);
}

/** Records the result of the fallback, and quarantines the failed version so that it is not retried automatically. */
function withResult(
  { fallback, ...status }: ActiveStatus,
  state: FallbackStatus['state'],
  verified: 'PostCheck' | 'ReadinessOnly' | 'No',
  now: number,
): ActiveStatus {
  return {
    ...status,
    fallback: fallback && { ...fallback, state, finishedAt: toIso(now), verified },
    quarantined: { images: status.to.images, attempt: status.attempt.number },
  };
}
