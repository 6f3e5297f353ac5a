/**
 * Reads untyped JSON. Whatever the server sends, each function returns the expected type or its neutral value, and never throws:
 * an object without a field must not stop the watch that it arrives on.
 */
import { cutMiddle } from '../../api/cut.ts';
import { own } from '../../api/own.ts';
import { printable } from '../../api/printable.ts';

export type Raw = Readonly<Record<string, unknown>>;

const NOTHING: Raw = Object.freeze({});

/** Returns the value if it is an object, otherwise an empty one. */
export function record(value: unknown): Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Raw) : NOTHING;
}

/** Returns the value if it is an array, otherwise an empty one. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns the value if it is a string, otherwise an empty one. */
export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Limit of what is kept of a message. */
const LONGEST_MESSAGE = 512;

/**
 * Returns what is kept of a message to people. An application writes its own (the termination message), and those of the kubelet and of controllers
 * contain what the author of a pod or workload wrote, such as an image, before they come to the cause.
 */
export function message(value: unknown): string {
  const whole = text(value);
  return whole === '' ? '' : printable(cutMiddle(whole, LONGEST_MESSAGE));
}

/** Returns the value if it is a finite number, otherwise `otherwise`. */
export function count(value: unknown, otherwise = 0): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}

/** Returns an RFC 3339 time in milliseconds since the epoch; 0 if there is none. */
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

/** Freezes a tree of plain JSON, and returns it. */
export function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) {
      frozen(part);
    }
    Object.freeze(value);
  }
  return value;
}
