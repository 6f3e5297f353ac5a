/** The time limit of one probe. */

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The end of one try: its time limit or the caller's abort, whichever comes first. `signal` fires once, for either. Always `dispose()` it, which stops
 * the timer and removes the listener from the caller's signal.
 */
export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #caller: AbortSignal | undefined;
  readonly #onCallerAbort = (): void => this.#controller.abort();
  /** When the time is over, in milliseconds on the monotonic clock `performance.now()`. */
  readonly endsAtMs: number;

  constructor(timeoutMs: number, caller?: AbortSignal) {
    const limitMs = Math.min(timeoutMs, LONGEST_TIMER_MS);
    this.endsAtMs = performance.now() + limitMs;
    this.#timer = setTimeout(() => this.#controller.abort(), limitMs);
    this.#caller = caller;
    if (caller?.aborted) {
      this.#controller.abort();
    } else {
      caller?.addEventListener('abort', this.#onCallerAbort, { once: true });
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The caller aborted: there is no result, not even a timeout. */
  get aborted(): boolean {
    return this.#caller?.aborted ?? false;
  }

  /** Calls back when the time is over; if it is over already, soon after returning. The returned function removes the callback. */
  onEnd(run: () => void): () => void {
    let wanted = true;
    const runOnce = (): void => {
      if (wanted) {
        wanted = false;
        run();
      }
    };
    if (this.signal.aborted) {
      queueMicrotask(runOnce);
    } else {
      this.signal.addEventListener('abort', runOnce, { once: true });
    }
    return () => {
      wanted = false;
      this.signal.removeEventListener('abort', runOnce);
    };
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }
}

/** Formats seconds like Go, as users know them from kubelet's events: `2s`, `0.5s`. */
export function inSeconds(timeoutMs: number): string {
  return `${timeoutMs / 1000}s`;
}
