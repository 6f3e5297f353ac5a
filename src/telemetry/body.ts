/** Reads the body of a POST up to a limit. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from './http.ts';

/** Counts the bytes of all bodies that are read or not answered yet. */
export interface Bodies {
  take(socket: Socket, bytes: number): void;
  release(socket: Socket, bytes: number): void;
}

const refusal = (status: number, body: string): Reply => ({
  status,
  body: `${body}\n`,
  // The rest of the body must not be parsed as the next request.
  headers: { Connection: 'close' },
});

const tooLong = (maxBytes: number): Reply => refusal(413, `a body may have at most ${maxBytes} bytes`);

/**
 * Returns the response to the body, or the one that rejects it. The latter also for a connection that is lost meanwhile, where nobody receives it.
 * A body counts until there is a response: those that wait take memory too.
 */
export async function replyToBody(
  request: IncomingMessage,
  maxBytes: number,
  bodies: Bodies,
  reply: (body: Buffer) => Reply | Promise<Reply>,
): Promise<Reply> {
  const { headers, socket } = request;
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    return refusal(415, 'send application/json');
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    return tooLong(maxBytes);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  let counted = 0;
  try {
    const body = await new Promise<Buffer | Reply>((resolve) => {
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) {
          chunks.length = 0;
          resolve(tooLong(maxBytes));
          return;
        }
        chunks.push(chunk);
        counted = bytes;
        bodies.take(socket, chunk.length);
      });
      request.on('end', () => resolve(Buffer.concat(chunks.splice(0))));
      request.on('close', () => resolve(refusal(400, 'the body is incomplete')));
    });
    return 'status' in body ? body : await reply(body);
  } finally {
    bodies.release(socket, counted);
  }
}
