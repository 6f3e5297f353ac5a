/** Recording an attempt: everything a fresh process needs to go on is in the status before the first write to the workload. */
import { own } from '../api/own.ts';
import type { Attempt, Images, UpgradeStatus } from '../api/types.ts';
import type { WorkloadView } from '../api/views.ts';
import { recorded, seenAtStart } from './commands.ts';
import type { Trigger } from './observe.ts';
import { knownAnswer } from './rewritten.ts';
import type { Snapshot } from './snapshot.ts';
import { attemptId, ended, isAttempting, isFallingBack, without } from './status.ts';
import { imagesOf, isLive, runsImages } from './target.ts';
import { toIso } from './time.ts';

export interface Start {
  readonly workload: WorkloadView;
  readonly trigger: Trigger;
  /** Keep the recorded fallback target: what runs now was never proved. */
  readonly inherit: boolean;
}

/** Nodes that could not be updated anyway: not Ready, and holding a pod of the DaemonSet. */
function lostNodes(snapshot: Snapshot, workload: WorkloadView): string[] {
  if (workload.kind !== 'DaemonSet') {
    return [];
  }
  const nodes = snapshot.pods
    .filter((pod) => isLive(pod) && pod.node && !snapshot.nodeReady(pod.node))
    .map(({ node }) => node);
  return [...new Set(nodes)].sort().slice(0, 500);
}

/** The wanted images of every container that the template has: what the user names, over what ran before. */
function wantedImages(snapshot: Snapshot, workload: WorkloadView, from: Images): Images {
  const named = Object.fromEntries(snapshot.upgrade.spec.containers.map(({ name, image }) => [name, image]));
  return Object.fromEntries(
    workload.containers.map(({ name, image }) => {
      const asked = own(named, name);
      const answer = asked && knownAnswer(snapshot.upgrade.status, name, asked, image);
      return [name, answer ?? asked ?? own(from, name) ?? image];
    }),
  );
}

/** An attempt that was recorded but not written is recorded again under its own number. */
const isRerecorded = (status: UpgradeStatus | undefined, id: string): boolean =>
  status?.attempt?.id === id && isAttempting(status) && !status.attempt.rolledAt;

/** A startup probe restarts a container that should rather be seen failing and fall back. */
const warningsOf = ({ upgrade }: Snapshot, workload: WorkloadView): string[] =>
  workload.containers
    .filter(
      ({ name, startupProbe }) =>
        startupProbe && upgrade.spec.containers.some((wanted) => wanted.name === name),
    )
    .map(
      ({ name }) =>
        `container ${name} has a startupProbe, which restarts it where the post-check should see it fail: use a readinessProbe`,
    )
    .slice(0, 8);

/** The status with a new attempt recorded in it. */
export function started(snapshot: Snapshot, start: Start): UpgradeStatus {
  const { upgrade, now, gatePolicy } = snapshot;
  const { workload, trigger, inherit } = start;
  const last = upgrade.status?.attempt?.number ?? 0;
  const again = isRerecorded(upgrade.status, attemptId(last, upgrade.spec));
  const number = again ? last : last + 1;
  const before = again ? (upgrade.status ?? {}) : superseded(snapshot, trigger);
  const current = imagesOf(workload);
  const kept = inherit ? upgrade.status?.from : undefined;
  const from = kept ?? {
    images: current,
    ...(snapshot.updateRevision ? { revision: snapshot.updateRevision } : {}),
  };
  const to = wantedImages(snapshot, workload, from.images);
  const adopted = !inherit && runsImages(workload, to);
  const excluded = lostNodes(snapshot, workload);
  const warnings = warningsOf(snapshot, workload);
  const attempt: Attempt = {
    id: attemptId(number, upgrade.spec),
    number,
    trigger,
    adopted,
    ...(inherit ? { inherited: true } : {}),
    gating: !adopted && upgrade.spec.gate !== 'Disabled' && gatePolicy === 'Available',
    // Recorded again, it goes on: else a workload that somebody edits all the time would never be written.
    startedAt: again ? (upgrade.status?.attempt?.startedAt ?? toIso(now)) : toIso(now),
    targetGeneration: workload.generation,
    progressAt: toIso(now),
    maxUpdated: 0,
    maxPassed: 0,
    ...(excluded.length > 0 ? { excludedNodes: excluded } : {}),
    ...(warnings.length > 0 ? { warnings } : {}),
  };
  const rest = without(
    seenAtStart(upgrade, before, now),
    'fallback',
    'paused',
    'counts',
    'exitCodes',
    'pods',
    'summary',
  );
  return {
    ...rest,
    targetUID: workload.uid,
    targetGeneration: workload.generation,
    phase: 'Pending',
    attempt,
    from,
    to: { images: to },
  };
}

/** What the status keeps of an attempt that the new one overtakes. */
function superseded({ upgrade, now }: Snapshot, trigger: Trigger): UpgradeStatus {
  const status = upgrade.status ?? {};
  if (!isAttempting(status) && !isFallingBack(status)) {
    return status;
  }
  const causes: Record<Trigger, string> = {
    Created: 'the status was lost',
    TargetReplaced: 'the workload was replaced by another one of the same name',
    Retry: 'postcheck.dev/retry started it again',
    ContainersChanged: `spec.containers changed to ${upgrade.spec.containers.map(({ name, image }) => `${name}=${image}`).join(', ')}`,
  };
  const outcome = trigger === 'TargetReplaced' ? 'Aborted' : 'Superseded';
  return ended(
    upgrade,
    status,
    {
      phase: 'Pending',
      outcome,
      reason: trigger === 'TargetReplaced' ? trigger : 'Superseded',
      cause: causes[trigger],
      gating: true,
    },
    now,
  );
}

/** The verb `retry`: a new attempt with the same fallback target; after a success, the post-check again on what runs. */
export function retried(snapshot: Snapshot, workload: WorkloadView): UpgradeStatus {
  const inherit = snapshot.upgrade.status?.phase !== 'Succeeded';
  const next = started(snapshot, { workload, trigger: 'Retry', inherit });
  return recorded(snapshot.upgrade, next, 'retry', `Attempt${next.attempt?.number}`, snapshot.now);
}
