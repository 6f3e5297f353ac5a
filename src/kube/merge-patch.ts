import { type Raw, record } from './raw.ts';

/**
 * JSON merge patch (RFC 7396) that turns `before` into `after`: what is gone becomes null, what is equal is left out, arrays are replaced whole.
 * Neither side may hold nulls of its own.
 */
export function mergePatch(before: unknown, after: unknown): Raw {
  const old = record(before);
  const wanted = record(after);
  const patch: Record<string, unknown> = {};
  for (const key of Object.keys(old)) {
    if (wanted[key] === undefined) {
      patch[key] = null;
    }
  }
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined || JSON.stringify(value) === JSON.stringify(old[key])) {
      continue;
    }
    patch[key] = isObject(value) && isObject(old[key]) ? mergePatch(old[key], value) : value;
  }
  return patch;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
