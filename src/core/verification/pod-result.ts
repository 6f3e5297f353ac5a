/** The result of one pod. */
import type { PodState } from '../../api/enums.ts';
import { VERIFIED } from '../../api/names.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { isReady } from '../workload/pods.ts';
import { type PodRecord, triesOf } from './probe-cycle.ts';

export interface PodResult {
  readonly pod: PodView;
  readonly state: PodState;
  /** Why it is in this state; names pod and node too. */
  readonly cause: Cause;
  /** Its condition Ready is True, with all its gates. */
  readonly isPodReady: boolean;
  /** It has our gate, open or closed. */
  readonly isGated: boolean;
  /** The exit codes of its last tries as text; equal for pods with the same codes. */
  readonly codes: string;
  /** It passed, but is not ready any more. */
  readonly lapse?: Lapse;
  /** The result is already recorded as the pod's condition. */
  readonly recorded: boolean;
  readonly record?: PodRecord;
  /** When the next cycle is due; `undefined` if there is none. */
  readonly cycleAt?: number;
  /** When this result may change without any event. */
  readonly lookAt?: number;
  /** When the pod must have passed; `undefined` once it has passed or failed, and while no deadline runs. */
  readonly deadlineAt?: number;
}

export interface Lapse {
  readonly cause: Cause;
  /** From when on it counts against the version; `undefined` if the pod waits for something else than its own containers. */
  readonly countsAt: number | undefined;
}

/** A state and its cause, before the pod and the times are added. */
export interface Finding {
  readonly state: PodState;
  readonly cause: Cause;
  readonly lookAt?: number;
}

/** What the counts of all pods are made from. */
export const countedOf = (
  pod: PodView,
  record: PodRecord | undefined,
): Pick<PodResult, 'codes' | 'isPodReady' | 'isGated'> => ({
  isPodReady: isReady(pod),
  isGated: pod.gates.includes(VERIFIED),
  codes: triesOf(record)
    .filter(({ verdict }) => verdict.exitCode !== undefined)
    .map(({ check, container, verdict }) => `${check}/${container}/${verdict.exitCode}`)
    .join(' '),
});

/** The cause with its pod and node. */
export const withPod = (cause: Cause, { name, node }: PodView): Cause => ({
  ...cause,
  pod: name,
  node: node || undefined,
});

export const hasPassed = ({ state }: PodResult): boolean => state === 'Passed' || state === 'Skipped';

/** Why the pod does not serve as verified; for a pod that does, why it passed. */
export const openCause = ({ cause, lapse }: PodResult): Cause => lapse?.cause ?? cause;

/** The cause of the worst pod that has not passed, else of one that passed and is not ready any more. */
export function worstCause(results: readonly PodResult[]): Cause | undefined {
  const worst = results.find((result) => !hasPassed(result)) ?? results.find(({ lapse }) => lapse);
  return worst && openCause(worst);
}
