/**
 * The result of a pod, recorded as its condition `postcheck.dev/verified`, which also opens the gate.
 * The message ends with the verification that the result belongs to, and the first 12 digits of each container ID: a restart voids it.
 */

import { VERIFIED } from '../../api/names.ts';
import type { AnyReason } from '../../api/reasons.ts';
import type { PodView } from '../../api/views.ts';

const shortId = (id: string): string => id.slice(id.lastIndexOf('/') + 1).slice(0, 12);

const pins = (pod: PodView): string =>
  pod.containers
    .filter(({ role }) => role !== 'init')
    .map(({ name, id }) => `${name}@${shortId(id)}`)
    .join(' ');

/** `message [verification container@id …]` */
export const withPins = (message: string, verification: string, pod: PodView): string =>
  `${message} [${verification} ${pins(pod)}]`;

export interface RecordedResult {
  readonly status: 'True' | 'False';
  readonly reason: AnyReason;
  readonly message: string;
}

/** The recorded result of this verification, if it is about the containers that run now. */
export function recordedResult(pod: PodView, verification: string): RecordedResult | undefined {
  const condition = pod.conditions[VERIFIED];
  if (!condition || condition.status === 'Unknown') {
    return undefined;
  }
  const suffix = ` [${verification} ${pins(pod)}]`;
  if (!condition.message.endsWith(suffix)) {
    return undefined;
  }
  return {
    status: condition.status,
    reason: condition.reason as AnyReason,
    message: condition.message.slice(0, -suffix.length),
  };
}
