/** The stages of an attempt: what the spec asks for, and where they stand. */
import type { StageStatus, UpgradeSpec } from '../../api/types.ts';
import type { ActiveStatus } from '../status.ts';
import type { Amount } from './amount.ts';
import type { Policy } from './turn.ts';

export interface Stage {
  readonly name: string;
  readonly pods?: Amount;
  readonly nodes?: { readonly matchLabels: Readonly<Record<string, string>> };
  readonly maxParallel?: Amount;
  readonly soakSeconds: number;
  readonly needsApproval: boolean;
}

/** The stages that the spec asks for, the last of them everything; none where an attempt goes in one step and ends with its last pod. */
export function stagesOf({ strategy, postCheck }: UpgradeSpec): readonly Stage[] {
  const { stages = [], soakSeconds = 0, approval } = strategy ?? {};
  const last = stages.at(-1);
  const isOpen = last !== undefined && (last.pods !== undefined || last.nodes !== undefined);
  const listed = isOpen ? [...stages, { name: unusedName(stages.map(({ name }) => name)) }] : stages;
  const isStaged = listed.length > 0 || (!postCheck.soakSeconds && !postCheck.rolloutChecks?.length);
  const all = isStaged ? listed : [{ name: 'all' }];
  return all.map((stage: Omit<Stage, 'needsApproval' | 'soakSeconds'> & StageWaits, index) => ({
    ...stage,
    soakSeconds:
      stage.soakSeconds ?? (index === all.length - 1 ? postCheck.soakSeconds : undefined) ?? soakSeconds,
    needsApproval: (stage.approval ?? approval) === 'Manual',
  }));
}

interface StageWaits {
  readonly soakSeconds?: number;
  readonly approval?: 'Auto' | 'Manual';
}

const unusedName = (names: readonly string[]): string =>
  ['rest', 'remaining', 'everything-else'].find((name) => !names.includes(name)) ?? 'last';

/** The stored states of `stages`, those that are not stored yet as waiting. */
const statesOf = (stages: readonly Stage[], { stages: stored = [] }: ActiveStatus): StageStatus[] =>
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
  spec: UpgradeSpec,
  status: ActiveStatus,
): Stages {
  if (!isStaged) {
    return NO_STAGES;
  }
  const all = stagesOf(spec);
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
