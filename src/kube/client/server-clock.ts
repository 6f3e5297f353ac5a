/**
 * The time at the API server. Creation times come from its clock and are compared with times that we store, so both have to be of the same clock,
 * even if this machine's clock is wrong or is set. It is derived from the monotonic clock and kept within what the `Date` of each response
 * allows: that is rounded down to the second, and was written between sending and receiving.
 */
export class ServerClock {
  /** Server time minus monotonic time. This machine's own until a response contradicts it. */
  #offsetMs = Date.now() - performance.now();

  /** Milliseconds since the epoch. */
  now(): number {
    return performance.now() + this.#offsetMs;
  }

  /** A response with this `Date` header has just arrived for a request sent at `sentAt` of the monotonic clock. */
  observe(date: string | undefined, sentAt: number): void {
    const second = Date.parse(date ?? '');
    if (!Number.isNaN(second)) {
      const [least, most] = [second - performance.now(), second + 1000 - sentAt];
      this.#offsetMs = Math.min(Math.max(this.#offsetMs, least), most);
    }
  }
}
