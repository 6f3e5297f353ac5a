/** The message of a status: one sentence that says what runs now, and why. */
import { cut } from '../../api/cut.ts';
import { kubectl } from '../../api/kubectl.ts';
import { printableLine } from '../../api/printable.ts';
import { isReason } from '../../api/reasons.ts';
import type { Status } from '../complete-status.ts';
import { wantedImages } from '../images.ts';
import { isLeftUnreached } from '../rollout/left.ts';
import type { CompleteUpgrade } from '../snapshot.ts';
import { isForSpec, isPostCheckChanged, waitsForPods } from '../status.ts';
import { worstCause } from '../verification/pod-result.ts';
import { ofDesired } from '../verification/summary.ts';
import { driverOf } from '../workload/drivers.ts';
import { beforeClause } from './baseline-text.ts';
import { CONTINUES, causeText, whatText } from './cause-text.ts';
import { endCause, explained, failed, fellBack, partial, succeeded, why } from './ended-text.ts';
import { versionsText } from './image-text.ts';
import { explainedClause, leftCounts, leftText } from './left-text.ts';
import { obstacleText } from './obstacle-text.ts';
import { countText, type Facts, target, versions } from './sentence-parts.ts';
import { emptyStageClause, rolloutCheckClause, stageClause, waitingStageText } from './stage-text.ts';
import { waitingToStartText } from './wait-text.ts';

const SENTENCE_MAX = 4000;

/** Why the worst pod does not serve as verified, if there is one. */
function worst({ summary }: Facts): string {
  const cause = summary && worstCause(summary.results);
  return cause ? `; ${causeText(cause)}` : '';
}

/** The worst pod, and one that its node ended. */
const heldPods = (facts: Facts): string =>
  `${worst(facts)}${facts.ended ? `; ${causeText(facts.ended)}` : ''}`;

/** What blocks a fallback. Before the images are restored, the pods are still those of the failed version. */
function stuck({ status, summary, refusal, overlooked }: Facts): string {
  if (!status.fallback?.rolledAt) {
    return '';
  }
  const result = summary?.results.find(({ state }) => state === 'Inconclusive' || state === 'Failed');
  const refused = refusal && `${refusal}${CONTINUES}`;
  const held = result ? causeText(result.cause) : (refused ?? (overlooked && causeText(overlooked)));
  return held ? `, which is blocked: ${held}` : '';
}

/** The pods that failed within the budget, or else the worst pod. */
const openPods = (facts: Facts): string => leftClause(facts) || worst(facts);

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

function countOfPassed({ summary, status }: Facts): string {
  const { counts } = summary ?? status;
  return countText(counts.passed, counts);
}

const passedOf = (facts: Facts): string => `${countOfPassed(facts)} passed`;

function rolling(facts: Facts): string {
  const { summary, refusal } = facts;
  const { from, to } = versions(facts);
  const missing = facts.repelled ?? facts.overlooked;
  const failure = `${refusal ? `; ${refusal}` : ''}${missing ? `; ${causeText(missing)}` : ''}`;
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

/** Pods that failed within the budget, and unreachable nodes, while the attempt continues. */
function leftClause(facts: Facts): string {
  const { status } = facts;
  return status.left.length > 0
    ? `; ${leftCounts(status, versions(facts).from)}${isLeftUnreached(status) ? '' : ', within the budget'}: ${leftText(status)}${explainedClause(status)}`
    : '';
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
function waitsForOld({ waitsFor }: Facts): string {
  if (!waitsFor) {
    return '';
  }
  const { pod, cause } = waitsFor;
  const why = cause ? whatText(cause) : 'not Ready';
  if (isReason(cause?.reason, 'NodeUnreachable')) {
    // A pod there stays, however it is deleted, until its node is back or gone (kubernetes/community#7060).
    return `; its controller waits for ${pod.name}: ${why}: recover the node, or delete it if it is lost for good`;
  }
  return `; its controller waits for ${pod.name}: ${why}; this attempt did not create that pod (kubernetes#67250): fix it, or run ${kubectl(pod.namespace, 'delete', 'pod', pod.name)}`;
}

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
  return `${leftClause(facts)}${isOurs ? '; the new version may be the cause, so no further node is upgraded until they are back' : (whyBlocked(facts) ?? blockedByUnavailable(facts))}`;
}

/** Its controller counts nodes that are not Ready as unavailable, also where the attempt goes on without them (kubernetes/test-infra#31706). */
const blockedByUnavailable = (facts: Facts): string =>
  `; the controller of ${target(facts)} replaces no further pod, most likely because they use up its maxUnavailable: recover or delete the nodes, or, if the new version is not the cause, raise it`;

/** Why no further pod is created, if no pod explains it: the controller's message, if it has one, or a pod that does not end. */
function whyBlocked({ terminating, repelled, overlooked, refusal }: Facts): string | undefined {
  const cause = terminating ?? repelled ?? overlooked;
  const held = refusal ?? (cause && causeText(cause));
  return held && `; ${held}`;
}

const controllerBlocked = (facts: Facts): string =>
  whyBlocked(facts) ??
  `; the controller of ${target(facts)} replaces no further pod: check its events and the nodes`;

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
    const since = status.paused.since ? ` since ${status.paused.since.replace(/\.\d+/, '')}` : '';
    return `Paused by spec.paused${since}, set it to false to continue${nextVersion(facts)}; ${byPhase(facts)}`;
  }
  return `Blocked: ${obstacleText(obstacle)}; ${byPhase(facts)}`;
}
