/** Backoff between the openings of a watch. */

export interface BackoffTiming {
  /** Interval between the first two openings. */
  readonly firstMs: number;
  /** Longest interval between openings, after a stream without changes. */
  readonly longestMs: number;
  /** Longest interval after a stream with changes: a longer one would leave the cache out of date. */
  readonly longestAfterProgressMs: number;
  /** A stream that lasted this long was healthy: the count of failures is reset. */
  readonly healthyMs: number;
}

export const WATCH_TIMING: BackoffTiming = {
  firstMs: 1_000,
  longestMs: 30_000,
  longestAfterProgressMs: 1_500,
  healthyMs: 60_000,
};

/**
 * When to open a stream again. It spaces the *openings*, so a stream that is cut every 20 s waits 10 s where one that is cut at once waits 30 s.
 * client-node resets its pause on any event, and a server that closes after each event then sees a hundred connections a second.
 */
export class Backoff {
  readonly #timing: BackoffTiming;
  readonly #random: () => number;
  #failures = 0;

  constructor(timing: BackoffTiming, random: () => number) {
    this.#timing = timing;
    this.#random = random;
  }

  /** Milliseconds to wait after a stream that lasted `livedMs` and, if `progressed`, delivered changes. `slow`: use the longest interval at once. */
  next(end: { readonly livedMs: number; readonly progressed: boolean; readonly slow: boolean }): number {
    const { firstMs, longestMs, longestAfterProgressMs, healthyMs } = this.#timing;
    if (end.livedMs >= healthyMs) {
      this.#failures = 0;
      return Math.round(firstMs * 0.5 * this.#random());
    }
    const doubled = end.slow ? longestMs : firstMs * 2 ** Math.min(this.#failures, 20);
    this.#failures += 1;
    const intervalMs = Math.min(doubled, end.progressed ? longestAfterProgressMs : longestMs);
    // Below the longest interval spread ±20 %; at it only upwards, so that "at most two a minute" holds.
    const jitter = intervalMs < longestMs ? 0.8 + 0.4 * this.#random() : 1 + 0.03 * this.#random();
    return Math.max(Math.round(intervalMs * jitter - end.livedMs), Math.round(firstMs * 0.2));
  }
}
