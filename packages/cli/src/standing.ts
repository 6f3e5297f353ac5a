/** Where an Upgrade stands, for people: what needs one of them first, and whether it is decided. */
import type { Phase, Upgrade } from '../../../src/api/types.ts';
import { newCommand } from '../../../src/core/decision/commands.ts';
import { isForSpec } from '../../../src/core/status.ts';
import { EXIT } from './fault.ts';

type ConditionType = 'Ready' | 'Reconciling' | 'Stalled' | 'Verified' | 'FallenBack' | 'Gated';

export const conditionOf = (upgrade: Upgrade, type: ConditionType) =>
  upgrade.status?.conditions?.find((condition) => condition.type === type);

export const phaseOf = (upgrade: Upgrade): Phase => upgrade.status?.phase ?? 'Pending';

const ENDED: readonly Phase[] = ['Succeeded', 'Partial', 'FellBack', 'FallbackFailed', 'Failed', 'Aborted'];

/** The operator stands still until somebody acts, in the middle of something or before it began. */
export const isStalled = (upgrade: Upgrade): boolean =>
  conditionOf(upgrade, 'Stalled')?.status === 'True' &&
  (!ENDED.includes(phaseOf(upgrade)) || upgrade.status?.attempt?.end === undefined);

const isDrifted = (upgrade: Upgrade): boolean => conditionOf(upgrade, 'Ready')?.reason === 'Drifted';

const RANKS: readonly ((upgrade: Upgrade) => boolean)[] = [
  (upgrade) => phaseOf(upgrade) === 'FallbackFailed',
  (upgrade) => phaseOf(upgrade) === 'Failed',
  isStalled,
  (upgrade) => phaseOf(upgrade) === 'Inconclusive',
  isDrifted,
];
const IN_BETWEEN: readonly ((upgrade: Upgrade) => boolean)[] = [
  (upgrade) => phaseOf(upgrade) === 'Partial',
  (upgrade) => phaseOf(upgrade) === 'FellBack',
  (upgrade) => !ENDED.includes(phaseOf(upgrade)),
];

/** Smaller is more urgent. */
export function urgency(upgrade: Upgrade): number {
  const all = [...RANKS, ...IN_BETWEEN];
  const rank = all.findIndex((is) => is(upgrade));
  return rank < 0 ? all.length : rank;
}

/** Nothing goes on, or nobody knows what, until a person acts. */
export const needsPerson = (upgrade: Upgrade): boolean => urgency(upgrade) < RANKS.length;

export const mostUrgentFirst = (a: Upgrade, b: Upgrade): number =>
  urgency(a) - urgency(b) ||
  a.metadata.namespace.localeCompare(b.metadata.namespace) ||
  a.metadata.name.localeCompare(b.metadata.name);

/** What the operator has yet to see: then the status is about the past. */
export function unseen(upgrade: Upgrade): string | undefined {
  const { status, metadata, spec } = upgrade;
  if (status?.observedGeneration === undefined) {
    return 'the operator has not seen this Upgrade yet';
  }
  if (status.observedGeneration < metadata.generation) {
    return 'the operator has not seen the last change of the spec yet';
  }
  const verb = newCommand(upgrade);
  if (verb) {
    return `the operator has not acted on the last ${verb} yet`;
  }
  return status.attempt && !isForSpec(status.attempt, spec) && !isStalled(upgrade)
    ? 'the attempt for the present images has not started yet'
    : undefined;
}

const EXIT_CODES: Partial<Record<string, number>> = {
  Succeeded: EXIT.ok,
  FellBack: EXIT.fellBack,
  FallbackFailed: EXIT.fallbackFailed,
  Failed: EXIT.failed,
  Aborted: EXIT.failed,
  Partial: EXIT.failed,
};

/** The exit code of a decided Upgrade; `undefined` while it is not decided. */
export const decided = (upgrade: Upgrade): number | undefined =>
  unseen(upgrade) === undefined ? EXIT_CODES[phaseOf(upgrade)] : undefined;
