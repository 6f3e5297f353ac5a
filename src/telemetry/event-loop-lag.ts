/** Measures how long the event loop was blocked. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;
/** A minute in total, longer than a scrape interval, so that no scrape misses a stall. */
const WINDOWS = 6;

/** Reports the longest delay of the last minute, because one stall among thousands of iterations does not change an average. */
export class EventLoopLag {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #longest: number[] = [];

  constructor() {
    this.#delays.enable();
    setInterval(() => this.#nextWindow(), WINDOW_MS).unref();
  }

  /** Returns seconds. */
  longest(): number {
    return Math.max(this.#current(), ...this.#longest);
  }

  #nextWindow(): void {
    this.#longest.push(this.#current());
    if (this.#longest.length > WINDOWS - 1) {
      this.#longest.shift();
    }
    this.#delays.reset();
  }

  /** The histogram includes its own interval in the delay. */
  #current(): number {
    return this.#delays.count === 0 ? 0 : Math.max(0, this.#delays.max / 1e6 - RESOLUTION_MS) / 1000;
  }
}
