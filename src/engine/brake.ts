/**
 * Slows what turns without getting anywhere, whatever the cause: a write that changed nothing, a status that does not read back as it was
 * written, a result that somebody undoes, or just too many writes that come to nothing new. What moves an attempt on is never held up: a
 * fallback must not wait because the attempt before it wrote much, nor a fleet because it is large. One for all of an operator's keys.
 * Times are of the steady clock.
 */
import type { Obstacle } from '../core/obstacle.ts';
import type { Progress } from './progress-marks.ts';

/** Writes without progress that a key may do at once, and how fast further ones are granted: for the moment, and in the long run. */
const BUCKETS = [
  { size: 10, perSecond: 3 },
  { size: 120, perSecond: 1 },
];
/** More than two rollouts of ten thousand pods have. After these nothing is progress: pods that come and go without end bring a mark each. */
const MOST_MARKS = 50_000;
/** The first time that something had no effect may be chance. */
const TELL_AFTER = 3;

/** The API server has taken a status, and gave another one back. */
export const STATUS_CHANGED: Obstacle = { reason: 'NoEffect', write: { of: 'Status' } };

export interface Backoff {
  readonly minMs: number;
  readonly maxMs: number;
}
const BACKOFF: Backoff = { minMs: 1000, maxMs: 60_000 };

interface Slowed {
  readonly count: number;
  readonly until: number;
  readonly obstacle?: Obstacle | undefined;
}

interface Keyed {
  readonly tokens: number[];
  at: number;
  attempt: string;
  readonly reached: Set<string>;
  moves: number;
  readonly slowed: Map<string, Slowed>;
}

export class Brake {
  readonly #keys = new Map<string, Keyed>();

  /** Takes the right to one write; or returns how long to wait for it. 0: taken. */
  take(key: string, now: number, progress?: Progress): number {
    const own = this.#of(key, now);
    if (progress && movesOn(own, progress)) {
      own.moves++;
      return 0;
    }
    const seconds = Math.max(0, now - own.at) / 1000;
    own.at = now;
    const waits = BUCKETS.map(({ size, perSecond }, index) => {
      const tokens = Math.min(size, (own.tokens[index] ?? size) + seconds * perSecond);
      own.tokens[index] = tokens;
      return tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000;
    });
    const wait = Math.max(...waits);
    if (wait > 0) {
      return Math.ceil(wait);
    }
    for (const index of BUCKETS.keys()) {
      own.tokens[index] = (own.tokens[index] ?? 1) - 1;
    }
    return 0;
  }

  /** How many writes have moved the key on so far. */
  moves(key: string): number {
    return this.#keys.get(key)?.moves ?? 0;
  }

  /** It was done and came to nothing: the next time waits twice as long. The obstacle is told when that goes on. */
  slow(key: string, what: string, now: number, obstacle?: Obstacle, backoff = BACKOFF): void {
    const { slowed } = this.#of(key, now);
    const count = (slowed.get(what)?.count ?? 0) + 1;
    const until = now + Math.min(backoff.maxMs, backoff.minMs * 2 ** (count - 1));
    slowed.set(what, { count, until, obstacle });
  }

  /** It came to something, or is not wanted any more. Returns whether it had been slowed. */
  release(key: string, what: string): boolean {
    return this.#keys.get(key)?.slowed.delete(what) ?? false;
  }

  /** How long it has to wait; 0: it may be done. */
  waitMs(key: string, what: string, now: number): number {
    return Math.max(0, (this.#keys.get(key)?.slowed.get(what)?.until ?? 0) - now);
  }

  /**
   * None of these is wanted now. What had been slowed is released once it has not been wanted for as long as it would have waited: somebody
   * who undoes it may come a moment later. Returns whether it was, or in how long to look again.
   */
  rest(key: string, all: readonly string[], now: number): 'released' | number | undefined {
    const slowed = all.filter((what) => this.#keys.get(key)?.slowed.has(what));
    const waits = slowed.map((what) => this.waitMs(key, what, now)).filter((wait) => wait > 0);
    if (waits.length > 0) {
      return Math.min(...waits);
    }
    for (const what of slowed) {
      this.release(key, what);
    }
    return slowed.length > 0 ? 'released' : undefined;
  }

  /** What has come to nothing again and again. */
  obstacle(key: string): Obstacle | undefined {
    const all = [...(this.#keys.get(key)?.slowed.values() ?? [])];
    return all.find(
      ({ obstacle, count }) => obstacle && (count >= TELL_AFTER || obstacle.reason === 'ImageRewritten'),
    )?.obstacle;
  }

  forget(key: string): void {
    this.#keys.delete(key);
  }

  #of(key: string, now: number): Keyed {
    const known = this.#keys.get(key) ?? {
      tokens: [],
      at: now,
      attempt: '',
      reached: new Set<string>(),
      moves: 0,
      slowed: new Map<string, Slowed>(),
    };
    this.#keys.set(key, known);
    return known;
  }
}

/** Does the write reach a mark that none of its attempt has reached before? From now on these are reached. */
function movesOn(own: Keyed, { attempt, marks }: Progress): boolean {
  if (own.attempt !== attempt) {
    own.attempt = attempt;
    own.reached.clear();
  }
  const fresh = marks.filter((mark) => !own.reached.has(mark)).slice(0, MOST_MARKS - own.reached.size);
  for (const mark of fresh) {
    own.reached.add(mark);
  }
  return fresh.length > 0;
}
