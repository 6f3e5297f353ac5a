/** From evidence to a fallback, or to the reason why there is none. */

import { own } from '../api/own.ts';
import type { AnyReason, EndReason } from '../api/reasons.ts';
import type { Images, PodReport, UpgradeStatus } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { Snapshot } from './snapshot.ts';
import { ended, without } from './status.ts';
import { imagesOf, isLive } from './target.ts';
import { toIso } from './time.ts';

export interface Evidence {
  readonly reason: AnyReason;
  /** One sentence without its full stop. */
  readonly cause: string;
  readonly pods: readonly PodReport[];
}

/** What to restore: every image that differs from what ran before, but not what others changed meanwhile in containers that are none of ours. */
function imagesToRestore(status: UpgradeStatus, workload: WorkloadView): Images {
  const [from, to] = [status.from?.images ?? {}, status.to?.images ?? {}];
  const current = imagesOf(workload);
  const ours = (name: string) => !status.attempt?.rolledAt || own(current, name) === own(to, name);
  return Object.fromEntries(
    Object.entries(from).filter(
      ([name, image]) => ![undefined, image].includes(own(current, name)) && ours(name),
    ),
  );
}

/** The status after evidence against the version: a recorded fallback, or Failed with the reason why there is none. */
export function failed(
  snapshot: Snapshot,
  workload: WorkloadView,
  status: UpgradeStatus,
  evidence: Evidence,
): UpgradeStatus {
  const { upgrade, now } = snapshot;
  const { action } = upgrade.spec.fallback;
  const images = imagesToRestore(status, workload);
  const end = (reason: EndReason, gating: boolean) =>
    ended(
      upgrade,
      status,
      { phase: 'Failed', outcome: 'Failed', reason, cause: evidence.cause, gating },
      now,
    );
  if (status.attempt?.adopted || Object.keys(images).length === 0) {
    return end('NoFallbackTarget', false);
  }
  if (evidence.reason === 'Aborted' || action === 'Rollback') {
    return fallingBack(snapshot, status, images, evidence);
  }
  return action === 'Pause' ? end('FallbackPaused', true) : end('FallbackDisabled', false);
}

function fallingBack(
  snapshot: Snapshot,
  status: UpgradeStatus,
  images: Images,
  evidence: Evidence,
): UpgradeStatus {
  const at = toIso(snapshot.now);
  const targetGeneration = snapshot.workload?.generation;
  return {
    ...status,
    ...(targetGeneration === undefined ? {} : { targetGeneration }),
    phase: 'FallingBack',
    ...(status.attempt
      ? { attempt: { ...without(status.attempt, 'end'), progressAt: at, maxUpdated: 0, maxPassed: 0 } }
      : {}),
    fallback: {
      state: 'Rolling',
      reason: evidence.reason,
      cause: evidence.cause.slice(0, 2000),
      images,
      startedAt: at,
      ...(evidence.pods.length > 0 ? { evidence: evidence.pods.slice(0, 3) } : {}),
    },
  };
}

/** The reverted pods are proved (or need not be): the version that failed is quarantined, what runs is the last verified. */
export function fellBack(
  snapshot: Snapshot,
  status: UpgradeStatus,
  verified: 'PostCheck' | 'ReadinessOnly' | 'No',
  pods: number,
): UpgradeStatus {
  const { upgrade, now } = snapshot;
  const at = toIso(now);
  const end = ended(
    upgrade,
    status,
    {
      phase: 'FellBack',
      outcome: 'FellBack',
      reason: status.fallback?.reason ?? 'PostCheckFailed',
      cause: status.fallback?.cause ?? '',
      gating: false,
    },
    now,
  );
  const fallback = status.fallback && {
    ...status.fallback,
    state: verified === 'No' ? ('Unverified' as const) : ('Verified' as const),
    finishedAt: at,
    verified,
  };
  const revision = snapshot.updateRevision ? { revision: snapshot.updateRevision } : {};
  return {
    ...end,
    ...(fallback ? { fallback } : {}),
    quarantined: { images: status.to?.images ?? {}, attempt: status.attempt?.number ?? 0 },
    ...(verified === 'No'
      ? {}
      : { lastVerified: { images: status.from?.images ?? {}, ...revision, verifiedAt: at, pods } }),
  };
}

/** The fallback did not work, or could not be proved: terminal and loud. Gates of unproved pods stay closed. */
export function fallbackFailed(
  snapshot: Snapshot,
  status: UpgradeStatus,
  evidence: Evidence,
  proved: boolean,
): UpgradeStatus {
  const cause = `${status.fallback?.cause ?? ''}; the fallback ${proved ? 'failed too' : 'could not be proved'}: ${evidence.cause}`;
  const end = ended(
    snapshot.upgrade,
    status,
    { phase: 'FallbackFailed', outcome: 'FallbackFailed', reason: evidence.reason, cause, gating: true },
    snapshot.now,
  );
  const fallback = status.fallback && {
    ...status.fallback,
    state: proved ? ('Failed' as const) : ('Unverified' as const),
    finishedAt: toIso(snapshot.now),
    verified: 'No',
  };
  return {
    ...end,
    ...(fallback ? { fallback } : {}),
    quarantined: { images: status.to?.images ?? {}, attempt: status.attempt?.number ?? 0 },
  };
}

/**
 * An OrderedReady StatefulSet waits for a broken pod to become ready before it replaces it, although its template was reverted (kubernetes#67250).
 * Exactly that pod has to be deleted: live, of neither the wanted nor the original revision, and not Ready; the highest ordinal first, one at a time.
 */
export function stuckPod(
  snapshot: Snapshot,
  workload: WorkloadView,
  healthyRevision: string | undefined,
): PodView | undefined {
  if (!workload.ordered || snapshot.updateRevision === undefined) {
    return undefined;
  }
  const ordinal = (pod: PodView) => Number(pod.name.slice(pod.name.lastIndexOf('-') + 1));
  return snapshot.pods
    .filter(
      (pod) => isLive(pod) && pod.revision !== snapshot.updateRevision && pod.revision !== healthyRevision,
    )
    .filter((pod) => pod.conditions['Ready']?.status !== 'True')
    .sort((a, b) => ordinal(b) - ordinal(a))[0];
}
