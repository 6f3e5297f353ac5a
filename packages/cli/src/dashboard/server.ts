/** The dashboard's HTTP server: on loopback only, every request is admitted first, and everything from a client is limited. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Fault } from '../fault.ts';
import { admit, type Subject } from './admission.ts';

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** The files by name; the page itself has an empty name. */
export type Page = Readonly<Record<string, PageFile>>;

/** The result of an action, as JSON. */
export interface Reply {
  readonly status: number;
  readonly body: object;
}

export interface Site {
  readonly page: Page;
  readonly now: () => number;
  /** Sends the current state and each change, until the returned function is called. */
  readonly subscribe: (subject: Subject | undefined, send: (message: object) => void) => () => void;
  readonly act: (request: unknown) => Promise<Reply>;
}

export interface Limits {
  readonly connections: number;
  readonly streams: number;
  /** How far a stream may lag before it is closed; the page then reconnects, and gets the current state. */
  readonly behindBytes: number;
  readonly bodyBytes: number;
  /** Limit for receiving a whole request. */
  readonly requestMs: number;
  readonly beatMs: number;
}

export const LIMITS: Limits = {
  connections: 64,
  streams: 16,
  behindBytes: 8 * 1024 * 1024,
  bodyBytes: 4096,
  requestMs: 10_000,
  beatMs: 5000,
};

const HEADER_BYTES = 8192;

/** Allows nothing from other origins, nothing inline, and no conversion of text to markup. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Cache-Control': 'no-store',
};

export interface Listening {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the site on 127.0.0.1; port 0 means a free port. */
export async function listen(site: Site, port: number, limits: Limits = LIMITS): Promise<Listening> {
  // In the path and not in a cookie: browsers send the cookies of 127.0.0.1 to every port, whatever listens there.
  const token = randomBytes(32).toString('base64url');
  const streams = new Set<ServerResponse>();
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES,
      headersTimeout: limits.requestMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.requestMs,
      connectionsCheckingInterval: Math.min(1000, limits.requestMs),
    },
    (request, response) => {
      answer({ site, token, streams, limits }, request, response).catch(() => fail(response));
    },
  );
  server.maxConnections = limits.connections;
  server.on('clientError', (_, socket) => socket.destroy());
  server.listen(port, '127.0.0.1');
  await listening(server, port);
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${taken}/${token}/`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listening(server: Server, port: number): Promise<void> {
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Fault(
      code === 'EADDRINUSE'
        ? `port ${port} is in use: use another --port, or omit it`
        : `cannot listen on port ${port}: ${message}`,
    );
  }
}

interface Serving {
  readonly site: Site;
  readonly token: string;
  readonly streams: Set<ServerResponse>;
  readonly limits: Limits;
}

async function answer(serving: Serving, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { site, token } = serving;
  const { method = '', url = '', headers } = request;
  const admission = admit({ method, target: url, headers }, token, Object.keys(site.page));
  switch (admission.kind) {
    case 'refused':
      return refuse(response, admission.status, admission.why);
    case 'file':
      return sendFile(response, site.page[admission.name], method);
    case 'events':
      return stream(serving, admission.subject, response);
    case 'act':
      return await act(serving, request, response);
  }
}

/** A bug in this tool ends one request, not all pages. */
function fail(response: ServerResponse): void {
  if (response.headersSent) {
    response.destroy();
  } else {
    refuse(response, 500, 'this is a bug in kubectl postcheck; please report it');
  }
}

function refuse(response: ServerResponse, status: number, why: string): void {
  // The rest of the request is not read.
  response.writeHead(status, {
    ...HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    Connection: 'close',
  });
  response.end(`${why}\n`);
}

function sendFile(response: ServerResponse, file: PageFile | undefined, method: string): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': `${file?.type}; charset=utf-8` });
  response.end(method === 'HEAD' ? undefined : file?.text);
}

function stream(
  { site, streams, limits }: Serving,
  subject: Subject | undefined,
  response: ServerResponse,
): void {
  if (streams.size >= limits.streams) {
    refuse(response, 503, 'too many pages are open');
    return;
  }
  streams.add(response);
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
  const send = (message: object): void => {
    if (response.writableLength > limits.behindBytes) {
      response.destroy();
      return;
    }
    response.write(`data: ${JSON.stringify(message)}\n\n`);
  };
  const sendBeat = (): void => send({ type: 'beat', now: site.now() });
  sendBeat();
  const stop = site.subscribe(subject, send);
  const beat = setInterval(sendBeat, limits.beatMs);
  response.on('close', () => {
    clearInterval(beat);
    stop();
    streams.delete(response);
  });
}

async function act(
  { site, limits }: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await bodyOf(request, limits.bodyBytes);
  if (body === undefined) {
    refuse(response, 413, 'the request is too large');
    return;
  }
  const reply = await site.act(parsed(body));
  response.writeHead(reply.status, { ...HEADERS, 'Content-Type': 'application/json' });
  response.end(JSON.stringify(reply.body));
}

async function bodyOf(request: IncomingMessage, limit: number): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of request) {
      length += (part as Buffer).length;
      if (length > limit) {
        return undefined;
      }
      parts.push(part as Buffer);
    }
  } catch {
    // The client disconnected, or was too slow.
    return '';
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
