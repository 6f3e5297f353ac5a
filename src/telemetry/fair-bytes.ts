/** Limits the bytes of bodies that are being read, at the expense of the client that sends the most. */
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
      this.release(victim);
      victim.destroy();
    }
  }

  release(socket: Socket): void {
    this.#total -= this.#held.get(socket) ?? 0;
    this.#held.delete(socket);
  }

  #victim(): Socket {
    const perClient = Map.groupBy(this.#held, ([{ remoteAddress = '' }]) => remoteAddress);
    const sum = (held: readonly [Socket, number][]) => held.reduce((all, [, bytes]) => all + bytes, 0);
    const greediest = [...perClient.values()].reduce((most, one) => (sum(one) > sum(most) ? one : most));
    return greediest.reduce((most, one) => (one[1] > most[1] ? one : most))[0];
  }
}
