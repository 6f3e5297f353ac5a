/** `/metrics`, `/healthz` and `/readyz` on one port. Plain HTTP: there is nothing secret in them and nothing to change through them. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TelemetryEndpoints {
  /** Why the process should be restarted; `undefined` while it is well. */
  readonly live: () => string | undefined;
  /** Why the process cannot do its work yet; `undefined` when it can. */
  readonly ready: () => string | undefined;
  readonly exposition: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

export interface TelemetryServer {
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

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const state = (reason: string | undefined): Answer => ({
  status: reason === undefined ? 200 : 503,
  body: `${reason ?? 'ok'}\n`,
});

async function answer(
  { method, url = '/' }: IncomingMessage,
  endpoints: TelemetryEndpoints,
): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') {
    return {
      status: 405,
      body: `${method} is not allowed: use GET or HEAD\n`,
      headers: { Allow: 'GET, HEAD' },
    };
  }
  switch (url.split('?', 1)[0]) {
    case '/healthz':
      return state(endpoints.live());
    case '/readyz':
      return state(endpoints.ready());
    case '/metrics': {
      const { contentType, body } = await endpoints.exposition();
      return { status: 200, body, headers: { 'Content-Type': contentType } };
    }
    default:
      return { status: 404, body: 'not found: there are /metrics, /healthz and /readyz\n' };
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Answer): void {
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function closeGracefully(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/**
 * Starts to listen; rejects when the address cannot be bound. Slow and idle clients are cut after seconds and there is a limit to
 * connections, so that no client can hold the probes of the kubelet up.
 */
export async function serveTelemetry(
  listen: ListenAddress,
  endpoints: TelemetryEndpoints,
): Promise<TelemetryServer> {
  const server = createServer(
    {
      requestTimeout: 5_000,
      headersTimeout: 5_000,
      keepAliveTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 8_192,
    },
    (request, response) => {
      request.resume();
      answer(request, endpoints)
        .catch(
          (error: unknown): Answer => ({
            status: 500,
            body: `${error instanceof Error ? error.message : error}\n`,
          }),
        )
        .then((result) => {
          // Else a keep-alive connection would hold `close` up after its last answer.
          if (!server.listening) {
            response.shouldKeepAlive = false;
          }
          send(request, response, result);
        });
    },
  );
  server.maxConnections = 64;
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
