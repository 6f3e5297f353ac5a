/** Serves one connection of the health socket. */
import type { Socket } from 'node:net';
import { type HealthReply, healthCode } from './health-codes.ts';
import { formatReply, HEALTH_REQUEST, LineReader, REQUEST_LIMIT_BYTES } from './protocol.ts';

/** Limit of requests on one connection; a probe sends one. It bounds what a peer that never reads can accumulate. */
const REQUESTS_PER_CONNECTION = 16;

/**
 * Serves one connection until the peer is done, violates the protocol, or `limitMs` is over.
 *
 * Nothing that a peer does may throw here: a prober may be killed at any time, and then the response fails with EPIPE, or
 * the kernel reports a response that was not read (ECONNRESET). Both are `error` events; without a listener either of them
 * ends the application that is being probed.
 */
export function serveConnection(socket: Socket, ask: () => Promise<HealthReply>, limitMs: number): void {
  const lines = new LineReader(REQUEST_LIMIT_BYTES);
  const timer = setTimeout(() => socket.destroy(), limitMs);
  timer.unref();
  socket.unref();
  let requests = 0;
  let answered = Promise.resolve();

  const answer = async (reply: HealthReply | Promise<HealthReply>, last: boolean): Promise<void> => {
    const line = formatReply(await reply);
    if (socket.writable) {
      socket.write(line);
    }
    if (last) {
      socket.end();
    }
  };
  const enqueue = (reply: HealthReply | Promise<HealthReply>, last: boolean): void => {
    answered = answered.then(() => answer(reply, last));
  };
  const refuse = (message: string): void => {
    // Keep reading and discard: with unread bytes at the close, the peer would lose the response.
    socket.removeAllListeners('data').resume();
    enqueue({ code: healthCode.protocolError, message }, true);
  };

  socket.on('error', () => socket.destroy());
  socket.on('close', () => clearTimeout(timer));
  socket.on('end', () => {
    answered = answered.then(() => {
      socket.end();
    });
  });
  socket.on('data', (piece: Buffer) => {
    const { lines: complete, tooLong } = lines.push(piece);
    for (const line of complete) {
      requests += 1;
      if (requests > REQUESTS_PER_CONNECTION) {
        return refuse('too many requests on one connection');
      }
      if (line !== HEALTH_REQUEST) {
        return refuse('unknown request');
      }
      enqueue(ask(), false);
    }
    if (tooLong) {
      refuse('request too long');
    }
  });
}
