/** The digest of a pod template. */
import { createHash } from 'node:crypto';
import { at, record } from '../client/json.ts';

/**
 * Returns the SHA-256 (hex) of a pod template, equal for a workload and for its ReplicaSet or ControllerRevision.
 *
 * The copies differ in three things, which are left out: the Deployment controller adds the label `pod-template-hash`, a ControllerRevision
 * contains a `$patch` directive, and encoders differ in writing nulls (`creationTimestamp: null`). Key order does not matter.
 */
export function templateDigest(template: unknown): string {
  const { $patch: _directive, ...rest } = record(template);
  const { 'pod-template-hash': _hash, ...labels } = record(at(rest, 'metadata', 'labels'));
  const comparable = { ...rest, metadata: { ...record(rest.metadata), labels } };
  return createHash('sha256').update(canonical(comparable)).digest('hex');
}

/** JSON with sorted keys and without null members. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) {
    return JSON.stringify(value) ?? 'null';
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== null && member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
