/**
 * Honors a Retry-After for all requests that share it: nothing is sent before that time. The lease does not use it, so that an overloaded
 * server does not cost the leadership.
 */
export class Throttle {
  readonly #now: () => number;
  #until = 0;

  /** `now`: a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  hold(delayMs: number): void {
    this.#until = Math.max(this.#until, this.#now() + delayMs);
  }

  remainingMs(): number {
    return Math.max(0, Math.ceil(this.#until - this.#now()));
  }
}
