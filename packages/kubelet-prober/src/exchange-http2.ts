/** One GET over HTTP/2. */
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Socket } from 'node:net';
import { errorText } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { type Answer, HEAD_LIMIT_BYTES, type NoAnswer } from './exchange.ts';
import { openStream } from './http2-stream.ts';
import { type ProbeUrl, requestTarget } from './url.ts';

/** Headers about the connection do not exist in HTTP/2; `Host` is sent as `:authority`. */
const NOT_SENT = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
]);

/** Sends one GET on an open TLS connection that negotiated HTTP/2, and then closes it. Throws if the head cannot be written. */
export function exchangeHttp2(
  socket: Socket,
  url: ProbeUrl,
  lines: [string, string][],
  deadline: Deadline,
): Promise<Answer | NoAnswer> {
  return new Promise((resolve, reject) => {
    const session = openSession(socket);
    const close = (): void => {
      forget();
      session.destroy();
      socket.destroy();
    };
    const fail = (why: string): void => {
      close();
      resolve({ kind: 'failed', reached: true, why });
    };
    const forget = deadline.onEnd(() =>
      fail(deadline.aborted ? 'aborted' : 'timed out while awaiting headers'),
    );
    const onClose = (): void => fail('closed without a response');
    session.on('error', (error) => fail(errorText(error)));
    session.on('close', onClose);
    try {
      const stream = openStream(session, pseudoHeaders(url, lines), { endStream: true });
      stream.on('error', (error) => fail(errorText(error)));
      stream.on('close', onClose);
      stream.on('response', (head) => {
        forget();
        session.off('close', onClose);
        stream.off('close', onClose);
        resolve({
          kind: 'answered',
          status: head[':status'] ?? 0,
          location: head.location ?? '',
          body: stream,
          close,
        });
      });
    } catch (error) {
      close();
      reject(error);
    }
  });
}

/** Creates a client session on a connected socket; it accepts no pushed streams. */
export function openSession(socket: Socket): ClientHttp2Session {
  return connect('http://probe', {
    createConnection: () => socket,
    settings: { enablePush: false, maxHeaderListSize: HEAD_LIMIT_BYTES },
  });
}

function pseudoHeaders(url: ProbeUrl, lines: [string, string][]): Record<string, string | string[]> {
  const headers = new Map<string, string | string[]>([
    [':method', 'GET'],
    [':scheme', url.scheme],
    [':authority', lines[0]?.[1] ?? url.host],
    [':path', requestTarget(url)],
  ]);
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    if (!NOT_SENT.has(key)) {
      const known = headers.get(key);
      headers.set(key, known === undefined ? value : [known, value].flat());
    }
  }
  return Object.fromEntries(headers);
}
