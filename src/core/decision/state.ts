/** The states that an Upgrade can be in. Exhaustive: decide.ts has an arm for each name. */
import type { Attempt } from '../../api/types.ts';
import type { Verb } from '../../api/verbs.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { Obstacle } from '../obstacle.ts';
import type { ForeignChange, Rollout } from '../rollout/rollout.ts';
import type { ActiveStatus } from '../status.ts';
import type { Wait } from '../wait.ts';

export type Trigger = Attempt['trigger'];

export interface Active {
  readonly workload: WorkloadView;
  readonly status: ActiveStatus;
}

export interface Rolling extends Active {
  readonly rollout: Rollout;
}

export interface Start {
  readonly workload: WorkloadView;
  readonly trigger: Trigger;
  /** What runs now was never verified, so the recorded fallback target stays. */
  readonly inherit: boolean;
  /** The attempt was recorded and not written, and is recorded again under its own number. */
  readonly rerecord: boolean;
}

export type State =
  /** The Upgrade is being deleted: nothing is written for it any more. */
  | { readonly name: 'Deleting' }
  /** It is being deleted, and nothing has to be put back, or can be: our finalizer goes. */
  | { readonly name: 'RemovingFinalizer' }
  /** It was deleted in the middle of an attempt, or while it held a version that failed behind closed gates: an abort. */
  | ({ readonly name: 'AbortedByDeletion' } & Active)
  /** What we know of the workload is older than what the status was written from: a decision on it would be about the past. */
  | { readonly name: 'StaleCache' }
  /** Cannot act, and nothing is under way. */
  | { readonly name: 'Blocked'; readonly obstacle: Obstacle }
  /** The workload went away in the middle of a rollout. */
  | { readonly name: 'TargetLost'; readonly status: ActiveStatus }
  /** A rollout is under way, but suspended: by the user, or by an obstacle. Clocks stop. */
  | ({ readonly name: 'Suspended'; readonly obstacle: Obstacle; readonly byUser: boolean } & Rolling)
  /** Suspended by the user before an attempt was recorded. */
  | { readonly name: 'SuspendedBeforeStart' }
  /** Suspended no longer, which is not recorded yet. */
  | ({ readonly name: 'Resuming' } & Rolling)
  /** An attempt is to start, but a write of ours still stands in managedFields: that entry goes first, so that the next one can be told. */
  | { readonly name: 'ReleasingFields'; readonly workload: WorkloadView }
  /** An attempt is to start, but the API server has not said whether it can be gated. */
  | { readonly name: 'GateUnknown' }
  /** An attempt is to start, and waits for a window or for other Upgrades. */
  | { readonly name: 'WaitingToStart'; readonly wait: Wait }
  /** A new attempt is to be recorded. */
  | ({ readonly name: 'Starting' } & Start)
  | ({ readonly name: 'CommandPending'; readonly verb: Verb } & Active)
  /** The attempt is recorded; the version before is to be asked, while all of it still runs. */
  | ({ readonly name: 'BaselinePending' } & Rolling)
  /** The rollout is recorded; its images are to be written. */
  | ({ readonly name: 'ImagesPending' } & Rolling)
  /** The images stand in the template, or what admission made of them, which is not recorded yet. */
  | ({ readonly name: 'ImagesPatched' } & Rolling)
  /** Somebody else changed an image that the rollout set. */
  | ({ readonly name: 'Conflicted'; readonly change: ForeignChange } & Rolling)
  /** The rollout's pods are to be verified. */
  | ({ readonly name: 'Verifying' } & Rolling)
  /** Nothing to do until the spec, a command or the target changes. */
  | ({ readonly name: 'Idle' } & Active);

/** One state, by name. */
export type StateOf<Name extends State['name']> = Extract<State, { name: Name }>;
