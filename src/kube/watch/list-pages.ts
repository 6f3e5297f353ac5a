/** Lists a kind in pages. */
import type { RequestFailure } from '../../engine/ports.ts';
import { list, record, text } from '../client/json.ts';
import type { Target } from '../client/paths.ts';
import type { Answer, Requests } from '../client/request.ts';
import type { Projection } from '../objects/decoders.ts';

export interface Listing<T> {
  readonly target: Target;
  readonly fieldSelector?: string | undefined;
  readonly projection: Projection<T>;
}

export type Listed<T> =
  | { readonly ok: true; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly ok: false; readonly failure: RequestFailure };

/** A page is parsed at once: one of 500 pods takes 30 ms, in which nothing else is done. */
const PAGE_SIZE = 100;
/** Users can make each object as long as etcd stores it. A page that is longer is requested with fewer of them. */
const LONGEST_PAGE_BYTES = 32 * 1024 * 1024;
const FEWER = 8;
const DEADLINE_MS = 60_000;
/** A continue token is valid for about five minutes; a list that cannot finish in that time is requested without pages. */
const RESTARTS = 3;

/** The classic list in pages. A page whose token has expired (410) starts the list again. */
export async function listPages<T>(
  requests: Requests,
  listing: Listing<T>,
  signal?: AbortSignal,
): Promise<Listed<T>> {
  for (let attempt = 0; ; attempt += 1) {
    const paged = attempt <= RESTARTS;
    const result = await listOnce(requests, listing, { paged, signal });
    if (result !== 'expired') {
      return result;
    }
    if (!paged) {
      return { ok: false, failure: { kind: 'unavailable', message: 'the list expires before it is read' } };
    }
  }
}

async function listOnce<T>(
  requests: Requests,
  listing: Listing<T>,
  how: { paged: boolean; signal: AbortSignal | undefined },
): Promise<Listed<T> | 'expired'> {
  const { project, keeps, pageSize = PAGE_SIZE } = listing.projection;
  const items: T[] = [];
  let next: Page = { size: how.paged ? pageSize : undefined, token: '' };
  for (;;) {
    const { answer, size } = await requestPage(requests, listing, next, how.signal);
    if (!answer.ok) {
      return answer.status === 410 ? 'expired' : answer;
    }
    const page = pageOf(answer.body);
    if (page === undefined) {
      return { ok: false, failure: { kind: 'unavailable', message: 'the response is no list' } };
    }
    items.push(...page.items.map(project).filter(keeps));
    next = { size, token: page.token };
    if (page.token === '') {
      return { ok: true, items, resourceVersion: page.resourceVersion };
    }
  }
}

interface Page {
  /** The most objects in it; `undefined` means all. */
  readonly size: number | undefined;
  readonly token: string;
}

/** Returns the response for the page, and how many objects were requested. */
async function requestPage<T>(
  requests: Requests,
  listing: Listing<T>,
  { size, token }: Page,
  signal: AbortSignal | undefined,
): Promise<{ readonly answer: Answer; readonly size: number | undefined }> {
  const answer = await requests.send({
    method: 'GET',
    target: listing.target,
    query: queryOf(listing, size, token),
    deadlineMs: DEADLINE_MS,
    signal,
    ...(size === undefined || size === 1 ? {} : { mostBytes: LONGEST_PAGE_BYTES }),
  });
  const fewer = size && fewerAfter(answer, size);
  return fewer ? requestPage(requests, listing, { size: fewer, token }, signal) : { answer, size };
}

/** How many objects to request instead, after a page of so many that is too long to be read; `undefined` if that is not why there is none. */
export const fewerAfter = (answer: Answer, size: number): number | undefined =>
  !answer.ok && answer.failure.kind === 'unavailable' && answer.failure.tooLong && size > 1
    ? Math.ceil(size / FEWER)
    : undefined;

const queryOf = <T>(
  { fieldSelector }: Listing<T>,
  size: number | undefined,
  token: string,
): Record<string, string> => ({
  ...(size === undefined ? {} : { limit: String(size) }),
  ...(token === '' ? {} : { continue: token }),
  ...(fieldSelector ? { fieldSelector } : {}),
});

/** A page that a server made; `undefined` for anything else: what a proxy says with 200 in its place must not count as "there are none". */
function pageOf(body: unknown) {
  const { items, metadata } = record(body);
  const { continue: token, resourceVersion } = record(metadata);
  return (Array.isArray(items) || items === null) && text(resourceVersion) !== ''
    ? { items: list(items), token: text(token), resourceVersion: text(resourceVersion) }
    : undefined;
}
