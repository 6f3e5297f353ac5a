/**
 * Keeps a 429's promise for everything that shares it: nothing is sent before the time that the server named. The lease has none, so that
 * an overloaded server does not cost the leadership.
 */
export class Throttle {
  readonly #now: () => number;
  #until = 0;

  /** `now` in milliseconds from any origin; must not jump. */
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
