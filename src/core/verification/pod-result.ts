/** What is known of one pod. */
import type { PodState } from '../../api/enums.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { isReady } from '../workload/pods.ts';
import { type PodRecord, triesOf } from './probe-cycle.ts';

export interface PodResult {
  readonly pod: PodView;
  readonly state: PodState;
  /** Why it is in this state; names pod and node too. */
  readonly cause: Cause;
  /** The kubelet calls it Ready, all its gates included. */
  readonly isPodReady: boolean;
  /** The exit codes of its last tries, as text: the same for pods that say the same. */
  readonly codes: string;
  /** The result is on the pod already, as its condition. */
  readonly recorded: boolean;
  readonly record?: PodRecord;
  /** When the next cycle is due; `undefined` when nothing is to be asked. */
  readonly cycleAt?: number;
  /** When this result may change by the clock alone. */
  readonly lookAt?: number;
  /** When the pod has to have passed; `undefined` once it is settled, and while the clocks stand still. */
  readonly deadlineAt?: number;
}

/** A state with why, before pod and times are put on. */
export interface Finding {
  readonly state: PodState;
  readonly cause: Cause;
  readonly lookAt?: number;
}

/** What is counted over all pods, taken once. */
export const shown = (
  pod: PodView,
  record: PodRecord | undefined,
): Pick<PodResult, 'codes' | 'isPodReady'> => ({
  isPodReady: isReady(pod),
  codes: triesOf(record)
    .filter(({ verdict }) => verdict.exitCode !== undefined)
    .map(({ check, container, verdict }) => `${check}/${container}/${verdict.exitCode}`)
    .join(' '),
});

/** The cause with the pod that it is about. */
export const withPod = (cause: Cause, { name, node }: PodView): Cause => ({
  ...cause,
  pod: name,
  node: node || undefined,
});
