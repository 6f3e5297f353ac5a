/**
 * The result of a pod, recorded as its condition `postcheck.dev/verified`, which also opens the gate.
 * The message ends with the verification that the result belongs to, and the first 12 digits of the ID of each container that it is about, which
 * are those that are upgraded or checked: their restart voids it. That of another container only makes the pod unready.
 */

import { effectiveChecks } from '../../api/checks.ts';
import { VERIFIED } from '../../api/names.ts';
import type { AnyReason } from '../../api/reasons.ts';
import type { UpgradeSpec } from '../../api/types.ts';
import type { PodView } from '../../api/views.ts';
import { checkTargets } from './check-targets.ts';

const shortId = (id: string): string => id.slice(id.lastIndexOf('/') + 1).slice(0, 12);

/** Which verification a result is of, and by what spec. */
export interface Verification {
  readonly id: string;
  readonly spec: UpgradeSpec;
}

function pins({ id: verification, spec }: Verification, { containers }: PodView): string {
  const named = [undefined, ...effectiveChecks(spec).map((check) => check.containers)];
  const concerned = new Set(named.flatMap((names) => checkTargets(spec, names, containers)));
  const pinned = containers.filter(({ name, role }) => role !== 'init' && concerned.has(name));
  return ` [${[verification, ...pinned.map(({ name, id }) => `${name}@${shortId(id)}`)].join(' ')}]`;
}

/** `message [verification container@id …]` */
export const withPins = (message: string, verification: Verification, pod: PodView): string =>
  `${message}${pins(verification, pod)}`;

export interface RecordedResult {
  readonly status: 'True' | 'False';
  readonly reason: AnyReason;
  readonly message: string;
}

/** The recorded result of this verification, if it is about the containers that run now. */
export function recordedResult(pod: PodView, verification: Verification): RecordedResult | undefined {
  const condition = pod.conditions[VERIFIED];
  if (!condition || condition.status === 'Unknown') {
    return undefined;
  }
  const suffix = pins(verification, pod);
  if (!condition.message.endsWith(suffix)) {
    return undefined;
  }
  return {
    status: condition.status,
    reason: condition.reason as AnyReason,
    message: condition.message.slice(0, -suffix.length),
  };
}
