/** HTTPS requests with a time limit. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { Socket } from 'node:net';
import { agentTls, type Connection, type Credentials, type TlsMaterial } from './connection.ts';
import { ResponseTooLong } from './errors.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query, already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Limit for the whole exchange, including the connection. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  /** A longer response is not read to its end, and counts as none. Default 64 MiB. */
  readonly mostBytes?: number | undefined;
  /** Checked once a connection is established, which may be long after the request was made; if false, it is not sent. */
  readonly maySend?: (() => boolean) | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Larger than any single object or page that we request. */
const LONGEST_BODY_BYTES = 64 * 1024 * 1024;

/**
 * Plain HTTPS with one keep-alive agent. client-node's own transport opens a new TLS connection for every call (its issue 2893)
 * and has no timeout. Each role has its own agent, so that a slow list cannot starve the lease.
 */
export class HttpClient {
  readonly #connection: Connection;
  readonly #maxSockets: number;
  #agent: Agent | undefined;
  #tls: TlsMaterial | undefined;

  constructor(connection: Connection, maxSockets: number) {
    this.#connection = connection;
    this.#maxSockets = maxSockets;
  }

  /** Sends once; after a 401 reads the credentials again and sends once more. Rejects if there is no complete response in time. */
  async send(wanted: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.#exchange(wanted, await this.#connection.credentials());
    return answer.status === 401 ? await this.#exchange(wanted, await this.#connection.refresh()) : answer;
  }

  /** Closes idle connections; those in use end with their request. */
  close(): void {
    for (const sockets of Object.values(this.#agent?.freeSockets ?? {})) {
      for (const socket of sockets ?? []) {
        socket.destroy();
      }
    }
    this.#agent = undefined;
    this.#tls = undefined;
  }

  #agentFor(tls: TlsMaterial): Agent {
    if (!this.#agent || this.#tls !== tls) {
      this.close();
      this.#tls = tls;
      this.#agent = new Agent({
        ...agentTls(tls),
        keepAlive: true,
        keepAliveMsecs: 15_000,
        maxSockets: this.#maxSockets,
        // With fewer, each burst of writes would close connections and open them again.
        maxFreeSockets: this.#maxSockets,
        timeout: 60_000,
      });
    }
    return this.#agent;
  }

  #exchange(wanted: HttpRequest, credentials: Credentials): Promise<HttpAnswer> {
    const { address, server } = this.#connection;
    return new Promise<HttpAnswer>((resolve, reject) => {
      const outgoing = request({
        ...address,
        path: server.pathname.replace(/\/$/, '') + wanted.path,
        method: wanted.method,
        agent: this.#agentFor(credentials.tls),
        headers: {
          accept: 'application/json',
          ...wanted.headers,
          ...credentials.headers,
          // Without it Node sends a DELETE with a body as if it had none, and the server parses the body as the next request.
          ...(wanted.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(wanted.body)) }),
        },
      });
      // Without the reason: a socket whose response is complete has no listener for an error any more.
      const giveUp = (why: Error): void => {
        reject(why);
        outgoing.destroy();
      };
      const timer = setTimeout(
        () => giveUp(new Error(`no complete response within ${wanted.deadlineMs} ms`)),
        wanted.deadlineMs,
      );
      const abort = (): void => giveUp(new Error('stopped'));
      wanted.signal?.addEventListener('abort', abort, { once: true });
      let sentAt = performance.now();
      outgoing.on('response', (incoming) => {
        this.#connection.clock.observe(incoming.headers.date, sentAt);
        readBody(incoming, wanted.mostBytes ?? LONGEST_BODY_BYTES, resolve, giveUp);
      });
      const send = (): void => {
        sentAt = performance.now();
        if (wanted.maySend?.() ?? true) {
          outgoing.end(wanted.body);
        } else {
          giveUp(new Error('no longer allowed to'));
        }
      };
      outgoing.on('error', reject);
      outgoing.on('close', () => {
        clearTimeout(timer);
        wanted.signal?.removeEventListener('abort', abort);
      });
      if (wanted.signal?.aborted) {
        abort();
      } else {
        outgoing.once('socket', (socket) => whenConnected(socket, send));
      }
    });
  }
}

/** Runs after a new connection is established, or at once on a kept-alive one. */
function whenConnected(socket: Socket, run: () => void): void {
  if (socket.connecting) {
    socket.once('secureConnect', run);
  } else {
    run();
  }
}

function readBody(
  incoming: IncomingMessage,
  mostBytes: number,
  resolve: (answer: HttpAnswer) => void,
  giveUp: (why: Error) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostBytes) {
      giveUp(new ResponseTooLong(`response larger than ${mostBytes} bytes`));
    } else {
      chunks.push(chunk);
    }
  });
  incoming.on('end', () =>
    resolve({
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    }),
  );
  incoming.on('error', giveUp);
  incoming.on('aborted', () => giveUp(new Error('connection lost in the middle of a response')));
}
