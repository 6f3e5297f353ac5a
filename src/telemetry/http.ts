/** A small HTTP server for what a process tells about itself: a few paths, GET only, bounded connections. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { FairConnections } from './fair-connections.ts';

export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Route = (request: IncomingMessage) => Reply | Promise<Reply>;

/** What is at each path. */
export type Routes = Readonly<Record<string, Route>>;

/** Certificate and key, as PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export interface HttpServer {
  /** Where it listens, such as `127.0.0.1:8080`. */
  readonly address: string;
  /** Takes no more connections, lets answers that are under way finish for at most `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** Where to listen; without a host on all addresses. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

/** Reads `:8080`, `127.0.0.1:8080` or `[::1]:8080`; `undefined` when it is none of these. Port 0 takes a free one. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65535) {
    return undefined;
  }
  const host = bracketed ?? plain;
  return host ? { host, port } : { port };
}

const connectionLimit = 64;
const reloadMs = 60_000;

async function replyTo(request: IncomingMessage, routes: Routes): Promise<Reply> {
  const { method, url = '/' } = request;
  if (method !== 'GET' && method !== 'HEAD') {
    return {
      status: 405,
      body: `${method} is not allowed: use GET or HEAD\n`,
      headers: { Allow: 'GET, HEAD' },
    };
  }
  const path = url.split('?', 1)[0] ?? '';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
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

/** Over TLS the key pair is read again every minute: whoever renews certificates writes new files and restarts nobody. */
function createFor(keyPair: (() => KeyPair) | undefined, listener: RequestListener): Server | SecureServer {
  if (!keyPair) {
    return createServer(timing, listener);
  }
  const server = createSecureServer(
    { ...timing, ...keyPair(), handshakeTimeout: 5_000, minVersion: 'TLSv1.2' },
    listener,
  );
  const reload = setInterval(() => {
    try {
      server.setSecureContext({ ...keyPair(), minVersion: 'TLSv1.2' });
    } catch {
      // Half-written files: the old pair stays in use until the next look.
    }
  }, reloadMs).unref();
  server.on('close', () => clearInterval(reload));
  return server;
}

/**
 * Starts to listen; rejects when the address cannot be bound. Slow and idle clients are cut after seconds. There is a limit to connections, and who is
 * above it costs the client with the most of them its longest idle one: a flood takes nothing from anybody else.
 */
export async function serve(
  listen: ListenAddress,
  routes: Routes,
  keyPair?: () => KeyPair,
): Promise<HttpServer> {
  const connections = new FairConnections(connectionLimit);
  const server = createFor(keyPair, (request, response) => {
    connections.busy(request.socket);
    response.on('close', () => connections.idle(request.socket));
    request.resume();
    replyTo(request, routes)
      .catch(
        (error: unknown): Reply => ({
          status: 500,
          body: `${error instanceof Error ? error.message : error}\n`,
        }),
      )
      .then((reply) => {
        // Else a keep-alive connection would hold `close` up after its last answer.
        if (!server.listening) {
          response.shouldKeepAlive = false;
        }
        send(request, response, reply);
      });
  });
  // Over TLS too it is the connection below that counts: one may be held open without ever shaking hands.
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
    close: (graceMs = 2_000) => closeGracefully(server, graceMs),
  };
}
