/** How long the one thread that does everything has been held up. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 10_000;
/** Together a minute: longer than between two scrapes, so that none misses a stall. */
const WINDOWS = 6;

/** Measures the event loop from its creation on. Reports the longest delay of the last minute, because one stall among thousands of turns does not change an average. */
export class EventLoopLag {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #longest: number[] = [];

  constructor() {
    this.#delays.enable();
    setInterval(() => this.#turn(), WINDOW_MS).unref();
  }

  /** Seconds. */
  longest(): number {
    return Math.max(this.#current(), ...this.#longest);
  }

  #turn(): void {
    this.#longest.push(this.#current());
    if (this.#longest.length > WINDOWS - 1) {
      this.#longest.shift();
    }
    this.#delays.reset();
  }

  /** The histogram counts its own interval as delay. */
  #current(): number {
    return this.#delays.count === 0 ? 0 : Math.max(0, this.#delays.max / 1e6 - RESOLUTION_MS) / 1000;
  }
}
