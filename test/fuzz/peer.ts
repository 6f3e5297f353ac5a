/** A peer on a real socket that sends what a script says: the bytes in pieces, and then an end. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Random } from './random.ts';

/** `hang`: nothing more comes, and the connection stays. */
export type End = 'end' | 'reset' | 'hang';

export interface Script {
  readonly bytes: Buffer;
  readonly end: End;
}

export interface Peer {
  readonly port: number;
  readonly openSockets: () => number;
  readonly close: () => void;
}

/** Serves each connection by its own means; ends with all of them. */
export async function servePeer(serve: (socket: Socket) => void): Promise<Peer> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    openSockets: () => open.size,
    close: () => {
      server.close();
      for (const socket of open) {
        socket.destroy();
      }
    },
  };
}

/** Sends the bytes in up to six pieces, each in a turn of its own. */
export function sendScript(socket: Socket, random: Random, { bytes, end }: Script): void {
  const cuts = Array.from({ length: random.below(6) }, () => random.below(bytes.length + 1));
  const edges = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b);
  const next = (at: number): void => {
    const to = edges[at + 1];
    if (socket.destroyed) {
      return;
    }
    if (to !== undefined) {
      socket.write(bytes.subarray(edges[at], to));
      setImmediate(next, at + 1);
    } else if (end !== 'hang') {
      finish(socket, end);
    }
  };
  next(0);
}

function finish(socket: Socket, end: Exclude<End, 'hang'>): void {
  if (end === 'end') {
    socket.end();
  } else {
    socket.resetAndDestroy();
  }
}
