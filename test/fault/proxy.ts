/**
 * A TLS proxy on loopback before a real API server: HTTP/1.1, HTTP/2 and WebSockets come in, and every request passes one function that may
 * do anything with it: hold it, lose it, send it twice, answer in its place before or after it was done, break its answer, end the process.
 */
import { EventEmitter, once } from 'node:events';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { readRequest, type SentRequest } from './sent-request.ts';

export interface Upstream {
  readonly url: URL;
  readonly ca: string;
  /** A client certificate: requests are then made in its name, whoever asks. Without one the caller's token is passed on. */
  readonly cert?: string;
  readonly key?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One request under way. What a fault does not answer stays unanswered. */
export interface Exchange {
  readonly sent: SentRequest;
  /** Has the request done, and returns the whole answer. */
  forward(): Promise<Answer>;
  /** Has the request done, and returns the answer as it begins. */
  open(): Promise<IncomingMessage>;
  reply(answer: Answer): void;
  /** Begins an answer whose body is written piece by piece. */
  begin(
    status: number,
    headers?: Readonly<Record<string, string>>,
  ): { write(piece: string | Buffer): void; end(): void };
  /** Ends the request without (the rest of) an answer, as a lost connection does. */
  cut(): void;
  /** Rejects nothing; resolves when the caller has gone, or has the whole answer. */
  readonly ended: Promise<unknown>;
}

export type Fault = (exchange: Exchange) => unknown;

export interface ProxyOptions {
  readonly upstream: Upstream;
  readonly key: Buffer;
  readonly cert: Buffer;
  /** Chooses what happens to a request; nothing: it is passed on. */
  readonly choose: (sent: SentRequest) => Fault | undefined;
  /** Answers execs, as there is no kubelet. */
  readonly exec: (sent: SentRequest, socket: Socket, key: string) => void;
}

/** Passes the request on, and the answer as it comes. */
export async function pass({ open, begin, ended, cut }: Exchange): Promise<void> {
  const incoming = await open();
  void ended.then(() => incoming.destroy());
  const out = begin(incoming.statusCode ?? 502, plainHeaders(incoming.headers));
  incoming.on('data', (piece: Buffer) => out.write(piece));
  incoming.on('end', () => out.end());
  incoming.on('error', cut);
}

/** Headers that mean something beyond one connection. */
const PASSED_ON = ['content-type', 'retry-after', 'audit-id', 'warning'];
const plainHeaders = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    PASSED_ON.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );

export class FaultProxy extends EventEmitter<{ sent: [SentRequest] }> {
  readonly #options: ProxyOptions;
  readonly #server: Http2SecureServer;
  readonly #agent: Agent;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Every request, in the order in which they came. */
  readonly sent: SentRequest[] = [];
  #dead = false;

  constructor(options: ProxyOptions) {
    super();
    this.#options = options;
    const { ca, cert, key } = options.upstream;
    this.#agent = new Agent({ ca, keepAlive: true, ...(cert && key ? { cert, key } : {}) });
    this.#server = createSecureServer({ key: options.key, cert: options.cert, allowHTTP1: true });
    this.#server.on('secureConnection', (socket: Socket) => this.#track(socket));
    this.#server.on('request', (incoming, outgoing) => void this.#request(incoming, outgoing));
    this.#server.on('upgrade', (incoming: IncomingMessage, socket: Socket) =>
      this.#upgrade(incoming, socket),
    );
    this.#server.on('sessionError', () => {});
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
    });
  }

  /** Listens on a free port of loopback, and returns it. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Presents another certificate to those that connect from now on. */
  present(certificate: { key: Buffer; cert: Buffer }): void {
    this.#server.setSecureContext(certificate);
  }

  /** Ends every connection, as a network does that goes away. */
  cutAll(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  /** Asks every HTTP/2 connection to come again, as an API server does that is about to stop. */
  goAway(): void {
    for (const session of this.#sessions) {
      session.goaway();
      session.close();
    }
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Whoever speaks through this proxy is dead from now on: nothing more of it arrives, and it is told nothing. */
  kill(): void {
    this.#dead = true;
    this.cutAll();
    this.#server.close();
  }

  close(): void {
    this.kill();
    this.#agent.destroy();
  }

  #track(socket: Socket): void {
    if (this.#dead) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #note(
    incoming: { method?: string | undefined; url?: string | undefined; headers: IncomingHttpHeaders },
    body: string,
  ): SentRequest {
    const sent = readRequest(this.sent.length + 1, incoming, body);
    this.sent.push(sent);
    this.emit('sent', sent);
    return sent;
  }

  async #request(incoming: Http2ServerRequest, outgoing: Http2ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    outgoing.on('error', () => {});
    incoming.on('error', () => {});
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer);
    }
    if (this.#dead) {
      return;
    }
    const sent = this.#note(incoming, Buffer.concat(chunks).toString('utf8'));
    const exchange = this.#exchange(sent, incoming, outgoing);
    try {
      await (this.#options.choose(sent) ?? pass)(exchange);
    } catch {
      exchange.cut();
    }
  }

  #exchange(sent: SentRequest, incoming: Http2ServerRequest, outgoing: Http2ServerResponse): Exchange {
    const begin: Exchange['begin'] = (status, headers = { 'content-type': 'application/json' }) => {
      outgoing.writeHead(status, headers);
      (outgoing as unknown as Partial<ServerResponse>).flushHeaders?.();

      return {
        write: (piece) => void (outgoing.writable && outgoing.write(piece)),
        end: () => void outgoing.end(),
      };
    };
    return {
      sent,
      open: () => this.#open(sent),
      forward: () => this.#forward(sent),
      begin,
      reply: ({ status, headers, body }) => {
        const out = begin(status, headers);
        out.write(body);
        out.end();
      },
      cut: () => void (outgoing.stream ? outgoing.stream.close(2) : incoming.socket.destroy()),
      ended: once(outgoing, 'close').catch(() => {}),
    };
  }

  #open(sent: SentRequest): Promise<IncomingMessage> {
    const { url } = this.#options.upstream;
    return new Promise((answered, failed) => {
      const outgoing = request(
        new URL(sent.path, url),
        { method: sent.method, agent: this.#agent, headers: sent.headers },
        answered,
      );
      outgoing.on('error', failed);
      outgoing.end(sent.body);
    });
  }

  async #forward(sent: SentRequest): Promise<Answer> {
    const incoming = await this.#open(sent);
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer);
    }
    return {
      status: incoming.statusCode ?? 502,
      headers: plainHeaders(incoming.headers),
      body: Buffer.concat(chunks).toString('utf8'),
    };
  }

  #upgrade(incoming: IncomingMessage, socket: Socket): void {
    socket.on('error', () => {});
    const sent = this.#note(incoming, '');
    const fault = this.#options.choose(sent);
    const answer = () => this.#options.exec(sent, socket, incoming.headers['sec-websocket-key'] ?? '');
    if (!fault) {
      answer();
      return;
    }
    void fault({
      sent,
      open: () => Promise.reject(new Error('an exec is not passed on')),
      forward: async () => {
        answer();
        return { status: 101, body: '' };
      },
      begin: (status) => {
        socket.write(`HTTP/1.1 ${status} x\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n`);
        return { write: (piece) => void socket.write(piece), end: () => void socket.end() };
      },
      reply: ({ status, headers = {}, body }) => {
        const lines = Object.entries({
          'content-length': String(Buffer.byteLength(body)),
          connection: 'close',
          ...headers,
        });
        socket.end(
          `HTTP/1.1 ${status} x\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
        );
      },
      cut: () => void socket.destroy(),
      ended: once(socket, 'close').catch(() => {}),
    });
  }
}
