/** One GET, over the protocol that the server negotiates. */
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { connectTcp, secure } from './connection.ts';
import type { Deadline } from './deadline.ts';
import { exchangeHttp1 } from './exchange-http1.ts';
import { exchangeHttp2 } from './exchange-http2.ts';
import { hostnameOf, type ProbeUrl, portOf } from './url.ts';

/** Larger heads are a failure. Kubelet allows 10 MiB; an operator that checks many pods concurrently should not. */
export const HEAD_LIMIT_BYTES = 64 * 1024;

/** The head of a response whose body is not read yet. The caller has to call `close`, which also ends the connection. */
export interface Answer {
  readonly kind: 'answered';
  readonly status: number;
  /** Value of the Location header; empty if there is none. */
  readonly location: string;
  readonly body: Readable;
  close(): void;
}

/** No response. `reached`: the TCP connection was established. */
export interface NoAnswer {
  readonly kind: 'failed';
  readonly reached: boolean;
  readonly why: string;
}

/**
 * Sends one GET on a new connection. Over TLS, it offers HTTP/2 like kubelet's client, for servers that support nothing else. `lines` are the names
 * and values of the head, Host first. Never rejects; without a response nothing stays open.
 */
export async function exchange(
  url: ProbeUrl,
  lines: [string, string][],
  deadline: Deadline,
): Promise<Answer | NoAnswer> {
  if (url.host === '' || (url.scheme !== 'http' && url.scheme !== 'https')) {
    return {
      kind: 'failed',
      reached: false,
      why: url.host === '' ? 'no host in the URL' : `unsupported protocol scheme ${url.scheme}`,
    };
  }
  const tcp = await connectTcp(hostnameOf(url), portOf(url), deadline);
  if (!tcp.ok) {
    return { kind: 'failed', reached: tcp.reached, why: tcp.why };
  }
  if (url.scheme === 'http') {
    return speak(tcp.socket, () => exchangeHttp1(tcp.socket, url, lines, deadline));
  }
  const tls = await secure(tcp.socket, hostnameOf(url), ['h2', 'http/1.1'], deadline);
  if (!tls.ok) {
    tcp.socket.destroy();
    return { kind: 'failed', reached: tls.reached, why: tls.why };
  }
  const { socket } = tls;
  return speak(socket, () =>
    isHttp2(socket)
      ? exchangeHttp2(socket, url, lines, deadline)
      : exchangeHttp1(socket, url, lines, deadline),
  );
}

function isHttp2(socket: TLSSocket): boolean {
  return socket.alpnProtocol === 'h2';
}

/** node:http and node:http2 throw at once if they reject a head. */
async function speak(socket: Socket, run: () => Promise<Answer | NoAnswer>): Promise<Answer | NoAnswer> {
  try {
    return await run();
  } catch (error) {
    socket.destroy();
    return { kind: 'failed', reached: true, why: (error as Error).message };
  }
}
