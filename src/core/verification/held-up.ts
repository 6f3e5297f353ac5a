/** Pods that are waiting to be started. Their status does not say for what; the scheduler, the kubelet and the volume controllers report it in events. */
import { cut } from '../../api/cut.ts';
import type { PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import type { VerificationContext } from './context.ts';

/** Reasons that name a state instead of a cause. */
const STATES: readonly string[] = ['NotStarted', 'ContainerCreating', 'PodInitializing'];

const DETAIL_MAX = 512;

export const isUnexplained = ({ reason }: Cause): boolean => STATES.includes(reason);

/** The cause with the text of the newest event that says what the pod waits for, if one was read. */
export function withWarning(cause: Cause, { uid }: PodView, { warningOf }: VerificationContext): Cause {
  const warning = isUnexplained(cause) ? warningOf?.(uid) : undefined;
  return warning ? { ...cause, detail: cut(`${warning.reason}: ${warning.message}`, DETAIL_MAX) } : cause;
}
