/** The one sentence that answers "what happened, and why?" at three in the morning. */
import { cut } from '../../api/cut.ts';
import type { Upgrade, UpgradeStatus } from '../../api/types.ts';
import type { WorkloadView } from '../../api/views.ts';
import { imagesText, isPostCheckChanged, waitsForPods } from '../status.ts';
import { fromIso, spanText } from '../time.ts';
import type { PodSummary } from '../verification/summary.ts';
import type { Obstacle } from '../workload/driver.ts';
import { stageClause, waitingStageText } from './stage-text.ts';

export interface Facts {
  readonly upgrade: Upgrade;
  readonly status: UpgradeStatus;
  readonly workload: WorkloadView | undefined;
  readonly summary: PodSummary | undefined;
  readonly obstacle: Obstacle | undefined;
}

const pods = (count: number): string => `${count} ${count === 1 ? 'pod' : 'pods'}`;

/** The worst pod's own words, if there is something to say. */
function worst({ summary }: Facts): string {
  const result = summary?.results.find(({ state }) => state !== 'Passed' && state !== 'Skipped');
  if (!result) {
    return '';
  }
  return `; pod ${result.pod.name}${result.pod.node ? ` on ${result.pod.node}` : ''}: ${result.message}`;
}

const target = ({ upgrade }: Facts): string =>
  `${upgrade.spec.targetRef.kind} ${upgrade.spec.targetRef.name}`;
function wanted({ upgrade, status }: Facts): string {
  const { images = {}, asked } = status.to ?? {};
  const from = asked ? ` (the API server's answer to ${imagesText(asked, upgrade.spec)})` : '';
  return `${imagesText(images, upgrade.spec)}${from}`;
}
const before = ({ upgrade, status }: Facts): string => imagesText(status.from?.images ?? {}, upgrade.spec);

const took = ({ status }: Facts): string => {
  const { attempt } = status;
  return attempt?.end ? ` in ${spanText(fromIso(attempt.end.at) - fromIso(attempt.startedAt))}` : '';
};

/** What the user should know although all is well. */
function caveat({ upgrade, status, workload }: Facts): string {
  const { attempt } = status;
  if (!attempt || attempt.adopted || attempt.end) {
    return '';
  }
  if (workload?.servesNothingMeanwhile) {
    return '; its strategy leaves nothing serving meanwhile';
  }
  return !attempt.gating && upgrade.spec.gate === 'Auto'
    ? '; not gated, because the gate policy is not installed'
    : '';
}

function rolling(facts: Facts): string {
  const { summary, workload } = facts;
  const failure = workload?.replicaFailure ? `; ${workload.replicaFailure}` : '';
  const updated = summary
    ? `: ${summary.counts.updated} of ${summary.desired} updated, ${summary.counts.passed} passed`
    : '';
  return `Rolling ${target(facts)} to ${wanted(facts)}${stageClause(facts.status)}${updated}${worst(facts)}${failure}${caveat(facts)}`;
}

function checking(facts: Facts): string {
  if (waitsForPods(facts.status)) {
    return `${target(facts)} wants 0 pods: ${wanted(facts)} is verified when some come${caveat(facts)}`;
  }
  const { summary } = facts;
  return `Checking ${wanted(facts)}: ${summary?.counts.passed ?? 0} of ${summary?.desired ?? 0} pods passed${worst(facts)}${caveat(facts)}`;
}

function succeeded(facts: Facts): string {
  const { status } = facts;
  const { counts, attempt } = status;
  const runs = `${target(facts)} runs ${wanted(facts)}`;
  if (attempt?.end?.reason === 'AllSkipped') {
    return `${runs}, but nothing is proved: every check said there is nothing to check`;
  }
  const skipped = counts?.skipped ? `, ${counts.skipped} skipped` : '';
  const excluded = attempt?.excludedNodes?.length
    ? `; left out, not Ready at the start: ${attempt.excludedNodes.slice(0, 5).join(', ')}`
    : '';
  const by = attempt?.end?.reason === 'ReadinessOnly' ? ' by readiness only' : '';
  return `${runs}, proved${by} on ${counts?.passed} of ${pods(counts?.desired ?? 0)}${skipped}${attempt?.adopted ? '' : took(facts)}${excluded}`;
}

function fellBack(facts: Facts): string {
  const { status } = facts;
  const { fallback, counts } = status;
  const by: Record<string, string> = {
    PostCheck: `proved on ${pods(counts?.desired ?? 0)}`,
    ReadinessOnly: `verified by readiness only on ${pods(counts?.desired ?? 0)}`,
    No:
      counts?.desired === 0
        ? 'not verified, as it wants 0 pods'
        : 'not verified, as spec.fallback.verify is false',
  };
  return `Fell back from ${wanted(facts)} to ${before(facts)}, ${by[fallback?.verified ?? 'No']}: ${fallback?.cause ?? ''}`;
}

function failed(facts: Facts): string {
  const { attempt } = facts.status;
  const ends: Record<string, string> = {
    FallbackPaused: 'left as it is with gates closed, as spec.fallback.action is Pause',
    FallbackDisabled: 'not rolled back, as spec.fallback.action is None',
    NoFallbackTarget: 'no fallback: no other version ran before',
    ImageConflict: 'the attempt has ended',
    ImageRewritten: 'nothing was upgraded',
  };
  return `${wanted(facts)} failed, ${ends[attempt?.end?.reason ?? ''] ?? 'no fallback'}: ${attempt?.end?.cause ?? ''}`;
}

function byPhase(facts: Facts): string {
  const { status } = facts;
  const phase = status.phase ?? 'Pending';
  switch (phase) {
    case 'Pending':
      return `Attempt ${status.attempt?.number ?? 1} is to roll ${target(facts)} to ${wanted(facts) || imagesText(wantedBySpec(facts.upgrade), facts.upgrade.spec)}`;
    case 'Upgrading':
      return waitingStageText(facts, wanted(facts)) ?? rolling(facts);
    case 'PostChecking':
      return waitingStageText(facts, wanted(facts)) ?? checking(facts);
    case 'Inconclusive':
      return `No verdict on ${wanted(facts)} yet: ${facts.summary?.counts.passed ?? 0} of ${facts.summary?.desired ?? 0} pods passed${worst(facts) || rollingFailure(facts)}`;
    case 'Succeeded':
      return succeeded(facts);
    case 'FallingBack':
      return `Falling back from ${wanted(facts)} to ${before(facts)}: ${status.fallback?.cause ?? ''}`;
    case 'FallbackChecking':
      return `Checking the fallback to ${before(facts)}, ${status.counts?.passed ?? 0} of ${pods(status.counts?.desired ?? 0)} proved${worst(facts)}; it fell back because of ${status.fallback?.cause ?? ''}`;
    case 'FellBack':
      return fellBack(facts);
    case 'FallbackFailed':
      return `The fallback from ${wanted(facts)} to ${before(facts)} did not come to its end, somebody must look: ${status.attempt?.end?.cause ?? ''}`;
    case 'Failed':
      return failed(facts);
    case 'Aborted':
      return `Aborted before ${wanted(facts)} was proved: ${status.attempt?.end?.cause ?? ''}`;
  }
}

/** Why no further pod comes, when no pod has anything to say: the controller's own words, if it has any. */
function rollingFailure(facts: Facts): string {
  const { workload } = facts;
  if (workload?.replicaFailure) {
    return `; ${workload.replicaFailure}`;
  }
  return `; the controller of ${target(facts)} replaces no further pod: look at its events and at the nodes`;
}

const wantedBySpec = (upgrade: Upgrade): Record<string, string> =>
  Object.fromEntries(upgrade.spec.containers.map(({ name, image }) => [name, image]));

/** One sentence, no full stop, at most 4,000 characters. */
export function sentence(facts: Facts, drift: string | undefined): string {
  const { obstacle, status } = facts;
  if (obstacle && !status.attempt) {
    return cut(obstacle.message, 4000);
  }
  if (obstacle && (status.attempt?.end || obstacle.reason === 'TargetClaimed')) {
    return cut(obstacle.message, 4000);
  }
  if (obstacle) {
    return cut(`Standing still, ${obstacle.message}; ${byPhase(facts)}`, 4000);
  }
  const earlier =
    status.phase !== 'Aborted' && isPostCheckChanged(status, facts.upgrade.spec)
      ? '; that was by an earlier post-check than spec.postCheck is now: say retry to ask again'
      : '';
  return cut(drift ?? `${cut(byPhase(facts), 3900)}${earlier}`, 4000);
}
