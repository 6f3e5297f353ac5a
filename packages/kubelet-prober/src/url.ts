/**
 * The part of Go's net/url that decides what kubelet requests and where a redirect leads. The platform's `URL` is not used because it follows browsers:
 * it lower-cases hosts, parses `127.1` as `127.0.0.1`, and escapes and normalizes paths, so it could decide differently whether a redirect stays on
 * the same host.
 *
 * Strings in this file have one character per UTF-8 byte, as node:http writes a request line.
 */
import { isIPv6 } from 'node:net';

export interface ProbeUrl {
  /** Lower case; empty in a relative reference. */
  readonly scheme: string;
  /** `user:password`, still escaped. */
  readonly userInfo?: string;
  /** `host`, `host:port` or `[v6]:port` as written; empty without an authority, as in `mailto:x`. */
  readonly host: string;
  /** Escaped. */
  readonly path: string;
  /** Without the question mark, verbatim; empty for a lone question mark. */
  readonly query?: string;
}

/** Parses a URL or a relative reference, without its fragment; `undefined` if Go's url.Parse rejects it. */
export function parseUrl(text: string): ProbeUrl | undefined {
  const [whole, fragment] = cut(Buffer.from(text, 'utf8').toString('latin1'), '#');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (/[\x00-\x1f\x7f]/.test(whole) || !isEscapedWell(fragment ?? '') || whole.startsWith(':')) {
    return undefined;
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(whole)?.[1];
  const [rest, query] = cut(scheme === undefined ? whole : whole.slice(scheme.length + 1), '?');
  const parts = { scheme: scheme?.toLowerCase() ?? '', ...(query === undefined ? {} : { query }) };
  if (!rest.startsWith('/') && scheme !== undefined) {
    return { ...parts, host: '', path: rest };
  }
  if (!rest.startsWith('/') && cut(rest, '/')[0].includes(':')) {
    return undefined;
  }
  return withAuthority(parts, rest);
}

function withAuthority(parts: { scheme: string; query?: string }, rest: string): ProbeUrl | undefined {
  const hasAuthority = rest.startsWith('//') && (parts.scheme !== '' || !rest.startsWith('///'));
  const pathAt = hasAuthority ? rest.indexOf('/', 2) : 0;
  const authority = hasAuthority ? rest.slice(2, pathAt < 0 ? undefined : pathAt) : '';
  const path = pathAt < 0 ? '' : rest.slice(pathAt);
  const at = authority.lastIndexOf('@');
  const host = authority.slice(at + 1);
  const userInfo = at < 0 ? undefined : authority.slice(0, at);
  if (!isHost(host) || !isUserInfo(userInfo ?? '') || !isEscapedWell(path)) {
    return undefined;
  }
  return { ...parts, ...(userInfo === undefined ? {} : { userInfo }), host, path: escapePath(path) };
}

/**
 * Returns the URL of an httpGet probe, like kubelet's formatURL: the path is parsed as a URL, so that its query is kept; one that cannot be parsed is
 * used as a plain path. `undefined` if the host is invalid in a URL.
 */
export function probeUrl(scheme: string, host: string, port: number, path: string): ProbeUrl | undefined {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (!isHost(authority) || /[%\x80-\uffff]/.test(host.replace(/^[\da-f:.]+%/i, ''))) {
    return undefined;
  }
  const parsed = parseUrl(path) ?? { path: escapeBytes(Buffer.from(path, 'utf8').toString('latin1')) };
  const isOpaque =
    'scheme' in parsed && parsed.scheme !== '' && parsed.host === '' && /^[^/]/.test(parsed.path);
  const slash = parsed.path === '' || parsed.path.startsWith('/') ? '' : '/';
  return { ...parsed, scheme, host: isOpaque ? '' : authority, path: `${slash}${parsed.path}` };
}

/** Resolves a Location header from `base`; `undefined` if it cannot be parsed. */
export function resolveUrl(base: ProbeUrl, location: string): ProbeUrl | undefined {
  const to = parseUrl(location);
  if (to === undefined) {
    return undefined;
  }
  if (to.scheme !== '' || to.host !== '' || to.userInfo !== undefined) {
    return { ...to, scheme: to.scheme || base.scheme, path: resolvePath(to.path, '') };
  }
  const query = to.query ?? (to.path === '' ? base.query || undefined : undefined);
  const { query: _, ...kept } = base;
  return { ...kept, path: resolvePath(base.path, to.path), ...(query === undefined ? {} : { query }) };
}

/** Returns the host without port and brackets. */
export function hostnameOf(url: ProbeUrl): string {
  const host = url.host.replace(/:\d*$/, '');
  return host.startsWith('[') ? host.slice(1, -1).replace('%25', '%') : host;
}

/** Returns the port in the URL, otherwise that of the scheme. */
export function portOf(url: ProbeUrl): number {
  const digits = /:(\d+)$/.exec(url.host)?.[1];
  return digits === undefined ? (url.scheme === 'https' ? 443 : 80) : Number(digits);
}

/** Returns path and query for the request line. A blank in the query, which kubelet sends unchanged, would break the line, so it is escaped. */
export function requestTarget(url: ProbeUrl): string {
  return `${url.path || '/'}${url.query === undefined ? '' : `?${url.query.replaceAll(' ', '%20')}`}`;
}

/** Formats the URL for messages and the Referer header, without user and password. */
export function urlText(url: ProbeUrl): string {
  return `${url.scheme}://${url.host}${url.path}${url.query === undefined ? '' : `?${url.query}`}`;
}

function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function isEscapedWell(text: string): boolean {
  return !/%(?![0-9A-Fa-f]{2})/.test(text);
}

function isUserInfo(text: string): boolean {
  return /^[\w.~:!$&'()*+,;=%@-]*$/.test(text) && isEscapedWell(text);
}

function isHost(text: string): boolean {
  const [, address, name] =
    /^(?:\[([^[\]]*)\]|((?:[\w.~!$&'()*+,;="<>\]\x80-\xff-]|%25|%[89A-Fa-f][0-9A-Fa-f])*))(?::\d*)?$/.exec(
      text,
    ) ?? [];
  return address === undefined ? name !== undefined : isIPv6(address.replace('%25', '%'));
}

function escapePath(path: string): string {
  return /^[\w.~!$&'()*+,;=:@[\]%/-]*$/.test(path)
    ? path
    : escapeBytes(
        path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
      );
}

function escapeBytes(path: string): string {
  return path.replace(
    /[^\w.~$&+,/:;=@-]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** Merges a relative path with `base` (RFC 3986, section 5.2.3). */
function resolvePath(base: string, reference: string): string {
  if (reference === '') {
    return withoutDots(base);
  }
  return withoutDots(
    reference.startsWith('/') ? reference : base.slice(0, base.lastIndexOf('/') + 1) + reference,
  );
}

/** Removes `.` and `..` (RFC 3986, section 5.2.4). */
function withoutDots(full: string): string {
  if (full === '') {
    return '';
  }
  const kept: string[] = [];
  const segments = full.split('/');
  for (const segment of segments) {
    keepSegment(kept, segment);
  }
  const isFolder = ['.', '..'].includes(segments.at(-1) ?? '');
  return `/${kept.join('/')}${isFolder ? '/' : ''}`.replace(/^\/\//, '/');
}

/** A stack, so that the work grows with the path and not with its square. */
function keepSegment(kept: string[], segment: string): void {
  if (segment === '..') {
    kept.pop();
    if (kept.length === 1 && kept[0] === '') {
      kept.pop();
    }
  } else if (segment !== '.') {
    kept.push(segment);
  } else if (kept.length === 0) {
    kept.push('');
  }
}
