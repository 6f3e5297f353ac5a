/** The stages of an attempt, with their states. */
import type { StageStatus } from '../../api/types.ts';
import type { ActiveStatus } from '../complete-status.ts';
import type { EffectiveSpec, Stage } from '../effective-spec.ts';
import type { Policy } from './evaluation.ts';

/** The state of each stage; `Waiting` if none is stored yet. */
const statesOf = (stages: readonly Stage[], { stages: stored }: ActiveStatus): StageStatus[] =>
  stages.map(
    ({ name }) =>
      stored.find((stage) => stage.name === name) ?? { name, state: 'Waiting', desired: 0, verified: 0 },
  );

/** The stages of an attempt with their states. */
export interface Stages {
  readonly all: readonly Stage[];
  /** The state of each stage in `all`. */
  readonly states: readonly StageStatus[];
  /** The present stage: the first that is not done. */
  readonly present?: { readonly index: number; readonly stage: Stage; readonly state: StageStatus };
}

const NO_STAGES: Stages = { all: [], states: [] };

/** The stages of the rollout; none if its policy does not use them. */
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

/** Verified pods are still probed while their stage soaks or waits for approval, and while the next stage waits for a window. */
export const isSoaking = ({ present }: Stages): boolean =>
  present !== undefined && present.state.state !== 'Rolling' && !isBeforeFirst(present);

/** The first stage has not started; it starts together with the attempt. */
export const isBeforeFirst = ({
  index,
  state,
}: {
  readonly index: number;
  readonly state: StageStatus;
}): boolean => index === 0 && state.state === 'Waiting';
