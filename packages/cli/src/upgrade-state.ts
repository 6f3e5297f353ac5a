/** Whether an Upgrade needs attention, whether its status is up to date, and whether its attempt has ended. */

import type { ConditionType } from '../../../src/api/enums.ts';
import { kubectl } from '../../../src/api/kubectl.ts';
import { isReason, OBSTACLE_REASONS } from '../../../src/api/reasons.ts';
import type { Phase, Upgrade } from '../../../src/api/types.ts';
import { completeStatus } from '../../../src/core/complete-status.ts';
import { newCommand } from '../../../src/core/decision/commands.ts';
import { waitsForPods as hasNoPodsYet, isForSpec, isUnderWay } from '../../../src/core/status.ts';
import { waitsToStart } from '../../../src/core/wait.ts';
import { EXIT } from './fault.ts';
import { type Look, phaseLook } from './looks.ts';
import { plain } from './text.ts';

export const conditionOf = (upgrade: Upgrade, type: ConditionType) =>
  upgrade.status?.conditions?.find((condition) => condition.type === type);

export const phaseOf = (upgrade: Upgrade): Phase => upgrade.status?.phase ?? 'Pending';

const ENDED: readonly Phase[] = ['Succeeded', 'Partial', 'FellBack', 'FallbackFailed', 'Failed', 'Aborted'];

/** Whether the operator is blocked until a person acts, during an attempt, before it or after it. An outcome is not an obstacle. */
export function isStalled(upgrade: Upgrade): boolean {
  const stalled = conditionOf(upgrade, 'Stalled');
  const isOver = ENDED.includes(phaseOf(upgrade)) && upgrade.status?.attempt?.end !== undefined;
  return stalled?.status === 'True' && (!isOver || Object.hasOwn(OBSTACLE_REASONS, stalled.reason));
}

/** Whether the status says why the operator does not act now. */
const isHeldUp = (upgrade: Upgrade): boolean =>
  isStalled(upgrade) || upgrade.spec.paused || waitsToStart(upgrade.status);

/** Whether the status is about an ended attempt for other images than the spec has now. */
export const isOfEarlierSpec = ({ status, spec }: Upgrade): boolean =>
  status?.attempt !== undefined && !isUnderWay(status) && !isForSpec(status.attempt, spec);

const isDrifted = (upgrade: Upgrade): boolean => isReason(conditionOf(upgrade, 'Ready')?.reason, 'Drifted');

/** What Ready and Stalled say against the phase, which is how the attempt ended: whoever shows a phase shows this too. */
export function objection(upgrade: Upgrade): 'Stalled' | 'Drifted' | undefined {
  if (isStalled(upgrade)) {
    return 'Stalled';
  }
  return isDrifted(upgrade) ? 'Drifted' : undefined;
}

/** Whether a version that succeeded is not verified, or not by the current spec, as the condition Verified says. */
export const isUnverified = (upgrade: Upgrade): boolean =>
  phaseOf(upgrade) === 'Succeeded' && conditionOf(upgrade, 'Verified')?.status === 'Unknown';

/** The phase, with what the conditions say against it: `Succeeded, Drifted`. */
export const phaseText = (upgrade: Upgrade): string =>
  [phaseOf(upgrade), objection(upgrade)].filter((word) => word !== undefined).join(', ');

/** A success that does not hold any more does not look like one. */
export const lookOf = (upgrade: Upgrade): Look =>
  objection(upgrade) === undefined ? phaseLook(phaseOf(upgrade)) : 'bad';

const RANKS: readonly ((upgrade: Upgrade) => boolean)[] = [
  (upgrade) => phaseOf(upgrade) === 'FallbackFailed',
  (upgrade) => phaseOf(upgrade) === 'Failed',
  isStalled,
  (upgrade) => phaseOf(upgrade) === 'Inconclusive' || isSilentFallback(upgrade),
  isDrifted,
  (upgrade) => phaseOf(upgrade) === 'Partial',
  (upgrade) => decided(upgrade) === undefined && waitsForPerson(upgrade) !== undefined,
];
const IN_BETWEEN: readonly ((upgrade: Upgrade) => boolean)[] = [
  (upgrade) => phaseOf(upgrade) === 'FellBack',
  (upgrade) => !ENDED.includes(phaseOf(upgrade)),
];

/** Returns the urgency; a smaller number is more urgent. */
export function urgency(upgrade: Upgrade): number {
  const all = [...RANKS, ...IN_BETWEEN];
  const rank = all.findIndex((is) => is(upgrade));
  return rank < 0 ? all.length : rank;
}

/** Whether the Upgrade makes no progress, or its state is unknown, until a person acts. */
export const needsAttention = (upgrade: Upgrade): boolean => urgency(upgrade) < RANKS.length;

export const mostUrgentFirst = (a: Upgrade, b: Upgrade): number =>
  urgency(a) - urgency(b) ||
  a.metadata.namespace.localeCompare(b.metadata.namespace) ||
  a.metadata.name.localeCompare(b.metadata.name);

/** Whether it is being deleted: what an attempt has changed is restored, then it is removed, whatever its spec says. */
export const isDeleting = ({ metadata }: Upgrade): boolean => metadata.deletionTimestamp !== undefined;

/** Whether a fallback is under way and the spec has other images than the attempt had: those are rolled once it has ended. */
export const awaitsFallback = ({ status, spec }: Upgrade): boolean =>
  inFallback(status) && status?.attempt !== undefined && !isForSpec(status.attempt, spec);

const inFallback = (status: Upgrade['status']): boolean =>
  status?.fallback !== undefined && isUnderWay(status);

/** Whether the previous version cannot be probed: the phase of a fallback does not say so. */
const isSilentFallback = ({ status }: Upgrade): boolean =>
  inFallback(status) && (status?.pods ?? []).some(({ state }) => state === 'Inconclusive');

/** Returns what the operator has not observed yet, in which case the status is out of date. */
export function unseen(upgrade: Upgrade): string | undefined {
  const { status, metadata, spec } = upgrade;
  if (isDeleting(upgrade)) {
    return undefined;
  }
  if (status?.observedGeneration === undefined) {
    return 'the operator has not observed this Upgrade yet';
  }
  if (status.observedGeneration < metadata.generation) {
    return 'the operator has not observed the last change of the spec yet';
  }
  if (isHeldUp(upgrade)) {
    return undefined;
  }
  const verb = newCommand(upgrade);
  if (verb) {
    return `the operator has not acted on the last ${verb} yet`;
  }
  return status.attempt && !isForSpec(status.attempt, spec) && !awaitsFallback(upgrade)
    ? 'the attempt for the current images has not started yet'
    : undefined;
}

/** Whether the status is about the current spec and the last command. */
export const isUpToDate = (upgrade: Upgrade): boolean =>
  unseen(upgrade) === undefined && newCommand(upgrade) === undefined && !isOfEarlierSpec(upgrade);

/** Whether the approval that it waits for was given: the status has the wait until the stage completes. */
const isApproved = (upgrade: Upgrade): boolean =>
  newCommand(upgrade) === 'approve' ||
  upgrade.status?.stages?.find(({ state }) => state === 'AwaitingApproval')?.approvedAt !== undefined;

/** Returns what a person has to do for it to continue, and how. */
export function waitsForPerson(upgrade: Upgrade): string | undefined {
  const { metadata, spec, status } = upgrade;
  const run = (verb: string): string =>
    `\`${kubectl(metadata.namespace, 'postcheck', verb, metadata.name)}\``;
  if (isStalled(upgrade)) {
    return plain(status?.message ?? '');
  }
  if (spec.paused) {
    return `it is paused: ${run('resume')}`;
  }
  if (!isUnderWay(status)) {
    return undefined;
  }
  switch (status?.waiting?.reason) {
    case 'AwaitingApproval':
      return isApproved(upgrade) ? undefined : `a stage waits for approval: ${run('approve')}`;
    case 'PartitionSet':
      return `it waits until ${status.waiting.detail} of ${spec.targetRef.kind} ${spec.targetRef.name} is lowered`;
    default:
      return undefined;
  }
}

/** Returns what has to happen before the pods can be verified, if there are none and nothing else is the matter. */
export const waitsForPods = ({ spec, status }: Upgrade): string | undefined =>
  hasNoPodsYet(completeStatus(status))
    ? `${spec.targetRef.kind} ${spec.targetRef.name} has pods to verify`
    : undefined;

const EXIT_CODES: Partial<Record<string, number>> = {
  Succeeded: EXIT.ok,
  FellBack: EXIT.fellBack,
  FallbackFailed: EXIT.fallbackFailed,
  Failed: EXIT.failed,
  Aborted: EXIT.failed,
  Partial: EXIT.failed,
};

/** Returns the exit code for the outcome; `undefined` until the attempt has ended. */
export function decided(upgrade: Upgrade): number | undefined {
  const code = isUpToDate(upgrade) ? EXIT_CODES[phaseOf(upgrade)] : undefined;
  return code === EXIT.ok && objection(upgrade) !== undefined ? EXIT.failed : code;
}
