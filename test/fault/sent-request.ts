/** Parses a request to the API server by its path, and checks that a write has a precondition. */
import type { IncomingHttpHeaders } from 'node:http';

export type Verb = 'list' | 'watch' | 'get' | 'create' | 'patch' | 'update' | 'delete' | 'exec' | 'other';

export interface SentRequest {
  /** Counted from 1 for each proxy. */
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
): SentRequest {
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

export const isWrite = ({ verb }: SentRequest): boolean =>
  ['create', 'patch', 'update', 'delete'].includes(verb);

/** Whether it is a write of an Upgrade, workload or pod: no event, no lease. */
export const isAct = (sent: SentRequest): boolean =>
  isWrite(sent) && !['events', 'leases'].includes(sent.resource);

interface Guards {
  readonly metadata?: {
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly managedFields?: readonly object[];
  };
  readonly preconditions?: { readonly uid?: string };
}

/** The precondition that a write must have, by resource; resources that are not listed may not be written at all. */
const GUARDS: Readonly<Record<string, (body: Guards) => boolean>> = {
  'patch upgrades/status': ({ metadata }) => Boolean(metadata?.uid && metadata.resourceVersion),
  // Entries of field managers that are all removed are removed, however often.
  'patch upgrades': ({ metadata }) =>
    Boolean(metadata?.uid && (metadata.resourceVersion || metadata.managedFields)),
  // Idempotent: the same condition twice is one.
  'patch pods/status': ({ metadata }) => Boolean(metadata?.uid),
  'delete pods': ({ preconditions }) => Boolean(preconditions?.uid),
  'create events': () => true,
  // The count of a repeated event; a lost or late one does no harm.
  'patch events': () => true,
  'create leases': () => true,
  'update leases': ({ metadata }) => Boolean(metadata?.resourceVersion),
  'patch leases': ({ metadata }) => Boolean(metadata?.resourceVersion),
};
const WORKLOADS = ['deployments', 'statefulsets', 'daemonsets'];
/** What a JSON patch must test: the generation that it is for, or what it removes. */
const TESTED = [
  ['/metadata/uid', '/metadata/generation'],
  ['/metadata/uid', '/metadata/managedFields/*/manager'],
];
const anyIndex = (path: string): string => path.replace(/\/\d+\//g, '/*/');

/** Returns why the write could be applied twice, or to another object than it was decided for; nothing if it cannot. */
export function unguarded(sent: SentRequest): string | undefined {
  if (!isWrite(sent)) {
    return undefined;
  }
  const body = JSON.parse(sent.body || '{}') as Guards | readonly { op: string; path: string }[];
  const what = `${sent.verb} ${sent.resource}`;
  // A JSON patch has its precondition as a test.
  const held = Array.isArray(body)
    ? TESTED.some((paths) =>
        paths.every((path) => body.some((one) => one.op === 'test' && anyIndex(one.path) === path)),
      )
    : (WORKLOADS.includes(sent.resource) ? GUARDS['patch upgrades/status'] : GUARDS[what])?.(body as Guards);
  return held ? undefined : `${what} ${sent.name} without a guard: ${sent.body.slice(0, 200)}`;
}
