/**
 * Reading untyped JSON. Whatever the server sends, a reader returns the expected type or its neutral value, and never throws:
 * an object that lacks a field must not stop the watch that carries it.
 */
import { own } from '../../api/own.ts';

export type Raw = Readonly<Record<string, unknown>>;

const NOTHING: Raw = Object.freeze({});

/** The value when it is an object, else an empty one. */
export function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : NOTHING;
}

/** The value when it is an array, else an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The value when it is a string, else the empty one. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value when it is a finite number, else `otherwise`. */
export function count(value: unknown, otherwise = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

/** Milliseconds since the epoch of an RFC 3339 time; 0 when there is none. */
export function time(value: unknown): number {
  const ms = Date.parse(text(value));
  return Number.isNaN(ms) ? 0 : ms;
}

/** Follows keys through nested objects. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  let here = value;
  for (const key of keys) {
    here = own(record(here), key);
  }
  return here;
}

/** Freezes a tree of plain JSON. Returns it. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) {
      frozen(part);
    }
    Object.freeze(value);
  }
  return value;
}
