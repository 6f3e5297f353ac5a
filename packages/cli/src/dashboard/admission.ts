/**
 * Decides which requests the dashboard accepts. It listens on loopback, where any page in a browser on this machine, any other local user, and a
 * name that resolves to 127.0.0.1 can also reach it. Pure.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { own } from '../../../../src/api/own.ts';

/** The relevant parts of a request. */
export interface PageRequest {
  readonly method: string;
  /** The request target, unchanged. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** The Upgrade that a page shows. */
export interface Subject {
  readonly namespace: string;
  readonly name: string;
}

export type Admission =
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'events'; readonly subject?: Subject }
  | { readonly kind: 'act' }
  | { readonly kind: 'refused'; readonly status: number; readonly why: string };

/** Header that the page sends with a POST; no form and no page of another origin can send it. */
export const OWN_HEADER = 'x-postcheck-dashboard';
const LONGEST_TARGET = 1024;
const METHODS: Readonly<Record<string, readonly string[]>> = { act: ['POST'], events: ['GET'] };
const READ_METHODS = ['GET', 'HEAD'];
const LABEL = /^[a-z0-9][-a-z0-9.]{0,252}$/;

const refused = (status: number, why: string): Admission => ({ kind: 'refused', status, why });

/** Returns what to respond with, or why the request is rejected. `files` are the known names; nothing is read from a disk. */
export function admit(request: PageRequest, token: string, files: readonly string[]): Admission {
  const { method, target, headers } = request;
  if (!isLoopback(headers.host)) {
    return refused(421, 'the host differs from the URL that the command printed');
  }
  if (target.length > LONGEST_TARGET) {
    return refused(414, 'the URL is too long');
  }
  const [path = '', query = ''] = target.split('?', 2);
  const [root, given = '', ...rest] = path.split('/');
  if (root !== '' || !isSame(given, token)) {
    return refused(403, 'open the URL that the command printed');
  }
  if (!isOwnPage(headers)) {
    return refused(403, 'requests from other pages are not allowed');
  }
  const name = rest.join('/');
  if (!(own<readonly string[]>(METHODS, name) ?? READ_METHODS).includes(method)) {
    return refused(405, `method ${method} is not allowed`);
  }
  if (name === 'events') {
    return events(new URLSearchParams(query));
  }
  if (name === 'act') {
    return acting(headers);
  }
  return files.includes(name) ? { kind: 'file', name } : refused(404, 'there is no such page');
}

function events(query: URLSearchParams): Admission {
  const [namespace, name] = [query.get('namespace'), query.get('name')];
  if (namespace === null || name === null) {
    return { kind: 'events' };
  }
  return LABEL.test(namespace) && LABEL.test(name)
    ? { kind: 'events', subject: { namespace, name } }
    : refused(400, 'this is not a valid name of an Upgrade');
}

function acting(headers: IncomingHttpHeaders): Admission {
  if (headers.origin === undefined || headers[OWN_HEADER] === undefined) {
    return refused(403, 'only the page itself can send actions');
  }
  return headers['content-type'] === 'application/json'
    ? { kind: 'act' }
    : refused(415, 'an action must be sent as JSON');
}

/** With any port, because a forwarded port differs. A rebound DNS name is never one of these. */
const isLoopback = (host: string | undefined): boolean =>
  /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/i.test(host ?? '');

/** Compares digests, which have the same length for any input, so that the time reveals nothing. */
const isSame = (given: string, token: string): boolean => timingSafeEqual(digest(given), digest(token));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Browsers send the origin of a request; a URL that a person opens has none. */
function isOwnPage({
  origin,
  host,
  'sec-fetch-site': site,
  'sec-fetch-dest': dest,
}: IncomingHttpHeaders): boolean {
  const isOpened = dest === 'document';
  const isFromHere = site === undefined || site === 'same-origin' || (site === 'none' && isOpened);
  return (origin === undefined || origin === `http://${host}`) && (isFromHere || isOpened);
}
