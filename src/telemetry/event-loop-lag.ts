/** Measures how long the event loop was blocked. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 20;
const WINDOW_MS = 30_000;
/** The oldest covers two windows at least, longer than a scrape interval, so that no scrape misses a stall. */
const MONITORS = 3;

/** Reports the longest delay of the last minute, because one stall among thousands of iterations does not change an average. */
export class EventLoopLag {
  /**
   * The oldest first. None is ever reset: when a stall ends, the timer that begins a window may run before the monitors sample, and a monitor that is
   * reset then, or has just been started, does not see the stall.
   */
  readonly #monitors: ReturnType<typeof monitorEventLoopDelay>[] = [];

  constructor(windowMs = WINDOW_MS) {
    this.#startMonitor();
    setInterval(() => this.#nextWindow(), windowMs).unref();
  }

  /** Returns seconds. */
  longest(): number {
    const [oldest] = this.#monitors;
    // The histogram includes its own interval in the delay.
    return oldest && oldest.count > 0 ? Math.max(0, oldest.max / 1e6 - RESOLUTION_MS) / 1000 : 0;
  }

  #nextWindow(): void {
    this.#startMonitor();
    if (this.#monitors.length > MONITORS) {
      this.#monitors.shift()?.disable();
    }
  }

  #startMonitor(): void {
    const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    monitor.enable();
    this.#monitors.push(monitor);
  }
}
