/** How an attempt ends: with every pod verified, or with evidence against its version. */
import { effectiveChecks } from '../../api/checks.ts';
import { own } from '../../api/own.ts';
import { type EndReason, isReason } from '../../api/reasons.ts';
import type { Images } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { ActiveStatus } from '../complete-status.ts';
import { templateImages } from '../images.ts';
import { leftText } from '../report/left-text.ts';
import type { Snapshot } from '../snapshot.ts';
import { type End, endAttempt } from '../status.ts';
import { toIso } from '../time.ts';
import { hasNoCheckRun, ofDesired } from '../verification/summary.ts';
import type { Evaluation, Evidence } from './evaluation.ts';
import { startFallback } from './fallback.ts';
import { isPinned, wroteImage } from './rewritten.ts';

/** Ends the attempt as Succeeded: every desired pod passed or was skipped, and the controller is done. */
export function succeed({ snapshot, status, summary }: Evaluation): ActiveStatus {
  const { upgrade, now, updateRevision } = snapshot;
  const { counts } = summary;
  const reason = successReason(snapshot, summary);
  const cause = { reason, passed: ofDesired(counts.passed, counts), desired: counts.desired };
  const end: End = { phase: 'Succeeded', outcome: 'Succeeded', cause, gating: false };
  const ended = endAttempt(upgrade, status, end, now);
  if (reason === 'AllSkipped') {
    return ended;
  }
  const verified = { images: status.to.images, verifiedAt: toIso(now), pods: cause.passed };
  return { ...ended, lastVerified: { ...verified, revision: updateRevision } };
}

function successReason({ upgrade }: Snapshot, { counts, results }: Evaluation['summary']): EndReason {
  if (counts.passed === 0) {
    return 'AllSkipped';
  }
  const hasChecks = effectiveChecks(upgrade.spec).length > 0 && !hasNoCheckRun(results);
  return hasChecks ? 'PostCheckPassed' : 'ReadinessOnly';
}

/** Ends the attempt as Partial: some pods failed, within the budget. New pods are still gated, because they may fail as well. */
export function endPartial({ snapshot, status, summary }: Evaluation): ActiveStatus | undefined {
  const [first] = status.left;
  if (!first || status.phase === 'Partial') {
    return undefined;
  }
  const { reason, message } = first;
  const { passed, skipped, desired } = summary.counts;
  const cause = { reason, detail: message, passed: ofDesired(passed + skipped, { desired }), desired };
  const end: End = { phase: 'Partial', outcome: 'Partial', cause, text: leftText(status), gating: true };
  return endAttempt(snapshot.upgrade, status, end, snapshot.now);
}

/** Evidence against the version: records a fallback, or ends as Failed with the reason why there is none. */
export function rejectVersion(
  snapshot: Snapshot,
  workload: WorkloadView,
  status: ActiveStatus,
  evidence: Evidence,
): ActiveStatus {
  const { upgrade, now } = snapshot;
  const { action } = upgrade.spec.fallback;
  const images = imagesToRestore(status, workload);
  const end = (reason: EndReason, gating: boolean) =>
    endAttempt(
      upgrade,
      status,
      { phase: 'Failed', outcome: 'Failed', reason, cause: evidence.cause, gating },
      now,
    );
  if (status.attempt.adopted || Object.keys(images).length === 0) {
    return end('NoFallbackTarget', false);
  }
  if (isReason(evidence.cause.reason, 'Aborted') || action === 'Rollback') {
    return startFallback(snapshot, status, images, evidence);
  }
  return action === 'Pause' ? end('FallbackPaused', true) : end('FallbackDisabled', false);
}

/**
 * What to restore: every image that differs from the previous one and was set by us, which are those of this attempt, and until it has written its
 * own also those that it found of an earlier one, or that it wrote without knowing what is stored of them. Images of others stay.
 */
export function imagesToRestore(
  { attempt, from, to, turnedBack }: ActiveStatus,
  workload: WorkloadView,
): Images {
  // While the template is reverted, pods still run the new version.
  const upgraded = Object.keys({ ...turnedBack?.images }).map((name) => [name, own(to.images, name)]);
  const current: Images = { ...templateImages(workload), ...Object.fromEntries(upgraded) };
  const isOf = (image: string, set: Images | undefined, name: string) =>
    image === own(set, name) || isPinned(image, own(set, name));
  // An earlier version of the operator did not record what it found: any image may be of the earlier attempt then.
  const isUnrecorded = attempt.inherited === true && attempt.overtaken === undefined;
  const isEarlier = (image: string, name: string) =>
    !attempt.rolledAt && (isUnrecorded || isOf(image, attempt.overtaken, name) || wroteImage(workload, name));
  const isOurs = (image: string, name: string) => isOf(image, to.images, name) || isEarlier(image, name);
  return Object.fromEntries(
    Object.entries(from.images).filter(([name, before]) => {
      const image = own(current, name);
      return image !== undefined && image !== before && isOurs(image, name);
    }),
  );
}

/** What the template has of an earlier attempt when this one is recorded, by container: what this one would restore. */
export const overtakenImages = (workload: WorkloadView, restored: Images): Images =>
  Object.fromEntries(
    Object.entries(templateImages(workload)).filter(([name]) => Object.hasOwn(restored, name)),
  );
