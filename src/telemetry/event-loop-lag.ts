/** How long the one thread that does everything has been held up. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const resolutionMs = 20;
const windowMs = 10_000;
/** Together a minute: longer than between two scrapes, so that none misses a stall. */
const windows = 6;

/** Measures the event loop from its creation on. Reports the longest delay of the last minute, because one stall among thousands of turns does not change an average. */
export class EventLoopLag {
  readonly #delays = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #longest: number[] = [];

  constructor() {
    this.#delays.enable();
    setInterval(() => this.#turn(), windowMs).unref();
  }

  /** Seconds. */
  longest(): number {
    return Math.max(this.#current(), ...this.#longest);
  }

  #turn(): void {
    this.#longest.push(this.#current());
    if (this.#longest.length > windows - 1) {
      this.#longest.shift();
    }
    this.#delays.reset();
  }

  /** The histogram counts its own interval as delay. */
  #current(): number {
    return this.#delays.count === 0 ? 0 : Math.max(0, this.#delays.max / 1e6 - resolutionMs) / 1000;
  }
}
