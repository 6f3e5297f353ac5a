/** TCP and TLS connections to a pod, with a limit on what the peer may send. */
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Deadline } from './deadline.ts';

/** `reached` is false if no TCP connection was established. */
export type Connection<S extends Socket = Socket> =
  | { readonly ok: true; readonly socket: S }
  | { readonly ok: false; readonly reached: boolean; readonly why: string };

/** Limit of what a peer may send on one connection: a head, 10 KiB of body, the frames and records around them, and a margin. */
const RECEIVE_LIMIT_BYTES = 512 * 1024;
const RECEIVE_CHECK_MS = 20;

/**
 * Opens a TCP connection straight to the address, never through a proxy. A failure leaves nothing open. The socket keeps an error listener, so that a
 * late reset does no harm; the caller destroys the socket.
 */
export function connectTcp(host: string, port: number, deadline: Deadline): Promise<Connection> {
  let socket: Socket;
  try {
    socket = connect({ host, port });
  } catch (error) {
    return Promise.resolve({ ok: false, reached: false, why: String((error as Error).message) });
  }
  limitReceived(socket);
  return settled(socket, 'connect', false, `connect to ${host}:${port}`, deadline);
}

/**
 * Ends a connection on which the peer sends too much, in any protocol: endless early hints, chunk extensions, empty frames and pings would keep the
 * process busy until the deadline. A timer checks it, because HTTP/2 and TLS read the socket without an event in JavaScript.
 */
function limitReceived(socket: Socket): void {
  const timer = setInterval(() => {
    if (socket.bytesRead > RECEIVE_LIMIT_BYTES) {
      socket.destroy(new Error(`sent more than ${RECEIVE_LIMIT_BYTES} bytes`));
    }
  }, RECEIVE_CHECK_MS);
  socket.once('close', () => clearInterval(timer));
}

/** Starts TLS on a connected socket. Like kubelet, it verifies no certificate; offers `protocols` by ALPN. */
export function secure(
  socket: Socket,
  host: string,
  protocols: string[],
  deadline: Deadline,
): Promise<Connection<TLSSocket>> {
  const secured = connectTls({
    socket,
    rejectUnauthorized: false,
    ALPNProtocols: protocols,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
  return settled(secured, 'secureConnect', true, 'TLS handshake', deadline);
}

function settled<S extends Socket>(
  socket: S,
  event: string,
  reached: boolean,
  what: string,
  deadline: Deadline,
): Promise<Connection<S>> {
  return new Promise((resolve) => {
    const fail = (why: string): void => {
      forget();
      socket.destroy();
      resolve({ ok: false, reached, why });
    };
    const onClose = (): void => fail(`${what}: closed by the other side`);
    const forget = deadline.onEnd(() => fail(`${what}: ${deadline.aborted ? 'aborted' : 'timed out'}`));
    socket.on('error', (error) => fail(`${what}: ${errorText(error)}`));
    socket.once('close', onClose);
    socket.once(event, () => {
      forget();
      socket.removeListener('close', onClose);
      resolve({ ok: true, socket });
    });
  });
}

/** What the system's codes mean, in the words of kubelet, whose messages have no codes either. */
const WORDS: ReadonlyMap<unknown, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['ECONNRESET', 'connection reset by peer'],
  ['EHOSTUNREACH', 'no route to host'],
  ['ENETUNREACH', 'network is unreachable'],
  ['ETIMEDOUT', 'connection timed out'],
]);

/** OpenSSL's errors have a thread's number, its own codes and a place in its sources around what happened, such as `wrong version number`. */
const OPENSSL = /^[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+):/;

const plainMessage = ({ code, message }: NodeJS.ErrnoException): string =>
  WORDS.get(code) ?? OPENSSL.exec(message)?.[1] ?? message;

/** Returns the message of an error; for an AggregateError (several addresses were tried) those of its parts. */
export function errorText(error: Error): string {
  const parts = error instanceof AggregateError ? error.errors.map(plainMessage) : [plainMessage(error)];
  return parts.join('; ') || (error as NodeJS.ErrnoException).code || error.name;
}
