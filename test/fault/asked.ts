/** What a request to the API server asks for, read from its path; and whether a write says on what it rests. */
import type { IncomingHttpHeaders } from 'node:http';

export type Verb = 'list' | 'watch' | 'get' | 'create' | 'patch' | 'update' | 'delete' | 'exec' | 'other';

export interface Asked {
  /** Counts from 1, for one proxy. */
  readonly number: number;
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly verb: Verb;
  /** Plural, and the subresource after a slash. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const PATH =
  /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/(?<namespace>[^/]+)(?=\/))?\/(?<plural>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<sub>[^/]+))?$/;
const WRITES: Readonly<Record<string, Verb>> = {
  POST: 'create',
  PATCH: 'patch',
  PUT: 'update',
  DELETE: 'delete',
};
const PASSED_ON = ['authorization', 'content-type', 'accept', 'user-agent'];

export function readRequest(
  number: number,
  {
    method = 'GET',
    url = '/',
    headers,
  }: { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders },
  body: string,
): Asked {
  const { pathname, searchParams } = new URL(url, 'https://api');
  const { namespace = '', plural = '', name = '', sub = '' } = PATH.exec(pathname)?.groups ?? {};
  const passed = PASSED_ON.flatMap((key) =>
    headers[key] === undefined ? [] : [[key, String(headers[key])]],
  );
  const read: Verb = searchParams.get('watch') ? 'watch' : name ? 'get' : plural ? 'list' : 'other';
  return {
    number,
    at: Date.now(),
    method,
    path: url,
    verb: sub === 'exec' ? 'exec' : (WRITES[method] ?? read),
    resource: sub ? `${plural}/${sub}` : plural,
    namespace,
    name,
    headers: {
      ...Object.fromEntries(passed),
      ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    },
    body,
  };
}

export const isWrite = ({ verb }: Asked): boolean => ['create', 'patch', 'update', 'delete'].includes(verb);

/** A write that the operator means to do to its Upgrades, workloads and pods: no event, no lease. */
export const isAct = (asked: Asked): boolean =>
  isWrite(asked) && !['events', 'leases'].includes(asked.resource);

interface Guards {
  readonly metadata?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly preconditions?: { readonly uid?: string };
}

/** Which guard a write must carry, by resource; those that are missing here may not be written at all. */
const GUARDS: Readonly<Record<string, (body: Guards) => boolean>> = {
  'patch upgrades/status': ({ metadata }) => Boolean(metadata?.uid && metadata.resourceVersion),
  'patch upgrades': ({ metadata }) => Boolean(metadata?.uid && metadata.resourceVersion),
  // Idempotent: the same condition twice is one.
  'patch pods/status': ({ metadata }) => Boolean(metadata?.uid),
  'delete pods': ({ preconditions }) => Boolean(preconditions?.uid),
  'create events': () => true,
  'create leases': () => true,
  'update leases': ({ metadata }) => Boolean(metadata?.resourceVersion),
  'patch leases': ({ metadata }) => Boolean(metadata?.resourceVersion),
};
const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'];

/** Why the write could be done twice, or to another object than the one it was decided on; nothing when it cannot. */
export function unguarded(asked: Asked): string | undefined {
  if (!isWrite(asked)) {
    return undefined;
  }
  const body = JSON.parse(asked.body || '{}') as Guards | readonly { op: string; path: string }[];
  const what = `${asked.verb} ${asked.resource}`;
  // A JSON patch says it by tests.
  const held = Array.isArray(body)
    ? body.some(({ op, path }) => op === 'test' && path === '/metadata/resourceVersion')
    : (WORKLOADS.includes(asked.resource) ? GUARDS['patch upgrades/status'] : GUARDS[what])?.(body as Guards);
  return held ? undefined : `${what} ${asked.name} without a guard: ${asked.body.slice(0, 200)}`;
}
