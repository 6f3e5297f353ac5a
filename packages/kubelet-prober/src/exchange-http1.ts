/** One GET over HTTP/1.1. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { errorText } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { type Answer, HEAD_LIMIT_BYTES, type NoAnswer } from './exchange.ts';
import { type ProbeUrl, requestTarget } from './url.ts';

/** Sends one GET on an open connection, and then closes it. Throws if the head cannot be written. */
export function exchangeHttp1(
  socket: Socket,
  url: ProbeUrl,
  lines: [string, string][],
  deadline: Deadline,
): Promise<Answer | NoAnswer> {
  const request = httpRequest({
    createConnection: () => socket,
    method: 'GET',
    path: requestTarget(url),
    headers: (endsConnection(lines) ? lines : [...lines, ['Connection', 'close']]).flat(),
    maxHeaderSize: HEAD_LIMIT_BYTES,
    // Go's client accepts what small servers and shell scripts write, such as bare line feeds. No second request follows on
    // this connection, so that leniency opens nothing.
    insecureHTTPParser: true,
  });
  return new Promise((resolve) => {
    const close = (): void => {
      forget();
      request.destroy();
      socket.destroy();
    };
    const fail = (why: string): void => {
      close();
      resolve({ kind: 'failed', reached: true, why });
    };
    const onClose = (): void => fail('closed without a response');
    const answer = (head: IncomingMessage): void => {
      forget();
      request.off('close', onClose);
      resolve({
        kind: 'answered',
        status: head.statusCode ?? 0,
        location: head.headers.location ?? '',
        body: head,
        close,
      });
    };
    const forget = deadline.onEnd(() =>
      fail(deadline.aborted ? 'aborted' : 'timed out while awaiting headers'),
    );
    request.on('error', (error) => fail(errorText(error)));
    request.on('close', onClose);
    request.on('response', answer);
    // 101 Switching Protocols is a response like any other here.
    request.on('upgrade', answer);
    request.end();
  });
}

/** Whether the user's Connection header contains close or upgrade. */
function endsConnection(lines: [string, string][]): boolean {
  return lines.some(
    ([name, value]) => name === 'Connection' && /(^|,)[ \t]*(close|upgrade)[ \t]*(,|$)/i.test(value),
  );
}
