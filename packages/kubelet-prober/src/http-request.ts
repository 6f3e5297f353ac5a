/** Builds the request of an httpGet probe. */
import { resolvePort } from './port.ts';
import type { HttpGetAction, HttpHeader, ProbeTarget } from './spec.ts';
import { type ProbeUrl, probeUrl } from './url.ts';

/** Header values by canonical name, in the order given. */
export type ProbeHeaders = ReadonlyMap<string, readonly string[]>;

export interface ProbeRequest {
  readonly url: ProbeUrl;
  readonly headers: ProbeHeaders;
}

export type BuiltRequest =
  | { readonly ok: true; readonly request: ProbeRequest }
  | { readonly ok: false; readonly error: string };

/** Kubelet's User-Agent; its version is the one whose behaviour these probers have. */
export const USER_AGENT = 'kube-probe/1.36';

/** Returns the URL and the headers of an httpGet action; an error if its port or host is invalid. */
export function buildRequest(action: HttpGetAction, target: ProbeTarget): BuiltRequest {
  const resolved = resolvePort(action.port, target.ports ?? []);
  if (!resolved.ok) {
    return resolved;
  }
  const host = action.host || target.podIp;
  if (host === '') {
    return { ok: false, error: 'the pod has no IP yet' };
  }
  const url = probeUrl((action.scheme || 'http').toLowerCase(), host, resolved.port, action.path ?? '');
  if (url === undefined) {
    return { ok: false, error: `${JSON.stringify(host)} is not a host name or IP address` };
  }
  return { ok: true, request: { url, headers: withDefaults(collectHeaders(action.httpHeaders ?? [])) } };
}

/** Merges headers with the same name in any case into one with several values: kubelet's buildHeader (1.19 kept the case of names). */
export function collectHeaders(list: readonly HttpHeader[]): Map<string, string[]> {
  const headers = new Map<string, string[]>();
  for (const { name, value } of list) {
    const key = canonicalName(name);
    headers.set(key, [...(headers.get(key) ?? []), value]);
  }
  return headers;
}

/** `foo-BAR` → `Foo-Bar`; a name that is not an HTTP token stays unchanged. */
export function canonicalName(name: string): string {
  return isToken(name) ? name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase()) : name;
}

function withDefaults(headers: Map<string, string[]>): ProbeHeaders {
  if (!headers.has('User-Agent')) {
    headers.set('User-Agent', [USER_AGENT]);
  }
  if (!headers.has('Accept')) {
    headers.set('Accept', ['*/*']);
  } else if (headers.get('Accept')?.[0] === '') {
    headers.delete('Accept');
  }
  return headers;
}

/** Headers that Go's client always writes itself; of the user's headers it uses only Host and User-Agent. */
const WRITTEN_BY_CLIENT = new Set(['Host', 'User-Agent', 'Content-Length', 'Transfer-Encoding', 'Trailer']);

/**
 * Returns the lines of the request's head in the order of Go's client, as name and value; `undefined` if a name or value is invalid. `host` is the
 * value of the Host header. An empty User-Agent is not sent, other empty headers are.
 */
export function headerLines(headers: ProbeHeaders, host: string): [string, string][] | undefined {
  const lines: [string, string][] = [['Host', hostHeader(host)]];
  const agent = headers.get('User-Agent')?.[0];
  if (agent) {
    lines.push(['User-Agent', agent]);
  }
  for (const name of [...headers.keys()].filter((key) => !WRITTEN_BY_CLIENT.has(key)).sort()) {
    for (const value of headers.get(name) ?? []) {
      lines.push([name, value]);
    }
  }
  const sendable = lines.map(([name, value]): [string, string] => [name, bytesOf(withoutBlanks(value))]);
  return sendable.every(([name, value]) => isToken(name) && isFieldValue(value)) ? sendable : undefined;
}

/** Removes an IPv6 zone; an invalid host is sent empty, as Go's client does. */
function hostHeader(host: string): string {
  if (!/^[\w.~!$&'()*+,;=:%[\]-]*$/.test(host)) {
    return '';
  }
  const zone = host.indexOf('%');
  const end = host.lastIndexOf(']');
  return zone >= 0 && end > zone ? host.slice(0, zone) + host.slice(end) : host;
}

/** Without a regular expression, because `[ \t]+$` is quadratic in blanks that are followed by something. */
function withoutBlanks(value: string): string {
  const isBlank = (at: number): boolean => value[at] === ' ' || value[at] === '\t';
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(start)) {
    start++;
  }
  while (end > start && isBlank(end - 1)) {
    end--;
  }
  return value.slice(start, end);
}

function isToken(name: string): boolean {
  return /^[\w!#$%&'*+.^`|~-]+$/.test(name);
}

function isFieldValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}

/** One character per UTF-8 byte: node:http writes heads as Latin-1. */
function bytesOf(value: string): string {
  return Buffer.from(value, 'utf8').toString('latin1');
}
