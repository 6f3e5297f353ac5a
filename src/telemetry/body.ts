/** Reads the body of a POST up to a limit. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from './http.ts';

/** Counts the bytes of all bodies that are being read. */
export interface Bodies {
  take(socket: Socket, bytes: number): void;
  release(socket: Socket): void;
}

const refusal = (status: number, body: string): Reply => ({
  status,
  body: `${body}\n`,
  // The rest of the body must not be parsed as the next request.
  headers: { Connection: 'close' },
});

const tooLong = (maxBytes: number): Reply => refusal(413, `a body may have at most ${maxBytes} bytes`);

/** Returns the body, or the response that rejects it. The latter also for a connection that is lost meanwhile, where nobody receives it. */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  bodies: Bodies,
): Promise<string | Reply> | Reply {
  const { headers, socket } = request;
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    return refusal(415, 'send application/json');
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    return tooLong(maxBytes);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise<string | Reply>((resolve) => {
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        chunks.length = 0;
        resolve(tooLong(maxBytes));
        return;
      }
      chunks.push(chunk);
      bodies.take(socket, chunk.length);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('close', () => resolve(refusal(400, 'the body is incomplete')));
  }).finally(() => bodies.release(socket));
}
