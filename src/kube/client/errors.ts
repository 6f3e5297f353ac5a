/** Classifies failures of requests. */
import { types } from 'node:util';
import { isByAdmission } from '../../api/admission.ts';
import { cut } from '../../api/cut.ts';
import { printableLine } from '../../api/printable.ts';
import type { RequestFailure } from '../../engine/ports.ts';
import { list, record, text } from './json.ts';

/** An error response. */
export interface Refusal {
  /** HTTP status. */
  readonly status: number;
  /** The `Retry-After` header. */
  readonly retryAfter?: string | undefined;
  /** Body as received: a `Status` object, a proxy's HTML page, or nothing. */
  readonly body: string;
}

/** All that the API server says of a JSON patch that it cannot apply. Those of the operator test what they were made for, and fit nothing else. */
const PATCH_DOES_NOT_FIT = 'the server rejected our request due to an error in our request';
const LONGEST_MESSAGE = 500;
/** An error may quote text of any length. */
const LONGEST_SEARCHED = 8192;
const LONGEST_RETRY_AFTER_MS = 60_000;
/** Used without a usable Retry-After. */
const DEFAULT_RETRY_AFTER_MS = 1_000;

/**
 * Converts an error response to a failure; no other code does. Only a parsed `Status.message` is ever quoted: bodies of proxies, headers and
 * tokens never reach a message. `what` names verb and object.
 */
export function failureOf(refusal: Refusal, what: string, now: number): RequestFailure {
  const reported = statusMessage(refusal.body);
  const message = clean(`${what}: ${reported === '' ? `HTTP ${refusal.status}` : reported}`);
  // Webhooks and policies choose the status: a 403 need not be about permissions, nor a 409 about another client's write.
  if (isByAdmission(reported) && refusal.status !== 429) {
    return refusal.status < 500
      ? { kind: 'invalid', message, byAdmission: true }
      : { kind: 'unavailable', message, byWebhook: true };
  }
  switch (refusal.status) {
    case 403:
      return { kind: 'forbidden', message };
    case 404:
      return { kind: 'notFound', message };
    case 409:
      return { kind: isUidMismatch(reported) ? 'notFound' : 'conflict', message };
    case 422:
      return { kind: unprocessable(reported), message };
    case 429:
      return { kind: 'throttled', message, retryAfterMs: retryAfterMs(refusal.retryAfter, now) };
    case 400:
    case 405:
    case 406:
    case 413:
    case 415:
      return { kind: 'invalid', message };
    default:
      return isTooLarge(reported)
        ? { kind: 'invalid', message, tooLarge: true }
        : { kind: 'unavailable', message, ...(isByWebhook(reported) ? { byWebhook: true } : {}) };
  }
}

/** An object that is invalid, is another one of the same name, or has changed since a JSON patch was made for it. */
function unprocessable(reported: string): 'notFound' | 'conflict' | 'invalid' {
  if (reported === PATCH_DOES_NOT_FIT) {
    return 'conflict';
  }
  return isUidMismatch(reported) ? 'notFound' : 'invalid';
}

/** etcd never accepts an object of this size, however often it is sent; the API server responds with 500 and etcd's message. */
const isTooLarge = (message: string): boolean => message.includes('etcdserver: request is too large');

/** The API server's words for an admission webhook that cannot be reached, does not respond in time, or responds with something else. */
const isByWebhook = (message: string): boolean => message.includes('failed calling webhook');

/** A response is not read to its end. */
export class ResponseTooLong extends Error {}

/** The failure of a request without a response: connection refused or reset, timeout, unreadable credentials. */
export function noAnswer(error: unknown, what: string): RequestFailure {
  const message = clean(`${what}: ${errorText(error)}`);
  return { kind: 'unavailable', message, ...(error instanceof ResponseTooLong ? { tooLong: true } : {}) };
}

/** Returns message and code of anything thrown, without stack or attached data. */
export function errorText(error: unknown): string {
  if (!types.isNativeError(error)) {
    return 'unknown error';
  }
  const code = text(record(error).code);
  const [first] = list(record(error).errors);
  const inner = first === undefined ? '' : errorText(first);
  const message = error.message || inner || error.name;
  return clean(code === '' || message.includes(code) ? message : `${message} (${code})`);
}

/**
 * Milliseconds to wait according to `Retry-After`: seconds or an HTTP date. Absent or unreadable: 1 s. Never above 60 s, so that an absurd value
 * cannot stop the operator; never below 0.
 */
export function retryAfterMs(header: string | undefined, now: number): number {
  const value = header?.trim() ?? '';
  const wanted = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  if (value === '' || Number.isNaN(wanted)) {
    return DEFAULT_RETRY_AFTER_MS;
  }
  return Math.min(Math.max(wanted, 0), LONGEST_RETRY_AFTER_MS);
}

/**
 * Whether a 429 with this body applies to the whole server: API Priority and Fairness and proxies respond in plain text.
 * A `Status` applies to one object only: an eviction, an admission webhook, a kind whose cache is not ready.
 */
export function isOverloaded(body: string): boolean {
  try {
    return record(JSON.parse(body)).kind !== 'Status';
  } catch {
    return true;
  }
}

/** Returns the `message` of a Status object in a body; empty if the body is anything else. */
export function statusMessage(body: string): string {
  try {
    const status = record(JSON.parse(body));
    return status.kind === 'Status' ? text(status.message) : '';
  } catch {
    return '';
  }
}

/** Returns the message as one line without control characters, at most 500 characters long. */
export function clean(message: string): string {
  const line = printableLine(cut(message, LONGEST_SEARCHED));
  return line.length > LONGEST_MESSAGE ? `${cut(line, LONGEST_MESSAGE - 1)}…` : line;
}

/** Whether a UID precondition failed: built-in kinds respond with 422 "field is immutable", deletes and custom resources with 409. */
function isUidMismatch(message: string): boolean {
  return /metadata\.uid: .{0,300}immutable|UID in precondition|uid mismatch/i.test(
    cut(message, LONGEST_SEARCHED),
  );
}
