/** The stages of an attempt: what the spec asks for, and where they stand. */
import type { StageStatus } from '../../api/types.ts';
import type { EffectiveSpec, Stage } from '../effective-spec.ts';
import type { ActiveStatus } from '../status.ts';
import type { Policy } from './turn.ts';

/** The stored states of `stages`, those that are not stored yet as waiting. */
const statesOf = (stages: readonly Stage[], { stages: stored }: ActiveStatus): StageStatus[] =>
  stages.map(
    ({ name }) =>
      stored.find((known) => known.name === name) ?? { name, state: 'Waiting', desired: 0, verified: 0 },
  );

/** The stages of an attempt as they stand. */
export interface Stages {
  readonly all: readonly Stage[];
  /** Of each of `all`. */
  readonly states: readonly StageStatus[];
  /** The stage that the attempt is in: the first that is not over. */
  readonly present?: { readonly index: number; readonly stage: Stage; readonly state: StageStatus };
}

const NO_STAGES: Stages = { all: [], states: [] };

/** The stages by which what is under way goes, if it goes by any. */
export function stagesFor(
  { isStaged }: Pick<Policy, 'isStaged'>,
  { stages: all }: EffectiveSpec,
  status: ActiveStatus,
): Stages {
  if (!isStaged) {
    return NO_STAGES;
  }
  const states = statesOf(all, status);
  const index = states.findIndex(({ state }) => state !== 'Done');
  const [stage, state] = [all[index], states[index]];
  return { all, states, present: stage && state ? { index, stage, state } : undefined };
}

/** Verified pods are probed further while their stage soaks or waits for a person, and while the next one waits for its window. */
export const isSoaking = ({ present }: Stages): boolean =>
  present !== undefined && present.state.state !== 'Rolling' && !begins(present);

/** The first stage begins with its attempt. */
export const begins = ({ index, state }: { readonly index: number; readonly state: StageStatus }): boolean =>
  index === 0 && state.state === 'Waiting';
