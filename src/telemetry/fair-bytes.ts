/** Limits the bytes of bodies that are read or not answered yet, at the expense of the client that sends the most. */
import type { Socket } from 'node:net';

/** Holds at most `limit` bytes. Above the limit, the client that holds the most loses its connection with the largest body. */
export class FairBytes {
  readonly #limit: number;
  readonly #held = new Map<Socket, number>();
  #total = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  take(socket: Socket, bytes: number): void {
    this.#held.set(socket, (this.#held.get(socket) ?? 0) + bytes);
    this.#total += bytes;
    if (this.#total > this.#limit) {
      const victim = this.#victim();
      this.release(victim, this.#held.get(victim) ?? 0);
      victim.destroy();
    }
  }

  /** Releases bytes of one body: a client may send the next one on the same connection before the first is answered. */
  release(socket: Socket, bytes: number): void {
    const held = this.#held.get(socket) ?? 0;
    const released = Math.min(bytes, held);
    this.#total -= released;
    if (released < held) {
      this.#held.set(socket, held - released);
    } else {
      this.#held.delete(socket);
    }
  }

  #victim(): Socket {
    const perClient = Map.groupBy(this.#held, ([{ remoteAddress = '' }]) => remoteAddress);
    const sum = (held: readonly [Socket, number][]) => held.reduce((all, [, bytes]) => all + bytes, 0);
    const greediest = [...perClient.values()].reduce((most, one) => (sum(one) > sum(most) ? one : most));
    return greediest.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  }
}
