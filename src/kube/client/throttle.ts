/**
 * Honors a Retry-After for all requests about the same namespace, of all that share it: nothing is sent before that time. API Priority and Fairness
 * rejects the requests of one flow, and by our FlowSchema each namespace has its own: what is too many in one says nothing about another. The lease
 * does not use it, so that an overloaded server does not cost the leadership.
 */
export class Throttle {
  readonly #now: () => number;
  /** By namespace; empty for requests about none or all. */
  readonly #until = new Map<string, number>();

  /** `now`: a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  hold(delayMs: number, namespace = ''): void {
    for (const known of this.#until.keys()) {
      if (this.remainingMs(known) === 0) {
        this.#until.delete(known);
      }
    }
    this.#until.set(namespace, Math.max(this.#until.get(namespace) ?? 0, this.#now() + delayMs));
  }

  remainingMs(namespace = ''): number {
    return Math.max(0, Math.ceil((this.#until.get(namespace) ?? 0) - this.#now()));
  }
}
