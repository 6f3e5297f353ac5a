/** A small HTTP server: a few paths, each for GET or for POST, with limits on connections, bodies and time. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Bodies, replyToBody } from './body.ts';
import { FairBytes } from './fair-bytes.ts';
import { FairConnections } from './fair-connections.ts';

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Route = (request: IncomingMessage) => Reply | Promise<Reply>;

/** Who sent a body. */
export interface Sender {
  /** Its address. */
  readonly client: string;
  /** Aborted when nobody waits for the response any more. */
  readonly gone: AbortSignal;
}

/** Responds to a POST of JSON. A longer body is rejected before it is read completely. */
export interface PostRoute {
  readonly maxBytes: number;
  readonly post: (body: Buffer, sender: Sender) => Reply | Promise<Reply>;
}

/** The routes by path: a function for GET and HEAD, an object for POST. */
export type Routes = Readonly<Record<string, Route | PostRoute>>;

/** Options for a server with many requests. */
export interface Limits {
  readonly connections?: number;
  /** Has to be longer than clients keep idle connections: otherwise they send on one that is just being closed. */
  readonly keepAliveMs?: number;
}

/** Certificate and key, as PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface HttpServer {
  /** The address that it listens on, such as `127.0.0.1:8080`. */
  readonly address: string;
  /** Reads certificate and key again, without waiting for the next minute. */
  reload(): void;
  /** Continues to serve, but closes connections, so that clients reconnect to another replica. */
  leave(): void;
  /** Accepts no more connections, waits at most `graceMs` for running responses, then closes all connections. */
  close(graceMs?: number): Promise<void>;
}

/** An address to listen on; without a host, all addresses. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

/** Parses `:8080`, `127.0.0.1:8080` or `[::1]:8080`; returns `undefined` for anything else. Port 0 means a free port. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) {
    return undefined;
  }
  const host = bracketed ?? plain;
  return host ? { host, port } : { port };
}

const CONNECTION_LIMIT = 64;
const RELOAD_MS = 60_000;
/** Limit for all bodies that are read or not answered yet. */
const BODY_BYTES = 32 * 1024 * 1024;

interface Handling {
  readonly routes: Routes;
  readonly bodies: Bodies;
  readonly gone: AbortSignal;
}

async function replyTo(request: IncomingMessage, { routes, bodies, gone }: Handling): Promise<Reply> {
  const { method = '', url = '/' } = request;
  const path = url.split('?', 1)[0] ?? '';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  const allowed = typeof route === 'object' ? ['POST'] : ['GET', 'HEAD'];
  if (!allowed.includes(method)) {
    return {
      status: 405,
      body: `${method} is not allowed: use ${allowed.join(' or ')}\n`,
      headers: { Allow: allowed.join(', ') },
    };
  }
  if (typeof route === 'object') {
    const sender = { client: request.socket.remoteAddress ?? '', gone };
    return await replyToBody(request, route.maxBytes, bodies, (body) => route.post(body, sender));
  }
  return route === undefined
    ? { status: 404, body: `not found: there is ${Object.keys(routes).join(', ')}\n` }
    : await route(request);
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Reply): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function closeGracefully(server: Server | SecureServer, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

const timing = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
};

interface Listening {
  readonly server: Server | SecureServer;
  readonly reload: () => void;
}

/** With TLS the key pair is reloaded every minute, because certificates are renewed by replacing the files, without a restart. */
function createFor(
  keyPair: (() => KeyPair) | undefined,
  { keepAliveMs = timing.keepAliveTimeout }: Limits,
  listener: RequestListener,
): Listening {
  const times = { ...timing, keepAliveTimeout: keepAliveMs };
  if (!keyPair) {
    return { server: createServer(times, listener), reload: () => {} };
  }
  const server = createSecureServer(
    { ...times, ...keyPair(), handshakeTimeout: 5_000, minVersion: 'TLSv1.2' },
    listener,
  );
  const reload = () => {
    try {
      server.setSecureContext({ ...keyPair(), minVersion: 'TLSv1.2' });
    } catch {
      // Half-written files: the old pair stays in use until the next reload.
    }
  };
  const reloading = setInterval(reload, RELOAD_MS).unref();
  server.on('close', () => clearInterval(reloading));
  return { server, reload };
}

/**
 * Starts to listen; rejects if the address cannot be bound. Slow and idle clients are disconnected after seconds. Above the limit of connections, the
 * client with the most connections loses the one that has been idle for longest, so a flood affects no other client.
 */
export async function serve(
  listen: ListenAddress,
  routes: Routes,
  keyPair?: () => KeyPair,
  limits: Limits = {},
): Promise<HttpServer> {
  const connections = new FairConnections(limits.connections ?? CONNECTION_LIMIT);
  const bodies = new FairBytes(BODY_BYTES);
  let leaving = false;
  const { server, reload } = createFor(keyPair, limits, (request, response) => {
    connections.busy(request.socket);
    const gone = new AbortController();
    response.on('close', () => {
      connections.idle(request.socket);
      gone.abort();
    });
    const replied = replyTo(request, { routes, bodies, gone: gone.signal });
    // An unread body would block the connection.
    request.resume();
    replied
      .catch(
        (error: unknown): Reply => ({
          status: 500,
          body: `${error instanceof Error ? error.message : error}\n`,
        }),
      )
      .then((reply) => {
        // Otherwise a keep-alive connection would delay `close` after its last response.
        if (leaving || !server.listening) {
          response.shouldKeepAlive = false;
        }
        send(request, response, reply);
      });
  });
  // Also with TLS, the TCP connection is counted: it may be held open without a handshake.
  server.on('connection', (socket: Socket) => connections.add(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { address, family, port } = server.address() as AddressInfo;
  return {
    address: family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`,
    reload,
    leave: () => {
      leaving = true;
    },
    close: (graceMs = 2_000) => closeGracefully(server, graceMs),
  };
}
