/** The message of a status: one sentence that says what runs now, and why. */
import { effectiveChecks } from '../../api/checks.ts';
import { cut } from '../../api/cut.ts';
import { kubectl } from '../../api/kubectl.ts';
import { own } from '../../api/own.ts';
import { printableLine } from '../../api/printable.ts';
import { isReason } from '../../api/reasons.ts';
import type { Counts, Images } from '../../api/types.ts';
import type { PodView, WorkloadView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { Status } from '../complete-status.ts';
import type { Obstacle } from '../obstacle.ts';
import { isLeftUnreached } from '../rollout/left.ts';
import type { CompleteUpgrade } from '../snapshot.ts';
import { isForSpec, isPostCheckChanged, waitsForPods } from '../status.ts';
import { fromIso, spanText } from '../time.ts';
import { worstCause } from '../verification/pod-result.ts';
import { ofDesired, type PodSummary } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { beforeClause } from './baseline-text.ts';
import { CONTINUES, causeText, missingAdvice } from './cause-text.ts';
import { type Versions, versionsText } from './image-text.ts';
import { explainedClause, leftCounts, leftText } from './left-text.ts';
import { obstacleText } from './obstacle-text.ts';
import { emptyStageClause, rolloutCheckClause, stageClause, waitingStageText } from './stage-text.ts';
import { waitingToStartText } from './wait-text.ts';

export interface Facts {
  readonly upgrade: CompleteUpgrade;
  readonly status: Status;
  readonly workload: WorkloadView | undefined;
  readonly summary: PodSummary | undefined;
  readonly obstacle: Obstacle | undefined;
  /** Why the controller cannot create pods, as the API server says it. */
  readonly refusal?: string | undefined;
  /** A pod of the rollout that its node ended. */
  readonly ended?: Cause | undefined;
  /** A pod that is still terminating while another one is missing. */
  readonly terminating?: Cause | undefined;
  /** A pod of the previous version that is not Ready, so that the controller replaces no pod. */
  readonly waitsFor?: PodView | undefined;
}

const SENTENCE_MAX = 4000;

const pods = (count: number): string => `${count} ${count === 1 ? 'pod' : 'pods'}`;

/** Why the worst pod does not serve as verified, if there is one. */
function worst({ summary }: Facts): string {
  const cause = summary && worstCause(summary.results);
  return cause ? `; ${causeText(cause)}` : '';
}

/** The worst pod, and one that its node ended. */
const heldPods = (facts: Facts): string =>
  `${worst(facts)}${facts.ended ? `; ${causeText(facts.ended)}` : ''}`;

/** What blocks a fallback. Before the images are restored, the pods are still those of the failed version. */
function stuck({ status, summary, refusal }: Facts): string {
  if (!status.fallback?.rolledAt) {
    return '';
  }
  const result = summary?.results.find(({ state }) => state === 'Inconclusive' || state === 'Failed');
  const held = result ? causeText(result.cause) : refusal && `${refusal}${CONTINUES}`;
  return held ? `, which is blocked: ${held}` : '';
}

/** The pods that failed within the budget, or else the worst pod. */
const openPods = (facts: Facts): string => leftClause(facts) || worst(facts);

const target = ({ upgrade }: Facts): string =>
  `${upgrade.spec.targetRef.kind} ${upgrade.spec.targetRef.name}`;

const wantedImages = ({ containers }: CompleteUpgrade['spec']): Images =>
  Object.fromEntries(containers.map(({ name, image }) => [name, image]));

function versions({ upgrade, status }: Facts): Versions {
  const wanted = status.attempt ? status.to.images : wantedImages(upgrade.spec);
  const text = versionsText(status.from.images, wanted, upgrade.spec);
  const requested = Object.values({ ...status.to.requested });
  return requested.length > 0 ? { ...text, to: `${text.to} (requested: ${requested.join(', ')})` } : text;
}

const took = ({ attempt }: Status): string =>
  attempt?.end ? ` in ${spanText(fromIso(attempt.end.at) - fromIso(attempt.startedAt))}` : '';

/** What the user should know about a rollout without problems. */
function caveat({ upgrade, status, workload }: Facts): string {
  const { attempt } = status;
  if (!attempt || attempt.adopted || attempt.end) {
    return '';
  }
  if (workload?.servesNothingMeanwhile) {
    return '; its strategy leaves no pod serving during the rollout';
  }
  if (isBaselineUnknown(upgrade, status)) {
    return '; no pod of the previous version answered before the upgrade, so spec.preCheck.baseline decided nothing';
  }
  return !attempt.gating && upgrade.spec.gate === 'Auto'
    ? '; not gated, because neither gate policy nor webhook acts here'
    : '';
}

/** The baseline had to pass, but no pod responded, which is no evidence against the previous version. */
const isBaselineUnknown = ({ spec }: CompleteUpgrade, { from }: Status): boolean =>
  spec.preCheck.baseline === 'RequirePass' && from.baseline?.length === 0;

const countText = (count: number, counts: Pick<Counts, 'desired'>): string =>
  `${ofDesired(count, counts)} of ${pods(counts.desired)}`;

function countOfPassed({ summary, status }: Facts): string {
  const { counts } = summary ?? status;
  return countText(counts.passed, counts);
}

const passedOf = (facts: Facts): string => `${countOfPassed(facts)} passed`;

function rolling(facts: Facts): string {
  const { summary, refusal } = facts;
  const { from, to } = versions(facts);
  const failure = refusal ? `; ${refusal}` : '';
  const updated = summary
    ? `: ${ofDesired(summary.counts.updated, summary)} of ${summary.desired} updated, ${ofDesired(summary.counts.passed, summary)} passed`
    : '';
  const between = from && from !== to ? `from ${from} to ${to}` : `to ${to}`;
  return `Rolling ${target(facts)} ${between}${stageClause(facts.status)}${updated}${emptyStageClause(facts)}${openPods(facts)}${waitsForOld(facts)}${failure}${caveat(facts)}`;
}

/** The attempt waits at the user's partition. */
function atPartition(facts: Facts): string | undefined {
  const { waiting } = facts.status;
  return waiting?.reason === 'PartitionSet'
    ? `${target(facts)} has ${waiting.detail}${stageClause(facts.status)}: ${versions(facts).to} is verified on ${countOfPassed(facts)}, still probed; the attempt continues when the partition is lowered${leftClause(facts)}`
    : undefined;
}

function checking(facts: Facts): string {
  const { to } = versions(facts);
  return waitsForPods(facts.status)
    ? `${target(facts)} has 0 replicas: ${to} is verified once it has pods${caveat(facts)}`
    : `Verifying ${to}: ${passedOf(facts)}${emptyStageClause(facts)}${openPods(facts)}${caveat(facts)}`;
}

function succeeded(facts: Facts): string {
  const { status } = facts;
  const { counts, attempt } = status;
  const runs = `${target(facts)} runs ${versions(facts).to}`;
  const reason = attempt?.end?.reason;
  if (isReason(reason, 'AllSkipped')) {
    return `${runs}, but nothing was verified: every check was skipped`;
  }
  const skipped = counts.skipped ? `, ${counts.skipped} skipped` : '';
  const onlyReady = isReason(reason, 'ReadinessOnly');
  const by = onlyReady ? ' by readiness only' : '';
  const span = attempt?.adopted ? '' : took(status);
  const advice = onlyReady ? missingCheck(facts) : '';
  return `${runs}, verified${by} on ${countText(counts.passed, counts)}${skipped}${span}${advice}`;
}

/** How to verify more than readiness, if the command of a check is in no image. */
function missingCheck({ upgrade, status }: Facts): string {
  const [check] = status.checks.length > 0 ? effectiveChecks(upgrade.spec).filter(({ exec }) => exec) : [];
  const command = check?.exec?.command[0];
  return command === undefined
    ? ''
    : `; it has no ${command}: ${missingAdvice(command, 'add it to the image, or name another check in spec.postCheck.checks')}`;
}

/** Nodes on which a fallback changed nothing, because they are not Ready. */
const leftOut = ({ attempt }: Status): string =>
  attempt && attempt.excludedNodes.length > 0
    ? `; not reached, because not Ready: ${attempt.excludedNodes.slice(0, 5).join(', ')}`
    : '';

/** What runs where and why, and what the nodes of the failed pods have in common. */
function partial(facts: Facts): string {
  const { status } = facts;
  const { from, to } = versions(facts);
  const { passed, skipped, desired } = status.counts;
  // The failed pods may be gone while their replacements are not verified yet.
  const left = status.left.length > 0 ? `; ${leftCounts(status, from)}: ${leftText(status)}` : '';
  return `${target(facts)} runs ${to}, verified on ${countText(passed + skipped, { desired })}${left}${explainedClause(status)}`;
}

/** Pods that failed within the budget, and unreachable nodes, while the attempt continues. */
function leftClause(facts: Facts): string {
  const { status } = facts;
  return status.left.length > 0
    ? `; ${leftCounts(status, versions(facts).from)}${isLeftUnreached(status) ? '' : ', within the budget'}: ${leftText(status)}${explainedClause(status)}`
    : '';
}

const VERIFIED_BY: Readonly<Record<string, (count: string) => string>> = {
  PostCheck: (count) => `verified on ${count}`,
  ReadinessOnly: (count) => `verified by readiness only on ${count}`,
  No: (count) =>
    count === pods(0)
      ? 'not verified, because it has 0 replicas'
      : 'not verified, because spec.fallback.verify is false',
};

function fellBack(facts: Facts): string {
  const { fallback, counts } = facts.status;
  const { from, to } = versions(facts);
  const replicas = counts.desired;
  const how = own(VERIFIED_BY, fallback?.verified ?? 'No')?.(pods(replicas)) ?? '';
  return `${from} ${replicas === 0 ? 'is set' : 'runs'} again, ${how}; ${why(to, fallback?.reason, fallback?.cause)}${explained(facts)}${leftOut(facts.status)}`;
}

const explained = ({ status }: Facts): string =>
  isReason(status.fallback?.reason, 'Aborted') ? '' : `${beforeClause(status)}${explainedClause(status)}`;

/** An abort is not a failure of the version. */
const why = (version: string, reason: string | undefined, cause = ''): string =>
  isReason(reason, 'Aborted') ? `${version} was ${cause}` : `${version} failed: ${cause}`;

/** Why the attempt ended. */
const endCause = ({ status: { attempt } }: Facts): string => (attempt?.end ? attempt.end.cause : '');

/** What runs after somebody set another image, perhaps that of an attempt that was superseded, as `kubectl rollout undo` does then; and what to do. */
function unverifiedText({ status: { attempt, history } }: Facts, to: string): string {
  const { container = '', image } = attempt?.end?.why ?? {};
  if (image === undefined) {
    return '';
  }
  const earlier = history.find(
    ({ outcome, images }) => outcome === 'Superseded' && own(images, container) === image,
  );
  const which = earlier ? `, which attempt ${earlier.attempt} set before it was superseded,` : '';
  return `; the image${which} is not verified: set it in spec.containers to verify it, or postcheck.dev/retry to roll to ${to}`;
}

function failed(facts: Facts): string {
  const { from, to } = versions(facts);
  const end = facts.status.attempt?.end;
  const cause = endCause(facts);
  switch (end?.reason) {
    case 'FallbackPaused':
      return `${to} failed and stays behind closed gates, because spec.fallback.action is Pause: ${cause}`;
    case 'FallbackDisabled':
      return `${to} failed and was not rolled back, because spec.fallback.action is None: ${cause}`;
    case 'NoFallbackTarget':
      return `${to} did not pass, and there is no previous version to fall back to: ${cause}`;
    case 'ImageConflict':
      return `C${cause.slice(1)}, and ended the attempt to roll to ${to}${unverifiedText(facts, to)}`;
    case 'BaselineFailed':
      return `Nothing was upgraded to ${to}, because spec.preCheck.baseline is RequirePass and ${from ?? 'the previous version'} fails: ${cause}; fix it, or set postcheck.dev/retry to upgrade all the same`;
    case 'ImageRewritten':
      return `Nothing was upgraded to ${to}: ${cause}`;
    default:
      return `${to} failed: ${cause}`;
  }
}

function byPhase(facts: Facts): string {
  const { status } = facts;
  const { from, to } = versions(facts);
  switch (status.phase) {
    case 'Pending':
      return `Starting attempt ${status.attempt?.number ?? 1}: ${target(facts)} ${from && from !== to ? `from ${from} to ${to}` : `to ${to}`}`;
    case 'Upgrading':
      return atPartition(facts) ?? waitingStageText(facts, to) ?? rolling(facts);
    case 'PostChecking':
      return atPartition(facts) ?? waitingStageText(facts, to) ?? checking(facts);
    case 'Inconclusive':
      return `No verdict on ${to} yet: ${passedOf(facts)}${heldPods(facts)}${rolloutCheckClause(status) || blockedBy(facts)}`;
    case 'Succeeded':
      return succeeded(facts);
    case 'Partial':
      return partial(facts);
    case 'FallingBack':
      return `Falling back to ${from}${stuck(facts)}; ${why(to, status.fallback?.reason, status.fallback?.cause)}${explained(facts)}`;
    case 'FallbackChecking':
      return `Verifying the fallback to ${from}: ${passedOf(facts)}${worst(facts)}; ${why(to, status.fallback?.reason, status.fallback?.cause)}`;
    case 'FellBack':
      return fellBack(facts);
    case 'FallbackFailed':
      return `The fallback from ${to} to ${from} did not complete, manual intervention is required: ${endCause(facts)}${beforeClause(status)}`;
    case 'Failed':
      return `${failed(facts)}${beforeClause(status)}`;
    case 'Aborted':
      return `Ended before ${to} was verified: ${endCause(facts)}`;
  }
}

/** The pod that the controller waits for. It was not created by the attempt, so the user must decide about it. */
const waitsForOld = ({ waitsFor }: Facts): string =>
  waitsFor
    ? `; its controller replaces no pod before ${waitsFor.name} is Ready, which this attempt did not create (kubernetes#67250): fix it, or run ${kubectl(waitsFor.namespace, 'delete', 'pod', waitsFor.name)}`
    : '';

const blockedBy = (facts: Facts): string =>
  emptyStageClause(facts) ||
  waitsForOld(facts) ||
  (heldPods(facts) ? '' : blockedByLost(facts) || controllerBlocked(facts));

/** Lost nodes that have the new version block what postcheck replaces itself (lost-nodes.ts), and a controller may wait for lost nodes. */
function blockedByLost(facts: Facts): string {
  const { status, workload } = facts;
  if (!workload || !status.attempt?.excludedNodes.length) {
    return '';
  }
  const isOurs = driverOf(workload).lever(workload) === 'deletion';
  return `${leftClause(facts)}${isOurs ? '; the new version may be the cause, so no further node is upgraded until they are back' : controllerBlocked(facts)}`;
}

/** Why no further pod is created, if no pod explains it: the controller's message, if it has one, or a pod that does not end. */
function controllerBlocked(facts: Facts): string {
  const held = facts.refusal ?? (facts.terminating && causeText(facts.terminating));
  return held
    ? `; ${held}`
    : `; the controller of ${target(facts)} replaces no further pod: check its events and the nodes`;
}

/** One sentence without a full stop: what runs now, then why. It may contain foreign text, such as images, labels and tokens. */
export function sentence(facts: Facts, drift: string | undefined): string {
  return cut(printableLine(statusText(facts, drift)), SENTENCE_MAX);
}

const EARLIER = '; this was verified by an earlier spec.postCheck: set postcheck.dev/retry to verify again';

const isByEarlierCheck = ({ status, upgrade }: Facts): boolean =>
  status.phase !== 'Aborted' && isPostCheckChanged(status, upgrade.spec);

/** The version that follows the attempt which is under way, if the spec has another one by now. */
function nextVersion({ upgrade: { spec }, status: { attempt, from } }: Facts): string {
  return !attempt || isForSpec(attempt, spec)
    ? ''
    : ` with ${versionsText(from.images, wantedImages(spec), spec).to}`;
}

function statusText(facts: Facts, drift: string | undefined): string {
  const { obstacle, status } = facts;
  if (!obstacle) {
    return (
      waitingToStartText(facts) ??
      drift ??
      `${cut(byPhase(facts), SENTENCE_MAX - EARLIER.length)}${isByEarlierCheck(facts) ? EARLIER : ''}`
    );
  }
  if (!status.attempt || status.attempt.end || isReason(obstacle.reason, 'TargetClaimed')) {
    return obstacleText(obstacle);
  }
  if (isReason(obstacle.reason, 'Paused')) {
    const since = status.paused.since ? ` since ${status.paused.since}` : '';
    return `Paused by spec.paused${since}, set it to false to continue${nextVersion(facts)}; ${byPhase(facts)}`;
  }
  return `Blocked: ${obstacleText(obstacle)}; ${byPhase(facts)}`;
}
