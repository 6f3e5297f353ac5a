/**
 * The time at the API server. Creation times are its own, and they are compared with times that we stored: both are to be of one clock, and it
 * is the server's, whatever this machine's clock shows, and whether somebody sets it. Runs on the steady clock and is kept within what the
 * `Date` of each answer allows: written to the whole second below, some time between sending and receiving.
 */
export class ServerClock {
  /** Server time less steady time. Until the first answer, and as long as no answer contradicts it, this machine's own. */
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
