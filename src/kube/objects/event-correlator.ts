/**
 * Limits and aggregates events as client-go does: 25 for each object, then one in five minutes. A repeated event becomes a series with a count, and
 * of more than ten events that differ only in their note, the further ones are combined. Pure; times are of the monotonic clock.
 */
import { createHash } from 'node:crypto';
import { TokenBuckets, takeToken } from '../../api/token-buckets.ts';
import type { ObjectReference, OperatorEvent } from '../../engine/ports.ts';

const LIMIT = { burst: 25, refillMs: 300_000 };
/** Events further apart do not form a series. */
const SERIES_MS = 600_000;
/** How many events of one kind with different notes are recorded separately. */
const MAX_SIMILAR = 10;

/** Create an event, or increase the count of an existing series. */
export type EventWrite =
  | { readonly kind: 'create'; readonly note: string; readonly series: Series }
  | { readonly kind: 'count'; readonly series: Series };

export interface Series {
  count: number;
  lastAt: number;
  /** Set after the event was created. */
  name?: string;
}

export class EventCorrelator {
  readonly #objects = new TokenBuckets(LIMIT, () => ({ series: new Map<string, Series>() }));

  /** Returns what to write; `undefined` if the object has used up its events. */
  correlate(regarding: ObjectReference, event: OperatorEvent, now: number): EventWrite | undefined {
    const state = this.#objects.of(regarding.uid, now);
    for (const [key, { lastAt }] of state.series) {
      if (now - lastAt >= SERIES_MS) {
        state.series.delete(key);
      }
    }
    if (!takeToken(state)) {
      return undefined;
    }
    const kind = digest(JSON.stringify([event.type, event.reason, event.action, event.related?.uid]));
    return aggregate(state.series, kind, event.note, now);
  }
}

/** Notes are as long as whoever causes them likes, and all of these are remembered. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64').slice(0, 16);

function aggregate(all: Map<string, Series>, kind: string, note: string, now: number): EventWrite {
  const exact = `${kind} ${digest(note)}`;
  const similar = [...all.keys()].filter((key) => key.startsWith(`${kind} `)).length;
  const key = all.has(exact) || similar < MAX_SIMILAR ? exact : kind;
  const series = all.get(key);
  if (series) {
    series.count += 1;
    series.lastAt = now;
    return { kind: 'count', series };
  }
  const started: Series = { count: 1, lastAt: now };
  all.set(key, started);
  return {
    kind: 'create',
    note: key === exact ? note : `(combined from similar events): ${note}`,
    series: started,
  };
}
