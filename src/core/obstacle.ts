/**
 * What keeps an Upgrade from acting, as data to the end: the user has to act, postcheck writes nothing. The words are written in
 * report/obstacle-text.ts.
 */
import type { ObstacleReason } from '../api/reasons.ts';
import type { WorkloadKind, WorkloadView } from '../api/views.ts';

/** A workload, as far as a sentence names it. */
export type NamedWorkload = Pick<WorkloadView, 'kind' | 'name'>;

/** Why nothing can hold a workload at some of its pods. */
export type StageHindrance =
  /** It replaces all its pods at once. */
  | 'AllAtOnce'
  /** Its controller chooses the nodes. */
  | 'OwnChoice';

/** What each of them is about. */
interface Details {
  /** An older Upgrade acts on the workload. */
  readonly TargetClaimed: { readonly workload: NamedWorkload; readonly by: string };
  readonly TargetNotFound: {
    readonly workload: NamedWorkload;
    readonly namespace: string;
    /** Kinds of which there is a workload of that name. */
    readonly namesakes: readonly WorkloadKind[];
  };
  readonly ContainerNotFound: {
    readonly workload: NamedWorkload;
    readonly missing: readonly string[];
    readonly there: readonly string[];
  };
  readonly InvalidCheckContainer: {
    readonly workload: NamedWorkload;
    readonly check: string;
    /** The one that it names and cannot run in; absent where there is none to run in at all. */
    readonly wrong?: { readonly container: string; readonly why: 'Missing' | 'Init' };
  };
  readonly WorkloadPaused: { readonly workload: NamedWorkload };
  /** It keeps these pods, by ordinal, on the version that failed. */
  readonly PartitionSet: {
    readonly workload: NamedWorkload;
    readonly partition: number;
    readonly kept: readonly number[];
  };
  readonly StagesUnsupported: {
    readonly workload: NamedWorkload;
    /** `Ungated`: only the gate could hold it. A stage that names nodes needs a pod a node. */
    readonly why: StageHindrance | 'Ungated' | { readonly nodesOf: string };
  };
  readonly ScopeUnsupported: { readonly workload: NamedWorkload };
  readonly TimeZoneUnknown: { readonly timeZone: string };
  readonly PrometheusMissing: unknown;
  readonly DependencyNotFound: { readonly upgrade: string; readonly namespace: string };
  /** The Upgrades on the way round, this one first and last. */
  readonly DependencyCycle: { readonly circle: readonly string[] };
  readonly ImagesTooLong: { readonly workload: NamedWorkload; readonly bytes: number; readonly most: number };
  readonly GateUnavailable: unknown;
  /** In the words of the API server. */
  readonly Forbidden: { readonly said: string };
  readonly Refused: { readonly said: string };
  /** A write was accepted and nothing came of it; of a status, something else came of it. */
  readonly NoEffect: { readonly write: FruitlessWrite };
  /** The image of before stands again. */
  readonly ImageRewritten: { readonly container: string; readonly wanted: string; readonly image: string };
  readonly Paused: unknown;
}

/** What was written in vain. */
export type FruitlessWrite =
  | { readonly of: 'Status' }
  | { readonly of: 'ManagedFields'; readonly workload: NamedWorkload }
  | { readonly of: 'Partition'; readonly workload: NamedWorkload }
  | { readonly of: 'Finalizers'; readonly upgrade: string; readonly stands: readonly string[] }
  | { readonly of: 'Condition'; readonly pod: string };

export type Obstacle = {
  readonly [R in keyof Details & ObstacleReason]: { readonly reason: R } & Details[R];
}[keyof Details & ObstacleReason];

/** One obstacle, by reason. */
export type ObstacleOf<R extends Obstacle['reason']> = Extract<Obstacle, { reason: R }>;

export const namedWorkload = ({ kind, name }: NamedWorkload): NamedWorkload => ({ kind, name });

export const PAUSED: Obstacle = { reason: 'Paused' };
