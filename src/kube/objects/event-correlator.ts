/**
 * Limits and joins events as client-go does: each object has 25, then one in five minutes; the same event again becomes a series with a count;
 * of more than ten that differ in their note alone, the further ones are joined. Pure: times come in, of the steady clock.
 */
import type { ObjectReference, OperatorEvent } from '../../engine/ports.ts';

const BURST = 25;
const REFILL_MS = 300_000;
/** Events further apart are no series. */
const SERIES_MS = 600_000;
/** So many of one kind with different notes are shown one by one. */
const SIMILAR = 10;
/** So many objects are remembered, the least recent one goes. */
const MOST_OBJECTS = 4096;

/** Post an event under this name, or count one more of the series of that name. */
export type EventWrite =
  | { readonly kind: 'create'; readonly note: string; readonly series: Series }
  | { readonly kind: 'count'; readonly series: Series };

export interface Series {
  count: number;
  lastAt: number;
  /** Once it is posted. */
  name?: string;
}

interface Known {
  tokens: number;
  filledAt: number;
  readonly series: Map<string, Series>;
}

export class EventCorrelator {
  readonly #objects = new Map<string, Known>();

  /** What to write; `undefined`: nothing, the object has had its events. */
  correlate(regarding: ObjectReference, event: OperatorEvent, now: number): EventWrite | undefined {
    const known = this.#known(regarding.uid, now);
    if (known.tokens < 1) {
      return undefined;
    }
    known.tokens -= 1;
    const kind = JSON.stringify([event.type, event.reason, event.action, event.related?.uid]);
    return join(known.series, kind, event.note, now);
  }

  /** Refilled, and the most recent one from now on. */
  #known(uid: string, now: number): Known {
    const known = this.#objects.get(uid) ?? { tokens: BURST, filledAt: now, series: new Map() };
    known.tokens = Math.min(BURST, known.tokens + (now - known.filledAt) / REFILL_MS);
    known.filledAt = now;
    for (const [key, { lastAt }] of known.series) {
      if (now - lastAt >= SERIES_MS) {
        known.series.delete(key);
      }
    }
    this.#objects.delete(uid);
    this.#objects.set(uid, known);
    const [oldest] = this.#objects.keys();
    if (this.#objects.size > MOST_OBJECTS && oldest !== undefined) {
      this.#objects.delete(oldest);
    }
    return known;
  }
}

function join(all: Map<string, Series>, kind: string, note: string, now: number): EventWrite {
  const exact = `${kind} ${note}`;
  const similar = [...all.keys()].filter((key) => key.startsWith(`${kind} `)).length;
  const key = all.has(exact) || similar < SIMILAR ? exact : kind;
  const series = all.get(key);
  if (series) {
    series.count += 1;
    series.lastAt = now;
    return { kind: 'count', series };
  }
  const begun: Series = { count: 1, lastAt: now };
  all.set(key, begun);
  return {
    kind: 'create',
    note: key === exact ? note : `(combined from similar events): ${note}`,
    series: begun,
  };
}
