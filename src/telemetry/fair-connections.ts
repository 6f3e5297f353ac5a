/** Limits the open connections of a server, at the expense of the client with the most connections. */
import type { Socket } from 'node:net';

interface Held {
  readonly socket: Socket;
  readonly client: string;
  busy: boolean;
}

/**
 * Keeps at most `limit` connections. One more closes another, of the client with the most connections: the one that has been idle for longest, or the
 * oldest if all are busy. The newest is never rejected, so connections that are only held open cannot lock out another client.
 */
export class FairConnections {
  readonly #limit: number;
  /** In the order of their last activity. */
  readonly #held = new Map<Socket, Held>();
  readonly #perClient = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(socket: Socket): void {
    const client = socket.remoteAddress ?? '';
    this.#held.set(socket, { socket, client, busy: false });
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1);
    socket.once('close', () => this.#forget(socket));
    if (this.#held.size > this.#limit) {
      this.#victim(socket)?.destroy();
    }
  }

  busy(socket: Socket): void {
    this.#touch(socket, true);
  }

  idle(socket: Socket): void {
    this.#touch(socket, false);
  }

  #touch(socket: Socket, busy: boolean): void {
    const held = this.#held.get(socket);
    if (held) {
      this.#held.delete(socket);
      this.#held.set(socket, { ...held, busy });
    }
  }

  #forget(socket: Socket): void {
    const held = this.#held.get(socket);
    if (!held) {
      return;
    }
    this.#held.delete(socket);
    const left = (this.#perClient.get(held.client) ?? 1) - 1;
    if (left > 0) {
      this.#perClient.set(held.client, left);
    } else {
      this.#perClient.delete(held.client);
    }
  }

  #victim(newest: Socket): Socket | undefined {
    const [greediest] = [...this.#perClient].reduce((most, one) => (one[1] > most[1] ? one : most));
    const theirs = [...this.#held.values()].filter(
      ({ client, socket }) => client === greediest && socket !== newest,
    );
    const victim = (theirs.find(({ busy }) => !busy) ?? theirs[0])?.socket;
    if (victim) {
      this.#forget(victim);
    }
    return victim;
  }
}
