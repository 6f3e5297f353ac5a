/** The digest of a pod template. */
import { createHash } from 'node:crypto';
import { own } from '../../api/own.ts';
import { MOST_VALUES } from '../../api/views.ts';
import { at, record } from '../client/json.ts';

/**
 * Returns the SHA-256 (hex) of a pod template, equal for a workload and for its ReplicaSet or ControllerRevision; of one with more than MOST_VALUES
 * an empty string.
 *
 * The copies differ in three things, which are left out: the Deployment controller adds the label `pod-template-hash`, a ControllerRevision
 * contains a `$patch` directive, and encoders differ in writing nulls (`creationTimestamp: null`). Key order does not matter, and neither does the
 * notation of a quantity: a Deployment keeps its ReplicaSet when `1Gi` becomes `1073741824`.
 */
export function templateDigest(template: unknown): string {
  if (valuesLeft(MOST_VALUES, template) < 0) {
    return '';
  }
  const { $patch: _directive, ...rest } = record(template);
  const { 'pod-template-hash': _hash, ...labels } = record(at(rest, 'metadata', 'labels'));
  const comparable = { ...rest, metadata: { ...record(rest.metadata), labels } };
  return createHash('sha256').update(canonical(comparable)).digest('hex');
}

/** In one of the copies only. */
const NOT_IN_BOTH: readonly string[] = ['$patch', 'pod-template-hash'];

/** What is left of the limit after all values in this one; negative as soon as it is exceeded. What is not in both copies is not counted. */
function valuesLeft(limit: number, value: unknown): number {
  if (typeof value !== 'object' || value === null) {
    return limit;
  }
  // To list names alone costs a fraction of what it takes to look at each member.
  if (Object.keys(value).length > 2 * MOST_VALUES) {
    return -1;
  }
  let left = limit;
  for (const [name, member] of Object.entries(value)) {
    if (member !== null && !NOT_IN_BOTH.includes(name)) {
      left = valuesLeft(left - 1, member);
    }
    if (left < 0) {
      break;
    }
  }
  return left;
}

/** JSON with sorted keys, without null members, and with every quantity in one notation. */
function canonical(value: unknown, path: readonly string[] = []): string {
  if (Array.isArray(value)) {
    return `[${value.map((item) => canonical(item, path)).join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) {
    return isQuantity(path) ? billionths(value) : (JSON.stringify(value) ?? 'null');
  }
  const members = Object.entries(value)
    .filter(([, member]) => member !== null && member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member, [...path, key].slice(-3))}`);
  return `{${members.join(',')}}`;
}

/** Where a pod template has quantities, by the end of the path. */
const isQuantity = ([outer = '', inner = '', key = '']: readonly string[]): boolean =>
  ['resources.limits', 'resources.requests', 'spec.overhead'].includes(`${outer}.${inner}`) ||
  ['emptyDir.sizeLimit', 'resourceFieldRef.divisor'].includes(`${inner}.${key}`);

/** The API server stores every quantity as an integer with one of these suffixes, or with an exponent. */
const QUANTITY = /^(\d{1,20})(?:([numkMGTPE])|(Ki|Mi|Gi|Ti|Pi|Ei)|e(\d{1,2}))?$/;
const EXPONENTS = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 } as const;
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/** The quantity in billionths, as JSON; anything else stays as it is. */
function billionths(value: unknown): string {
  const [, digits, decimal = '', binary = '', exponent = '0'] = QUANTITY.exec(String(value)) ?? [];
  if (digits === undefined) {
    return JSON.stringify(value) ?? 'null';
  }
  const tens = own(EXPONENTS, decimal) ?? Number(exponent);
  return String(BigInt(digits) * 1024n ** BigInt(BINARY.indexOf(binary) + 1) * 10n ** BigInt(9 + tens));
}
