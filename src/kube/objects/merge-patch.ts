/** Computes a JSON merge patch. */
import { own } from '../../api/own.ts';
import { type Raw, record } from '../client/json.ts';

/**
 * Returns the JSON merge patch (RFC 7396) from `before` to `after`: removed members become null, equal ones are left out, arrays are replaced whole.
 * Neither side may contain nulls.
 */
export function mergePatch(before: unknown, after: unknown): Raw {
  const old = record(before);
  const wanted = record(after);
  const removed = Object.keys(old)
    .filter((key) => own(wanted, key) === undefined)
    .map((key) => [key, null] as const);
  const changed = Object.entries(wanted)
    .filter(([key, value]) => value !== undefined && JSON.stringify(value) !== JSON.stringify(own(old, key)))
    .map(([key, value]) => {
      const known = own(old, key);
      return [key, isObject(value) && isObject(known) ? mergePatch(known, value) : value] as const;
    });
  return Object.fromEntries<unknown>([...removed, ...changed]);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
