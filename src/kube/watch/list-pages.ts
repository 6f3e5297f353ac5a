/** Lists a kind in pages. */
import type { RequestFailure } from '../../engine/ports.ts';
import { list, record, text } from '../client/json.ts';
import type { Target } from '../client/paths.ts';
import type { Requests } from '../client/request.ts';
import type { Projection } from '../objects/decoders.ts';

export interface Listing<T> {
  readonly target: Target;
  readonly fieldSelector?: string | undefined;
  readonly projection: Projection<T>;
}

export type Listed<T> =
  | { readonly ok: true; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly ok: false; readonly failure: RequestFailure };

const PAGE_SIZE = 500;
const DEADLINE_MS = 60_000;
/** A continue token is valid for about five minutes; a list that cannot finish in that time is requested without pages. */
const RESTARTS = 3;

/** The classic list in pages, for servers without streaming lists. A page whose token has expired (410) starts the list again. */
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
  const { project, keeps } = listing.projection;
  const items: T[] = [];
  let token = '';
  for (;;) {
    const answer = await requests.send({
      method: 'GET',
      target: listing.target,
      query: queryOf(listing, how.paged, token),
      deadlineMs: DEADLINE_MS,
      signal: how.signal,
    });
    if (!answer.ok) {
      return answer.status === 410 ? 'expired' : answer;
    }
    const page = pageOf(answer.body);
    if (page === undefined) {
      return { ok: false, failure: { kind: 'unavailable', message: 'the response is no list' } };
    }
    items.push(...page.items.map(project).filter(keeps));
    token = page.token;
    if (token === '') {
      return { ok: true, items, resourceVersion: page.resourceVersion };
    }
  }
}

const queryOf = <T>(
  { fieldSelector, projection: { pageSize = PAGE_SIZE } }: Listing<T>,
  paged: boolean,
  token: string,
): Record<string, string> => ({
  ...(paged ? { limit: String(pageSize) } : {}),
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
