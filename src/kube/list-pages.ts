import type { RequestFailure } from '../engine/ports.ts';
import type { Target } from './names.ts';
import type { Projection } from './project.ts';
import { list, record, text } from './raw.ts';
import type { Requests } from './request.ts';

export interface Listing<T> {
  readonly target: Target;
  readonly fieldSelector?: string | undefined;
  readonly projection: Projection<T>;
}

export type Listed<T> =
  | { readonly ok: true; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly ok: false; readonly failure: RequestFailure };

const pageSize = 500;
const deadlineMs = 60_000;
/** A continue token lives about five minutes; who cannot finish in that time asks for everything at once. */
const restarts = 3;

/** The classic list in pages, for servers without streaming lists. A page whose token has expired (410) starts the list again. */
export async function listPages<T>(
  requests: Requests,
  listing: Listing<T>,
  signal: AbortSignal,
): Promise<Listed<T>> {
  for (let attempt = 0; ; attempt += 1) {
    const paged = attempt <= restarts;
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
  how: { paged: boolean; signal: AbortSignal },
): Promise<Listed<T> | 'expired'> {
  const { project, keeps } = listing.projection;
  const items: T[] = [];
  let token = '';
  for (;;) {
    const query = {
      ...(how.paged ? { limit: String(pageSize) } : {}),
      ...(token === '' ? {} : { continue: token }),
      ...(listing.fieldSelector ? { fieldSelector: listing.fieldSelector } : {}),
    };
    const answer = await requests.send({
      method: 'GET',
      target: listing.target,
      query,
      deadlineMs,
      signal: how.signal,
    });
    if (!answer.ok) {
      return answer.status === 410 ? 'expired' : answer;
    }
    const page = record(answer.body);
    const metadata = record(page.metadata);
    items.push(...list(page.items).map(project).filter(keeps));
    token = text(metadata.continue);
    if (token === '') {
      return { ok: true, items, resourceVersion: text(metadata.resourceVersion) };
    }
  }
}
