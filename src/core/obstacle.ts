/**
 * What prevents an Upgrade from acting, as data: postcheck writes nothing until the user has acted. report/obstacle-text.ts has the text.
 */
import type { ObstacleReason } from '../api/reasons.ts';
import type { WorkloadKind, WorkloadView } from '../api/views.ts';

/** The part of a workload that texts name. */
export type NamedWorkload = Pick<WorkloadView, 'kind' | 'name'>;

/** Why a rollout of the workload cannot be stopped at a stage. */
export type StageHindrance =
  /** It replaces all pods at once. */
  | 'AllAtOnce'
  /** Its controller chooses the nodes. */
  | 'OwnChoice';

/** The data of each obstacle. */
interface Details {
  /** Another Upgrade acts on the workload. */
  readonly TargetClaimed: { readonly workload: NamedWorkload; readonly by: string };
  readonly TargetNotFound: {
    readonly workload: NamedWorkload;
    readonly namespace: string;
    /** Kinds of existing workloads with that name. */
    readonly namesakes: readonly WorkloadKind[];
  };
  /** More characters than are kept of one workload. */
  readonly WorkloadTooLong: {
    readonly workload: NamedWorkload;
    readonly characters: number;
    readonly values: number;
  };
  readonly ContainerNotFound: {
    readonly workload: NamedWorkload;
    readonly missing: readonly string[];
    readonly existing: readonly string[];
  };
  readonly InvalidCheckContainer: {
    readonly workload: NamedWorkload;
    readonly check: string;
    /** The container that it names but cannot run in; absent if there is no container to run in. */
    readonly wrong?: { readonly container: string; readonly why: 'Missing' | 'Init' };
  };
  readonly WorkloadPaused: { readonly workload: NamedWorkload; readonly namespace: string };
  /** It keeps these pods, by position, on the failed version. */
  readonly PartitionSet: {
    readonly workload: NamedWorkload;
    readonly partition: number;
    readonly kept: readonly number[];
  };
  readonly StagesUnsupported: {
    readonly workload: NamedWorkload;
    /** `Ungated`: only the gate could stop it at a stage. A stage with nodes needs one pod for each node. */
    readonly why: StageHindrance | 'Ungated' | { readonly nodesOf: string };
  };
  readonly ScopeUnsupported: { readonly workload: NamedWorkload };
  readonly TimeZoneUnknown: { readonly timeZone: string };
  readonly PrometheusMissing: unknown;
  readonly DependencyNotFound: { readonly upgrade: string; readonly namespace: string };
  /** The Upgrades of the cycle; this one is the first and the last. */
  readonly DependencyCycle: { readonly cycle: readonly string[] };
  readonly ImagesTooLong: { readonly workload: NamedWorkload; readonly bytes: number; readonly max: number };
  readonly GateUnavailable: unknown;
  /** With the message of the API server. */
  readonly Forbidden: { readonly message: string };
  readonly Refused: { readonly message: string };
  /** A write was accepted but had no effect; a status was stored differently. */
  readonly NoEffect: { readonly write: IneffectiveWrite };
  /** The API server stored the previous image again. */
  readonly ImageRewritten: { readonly container: string; readonly wanted: string; readonly image: string };
  readonly Paused: unknown;
}

/** A write without effect. */
export type IneffectiveWrite =
  | { readonly of: 'Status' }
  | { readonly of: 'ManagedFields'; readonly workload: NamedWorkload }
  | { readonly of: 'Partition'; readonly workload: NamedWorkload }
  | { readonly of: 'Finalizers'; readonly upgrade: string; readonly current: readonly string[] }
  | { readonly of: 'Condition'; readonly pod: string };

export type Obstacle = {
  readonly [R in keyof Details & ObstacleReason]: { readonly reason: R } & Details[R];
}[keyof Details & ObstacleReason];

/** The obstacle with this reason. */
export type ObstacleOf<R extends Obstacle['reason']> = Extract<Obstacle, { reason: R }>;

export const namedWorkload = ({ kind, name }: NamedWorkload): NamedWorkload => ({ kind, name });

export const PAUSED: Obstacle = { reason: 'Paused' };
