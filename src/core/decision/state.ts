/** The states that an Upgrade can be in. Exhaustive: decide.ts has an arm for each name. */
import type { Attempt } from '../../api/types.ts';
import type { Verb } from '../../api/verbs.ts';
import type { WorkloadView } from '../../api/views.ts';
import type { ActiveStatus } from '../complete-status.ts';
import type { Obstacle } from '../obstacle.ts';
import type { ForeignChange, Rollout } from '../rollout/rollout.ts';
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
  /** What runs now was never verified, so the recorded fallback target is kept. */
  readonly inherit: boolean;
  /** The attempt was recorded but not written, and is recorded again with the same number. */
  readonly rerecord: boolean;
}

export type State =
  /** The Upgrade is being deleted, without our finalizer: nothing is written any more. */
  | { readonly name: 'Deleting' }
  /** It is being deleted, and nothing has to be restored, or nothing can be: our finalizer is removed. */
  | { readonly name: 'RemovingFinalizer' }
  /** It was deleted during an attempt, or while a failed version is kept behind closed gates: an abort. */
  | ({ readonly name: 'AbortedByDeletion' } & Active)
  /** The cached workload is older than the one that the status was written from, so no decision is made. */
  | { readonly name: 'StaleCache' }
  /** An obstacle, and nothing is under way. */
  | { readonly name: 'Blocked'; readonly obstacle: Obstacle }
  /** The workload was deleted during a rollout. */
  | { readonly name: 'TargetLost'; readonly status: ActiveStatus }
  /** A rollout is under way, but suspended by the user or by an obstacle. No deadline runs. */
  | ({ readonly name: 'Suspended'; readonly obstacle: Obstacle; readonly byUser: boolean } & Rolling)
  /** Suspended by the user before an attempt was recorded. */
  | { readonly name: 'SuspendedBeforeStart' }
  /** No longer suspended, which is not recorded yet. */
  | ({ readonly name: 'Resuming' } & Rolling)
  /** An attempt is to start, but managedFields still has an entry of ours. It is removed first, so that a later entry is known to belong to this attempt. */
  | { readonly name: 'ReleasingFields'; readonly workload: WorkloadView }
  /** An attempt is to start, but whether its pods can be gated is not known yet. */
  | { readonly name: 'GateUnknown' }
  /** An attempt is to start, and waits for a window, for other Upgrades, or for its turn. */
  | { readonly name: 'WaitingToStart'; readonly wait: Wait }
  /** The containers in the spec were changed, but ask for no other images than those of the attempt that failed: that is recorded, and no attempt starts. */
  | ({ readonly name: 'Restated' } & Active)
  /** A new attempt is to be recorded. */
  | ({ readonly name: 'Starting' } & Start)
  | ({ readonly name: 'CommandPending'; readonly verb: Verb } & Active)
  /** The attempt is recorded; the baseline is to be taken while the previous version still runs. */
  | ({ readonly name: 'BaselinePending' } & Rolling)
  /** The rollout is recorded; its images are to be written. */
  | ({ readonly name: 'ImagesPending' } & Rolling)
  /** The template has the images, or what admission made of them, which is not recorded yet. */
  | ({ readonly name: 'ImagesPatched' } & Rolling)
  /** Somebody else added a digest to an image of the rollout, which is not recorded yet. */
  | ({ readonly name: 'ImagesPinned' } & Rolling)
  /** Somebody else changed an image that the rollout set. */
  | ({ readonly name: 'Conflicted'; readonly change: ForeignChange } & Rolling)
  /** The rollout's pods are to be verified. */
  | ({ readonly name: 'Verifying' } & Rolling)
  /** Nothing to do until the spec, a command or the target changes. */
  | ({ readonly name: 'Idle' } & Active);

/** The state with this name. */
export type StateOf<Name extends State['name']> = Extract<State, { name: Name }>;
