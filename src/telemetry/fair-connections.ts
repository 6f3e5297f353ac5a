/** Limits the open connections of a server, at the expense of the client with the most connections. */
import type { Socket } from 'node:net';

interface Held {
  readonly socket: Socket;
  readonly client: string;
  readonly busy: boolean;
  /** A request on it was answered. */
  readonly used: boolean;
}

/**
 * Keeps at most `limit` connections. One more closes another, of the client with the most connections: the one that has been idle for longest, or the
 * oldest if all are busy. The newest is never rejected, so connections that are only held open cannot lock out another client. Behind one address there
 * may be several clients: those of its connections on which no request was answered take at most half of its places from those on which one was.
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
    this.#held.set(socket, { socket, client, busy: false, used: false });
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1);
    socket.once('close', () => this.#forget(socket));
    if (this.#held.size > this.#limit) {
      this.#victim(socket)?.destroy();
    }
  }

  busy(socket: Socket): void {
    this.#touch(socket, { busy: true });
  }

  idle(socket: Socket): void {
    this.#touch(socket, { busy: false, used: true });
  }

  #touch(socket: Socket, change: Partial<Pick<Held, 'busy' | 'used'>>): void {
    const held = this.#held.get(socket);
    if (held) {
      this.#held.delete(socket);
      this.#held.set(socket, { ...held, ...change });
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
    const idle = theirs.filter(({ busy }) => !busy);
    const unused = idle.filter(({ used }) => !used);
    const victim = (unused.length * 2 >= theirs.length ? unused : [...idle, ...theirs])[0]?.socket;
    if (victim) {
      this.#forget(victim);
    }
    return victim;
  }
}
