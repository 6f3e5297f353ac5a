/** Streaming requests over HTTP/2 or HTTP/1.1. */
import { type EventEmitter, once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { request } from 'node:https';
import type { Readable } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { openStream } from '../../../packages/kubelet-prober/src/http2-stream.ts';
import type { Connection, Headers } from './connection.ts';
import { text } from './json.ts';

/** A response with a streaming body. */
export interface OpenStream {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: Readable;
  /** Whether this layer detects a dead connection (HTTP/2 pings); otherwise the reader has to. */
  readonly pinged: boolean;
  /** Ends the stream at once. */
  readonly cancel: () => void;
}

export interface StreamTiming {
  /** Limit for connecting, and again for the response headers. */
  readonly openMs: number;
  /** Interval between pings; a ping without a response within the same time ends the connection. */
  readonly pingMs: number;
}

const DEFAULT_TIMING: StreamTiming = { openMs: 30_000, pingMs: 15_000 };
/**
 * How much the server may send of one watch, and of all, before we have read it: the values of Go's client. With less, a process that is briefly
 * busy blocks the server's writes at once, and the server ends a watch that it cannot write to.
 */
const STREAM_WINDOW_BYTES = 4 * 1024 * 1024;
const SESSION_WINDOW_BYTES = 64 * 1024 * 1024;
/** Servers allow 100 and more; beyond their limit Node queues a stream silently. */
const STREAMS_PER_SESSION = 50;

/**
 * Streams long GETs over one shared HTTP/2 connection, because of its pings: they show end to end, through any proxy and without a request, that a
 * silent watch is not dead; a half-open connection is detected within 30 s. A server that only speaks HTTP/1.1 gets a connection for each stream.
 */
export class StreamClient {
  readonly #connection: Connection;
  readonly #timing: StreamTiming;
  #sessions: ClientHttp2Session[] = [];
  /** The socket of each session, because a destroyed session may not close it. */
  readonly #sockets = new WeakMap<ClientHttp2Session, TLSSocket>();
  readonly #streams = new WeakMap<ClientHttp2Session, number>();
  #connecting: Promise<ClientHttp2Session | undefined> | undefined;

  constructor(connection: Connection, timing: StreamTiming = DEFAULT_TIMING) {
    this.#connection = connection;
    this.#timing = timing;
  }

  /** Opens a GET; `pathFor` receives whether the connection is pinged. Rejects when there are no headers in time, and at once when stopped. */
  async open(pathFor: (pinged: boolean) => string, signal: AbortSignal): Promise<OpenStream> {
    const opening = this.#open(pathFor);
    let stop = (): void => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = () => {
        opening.then(({ cancel }) => cancel()).catch(() => {});
        reject(new Error('stopped'));
      };
    });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) {
      stop();
    }
    try {
      return await Promise.race([opening, stopped]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #open(pathFor: (pinged: boolean) => string): Promise<OpenStream> {
    const session = await this.#session();
    const { headers } = await this.#connection.credentials();
    const path = this.#connection.server.pathname.replace(/\/$/, '') + pathFor(session !== undefined);
    return session ? await this.#openHttp2(session, path, headers) : await this.#openHttp1(path, headers);
  }

  /** Reads the credentials again, after a response 401. */
  async renew(): Promise<void> {
    await this.#connection.refresh();
  }

  /** Ends every stream. */
  close(): void {
    for (const session of this.#sessions) {
      this.#end(session);
    }
    this.#sessions = [];
  }

  /** A destroyed session ends its socket and waits for the other side to do the same, which would be forever if that side is gone. */
  #end(session: ClientHttp2Session): void {
    session.destroy();
    this.#sockets.get(session)?.destroy();
  }

  async #session(): Promise<ClientHttp2Session | undefined> {
    const free = this.#sessions.find(
      (session) =>
        !session.closed && !session.destroyed && (this.#streams.get(session) ?? 0) < STREAMS_PER_SESSION,
    );
    if (free) {
      return free;
    }
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return await this.#connecting;
  }

  /** Undefined when the server does not speak HTTP/2. */
  async #connect(): Promise<ClientHttp2Session | undefined> {
    const { tls } = await this.#connection.credentials();
    const { address, server } = this.#connection;
    const socket = connectTls({ ...tls, ...address, ALPNProtocols: ['h2', 'http/1.1'] });
    await inTime(once(socket, 'secureConnect'), this.#timing.openMs, 'connecting', () => socket.destroy());
    socket.on('error', () => {});
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      return undefined;
    }
    const session = connectHttp2(server.origin, {
      createConnection: () => socket as TLSSocket,
      settings: { initialWindowSize: STREAM_WINDOW_BYTES },
    });
    session.once('connect', () => session.setLocalWindowSize(SESSION_WINDOW_BYTES));
    this.#sockets.set(session, socket as TLSSocket);
    this.#addSession(session);
    return session;
  }

  /** Pings the session until it ends. */
  #addSession(session: ClientHttp2Session): void {
    const pinging = setInterval(() => ping(session, this.#timing.pingMs), this.#timing.pingMs);
    const remove = (): void => {
      clearInterval(pinging);
      this.#sessions = this.#sessions.filter((other) => other !== session);
      this.#end(session);
    };
    session.on('error', remove);
    session.on('close', remove);
    this.#sessions.push(session);
  }

  async #openHttp2(session: ClientHttp2Session, path: string, headers: Headers): Promise<OpenStream> {
    const stream = openStream(session, {
      ':path': path,
      accept: 'application/json',
      ...headers,
    });
    this.#count(session, 1);
    stream.on('close', () => this.#count(session, -1));
    const cancel = (): void => stream.close(constants.NGHTTP2_CANCEL);
    stream.on('error', () => {});
    const sentAt = performance.now();
    const received = await inTime(firstResponse(stream), this.#timing.openMs, 'waiting for headers', () =>
      stream.destroy(),
    );
    const { ':status': status, 'retry-after': retryAfter, date } = received as Record<string, unknown>;
    this.#connection.clock.observe(text(date), sentAt);
    return {
      status: Number(status),
      retryAfter: text(retryAfter) || undefined,
      body: stream,
      pinged: true,
      cancel,
    };
  }

  #count(session: ClientHttp2Session, by: number): void {
    this.#streams.set(session, (this.#streams.get(session) ?? 0) + by);
  }

  async #openHttp1(path: string, headers: Headers): Promise<OpenStream> {
    const { tls } = await this.#connection.credentials();
    const outgoing = request({
      ...tls,
      ...this.#connection.address,
      path,
      agent: false,
      headers: { accept: 'application/json', ...headers },
    });
    outgoing.end();
    const sentAt = performance.now();
    const cancel = (): void => void outgoing.destroy();
    outgoing.on('error', () => {});
    const incoming = (await inTime(
      firstResponse(outgoing),
      this.#timing.openMs,
      'waiting for headers',
      cancel,
    )) as IncomingMessage;
    this.#connection.clock.observe(incoming.headers.date, sentAt);
    return {
      status: incoming.statusCode ?? 0,
      retryAfter: incoming.headers['retry-after'],
      body: incoming,
      pinged: false,
      cancel,
    };
  }
}

/** Waits for the first `response`; rejects on an error, or if the connection closes before. */
function firstResponse(emitter: EventEmitter): Promise<unknown> {
  return new Promise((resolve, reject) => {
    emitter.once('response', resolve);
    emitter.once('error', reject);
    emitter.once('close', () => reject(new Error('connection closed before a response')));
  });
}

function ping(session: ClientHttp2Session, limitMs: number): void {
  const timeout = setTimeout(
    () => session.destroy(new Error(`connection dead: no answer to a ping for ${limitMs} ms`)),
    limitMs,
  );
  const sent = !session.destroyed && session.ping(() => clearTimeout(timeout));
  if (!sent) {
    clearTimeout(timeout);
  }
}

async function inTime<T>(
  promise: Promise<T>,
  limitMs: number,
  doing: string,
  giveUp: () => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${doing}: nothing for ${limitMs} ms`));
      giveUp();
    }, limitMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
