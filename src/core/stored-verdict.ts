/**
 * The verdict on a pod, stored as its condition `postcheck.dev/verified`, which is also the gate's key.
 * The message ends with what the verdict belongs to: the proof, and the containers by the first 12 digits of their IDs; a restart voids it.
 */
import { VERIFIED } from '../api/names.ts';
import type { PodView } from '../api/views.ts';

const shortId = (id: string): string => id.replace(/^.*:\/\//, '').slice(0, 12);

const pins = (pod: PodView): string =>
  pod.containers
    .filter(({ role }) => role !== 'init')
    .map(({ name, id }) => `${name}@${shortId(id)}`)
    .join(' ');

/** `message [proof container@id …]` */
export const pinned = (message: string, proof: string, pod: PodView): string =>
  `${message} [${proof} ${pins(pod)}]`;

export interface StoredVerdict {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** The verdict that this very proof gave to the containers that run now, if any. */
export function storedVerdict(pod: PodView, proof: string): StoredVerdict | undefined {
  const condition = pod.conditions[VERIFIED];
  if (!condition || condition.status === 'Unknown') {
    return undefined;
  }
  const suffix = ` [${proof} ${pins(pod)}]`;
  if (!condition.message.endsWith(suffix)) {
    return undefined;
  }
  return {
    status: condition.status,
    reason: condition.reason,
    message: condition.message.slice(0, -suffix.length),
  };
}
