/**
 * Delays work that makes no progress, whatever the cause: a write that changed nothing, a status that is not returned as it was written, a
 * result that another client reverts, or simply too many writes without a new effect. Progress is never delayed: a fallback must not wait
 * because the attempt before it wrote a lot, nor a workload because it is large. One instance serves all keys of a controller.
 * All times are of the monotonic clock.
 */
import type { Obstacle } from '../core/obstacle.ts';
import type { Progress } from './progress-marks.ts';

/** Token buckets of the writes without progress: for bursts, and in the long run. */
const BUCKETS = [
  { size: 10, perSecond: 3 },
  { size: 120, perSecond: 1 },
];
/** More than two rollouts of ten thousand pods need. Beyond it nothing counts as progress, as endlessly replaced pods bring new marks forever. */
const MAX_MARKS = 50_000;
/** A single write without effect may be a coincidence. */
const REPORT_AFTER = 3;

/** The API server accepted a status, and returned a different one. */
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

interface KeyState {
  readonly tokens: number[];
  at: number;
  attempt: string;
  readonly reached: Set<string>;
  progress: number;
  readonly slowed: Map<string, Slowed>;
}

export class Brake {
  readonly #keys = new Map<string, KeyState>();

  /** Takes the permission for one write. Returns 0, or how long to wait before asking again. */
  take(key: string, now: number, progress?: Progress): number {
    const state = this.#stateOf(key, now);
    if (progress && isProgress(state, progress)) {
      state.progress++;
      return 0;
    }
    const seconds = Math.max(0, now - state.at) / 1000;
    state.at = now;
    const waits = BUCKETS.map(({ size, perSecond }, index) => {
      const tokens = Math.min(size, (state.tokens[index] ?? size) + seconds * perSecond);
      state.tokens[index] = tokens;
      return tokens >= 1 ? 0 : ((1 - tokens) / perSecond) * 1000;
    });
    const wait = Math.max(...waits);
    if (wait > 0) {
      return Math.ceil(wait);
    }
    for (const index of BUCKETS.keys()) {
      state.tokens[index] = (state.tokens[index] ?? 1) - 1;
    }
    return 0;
  }

  /** How many writes for the key have made progress so far. */
  progressOf(key: string): number {
    return this.#keys.get(key)?.progress ?? 0;
  }

  /** A write was accepted and had no effect: the wait before the next one doubles. The obstacle is reported if it happens again. */
  slow(key: string, what: string, now: number, obstacle?: Obstacle, backoff = BACKOFF): void {
    const { slowed } = this.#stateOf(key, now);
    const count = (slowed.get(what)?.count ?? 0) + 1;
    const until = now + Math.min(backoff.maxMs, backoff.minMs * 2 ** (count - 1));
    slowed.set(what, { count, until, obstacle });
  }

  /** A write had an effect, or is not wanted any more. Returns whether it had been slowed. */
  release(key: string, what: string): boolean {
    return this.#keys.get(key)?.slowed.delete(what) ?? false;
  }

  /** How long the write has to wait; 0 if it may be sent. */
  waitMs(key: string, what: string, now: number): number {
    return Math.max(0, (this.#keys.get(key)?.slowed.get(what)?.until ?? 0) - now);
  }

  /**
   * None of these writes is wanted now. A slowed one is released after it was not wanted for as long as it would have waited, because the
   * client that reverts it may do so a moment later. Returns whether one was released, or when to check again.
   */
  releaseUnwanted(key: string, all: readonly string[], now: number): 'released' | number | undefined {
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

  /** A write that repeatedly had no effect. */
  obstacle(key: string): Obstacle | undefined {
    const all = [...(this.#keys.get(key)?.slowed.values() ?? [])];
    return all.find(
      ({ obstacle, count }) => obstacle && (count >= REPORT_AFTER || obstacle.reason === 'ImageRewritten'),
    )?.obstacle;
  }

  forget(key: string): void {
    this.#keys.delete(key);
  }

  #stateOf(key: string, now: number): KeyState {
    const known = this.#keys.get(key) ?? {
      tokens: [],
      at: now,
      attempt: '',
      reached: new Set<string>(),
      progress: 0,
      slowed: new Map<string, Slowed>(),
    };
    this.#keys.set(key, known);
    return known;
  }
}

/** Whether the write reaches a mark that no write of its attempt has reached before. Adds its marks to those reached. */
function isProgress(state: KeyState, { attempt, marks }: Progress): boolean {
  if (state.attempt !== attempt) {
    state.attempt = attempt;
    state.reached.clear();
  }
  const added = marks.filter((mark) => !state.reached.has(mark)).slice(0, MAX_MARKS - state.reached.size);
  for (const mark of added) {
    state.reached.add(mark);
  }
  return added.length > 0;
}
