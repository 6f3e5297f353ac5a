/** One exec session over a WebSocket. */
import type { Agent, IncomingMessage } from 'node:http';
import WebSocket from 'ws';
import type { ExecResult } from '../../engine/ports.ts';
import type { Headers } from '../client/connection.ts';
import { errorText } from '../client/errors.ts';
import { OutputCollector } from './exec-output.ts';
import { neverRan, readExecStatus } from './exec-status.ts';

export interface SessionRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly agent: Agent;
  /** The program that is run, to recognize the runtime's messages about it. */
  readonly command: string;
  readonly timeoutMs: number;
  readonly maxOutputBytes: number;
  readonly signal: AbortSignal;
}

/** The upgrade to a WebSocket was answered with a plain HTTP response. */
export interface NotUpgraded {
  readonly kind: 'notUpgraded';
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly contentType: string;
  /** At most 4 KiB. */
  readonly body: string;
}

const PROTOCOL = 'v5.channel.k8s.io';
const STDOUT = 1;
const STDERR = 2;
const STATUS_CHANNEL = 3;
/** The API server sends at most 32 KiB in a frame. */
const LONGEST_FRAME_BYTES = 128 * 1024;
const LONGEST_HANDSHAKE_MS = 10_000;
const LONGEST_REFUSAL_BYTES = 4096;
/**
 * A flood of output is read at about 50 MiB/s: backpressure through the API server then slows the command, and the flood costs us little. Each
 * frame counts for more than its bytes, because small frames cost the most.
 */
const BURST_BYTES = 1024 * 1024;
const FRAME_COST_BYTES = 64;
const BURST_PAUSE_MS = 20;
/** Time until the first ping, or an eighth of a short timeout. */
const FIRST_PING_MS = 1_000;
/** Interval of the pings, or a quarter of a short timeout. Proxies cut a connection that is silent for longer, some after 20 s. */
const PING_MS = 5_000;
/** The last ping is sent this long before the deadline, or after half of a short timeout. */
const LAST_PING_MS = 2_000;

/** Runs one command over one WebSocket; a connection carries exactly one. Never rejects, and settles at the deadline at the latest. */
export function runExecSession(request: SessionRequest): Promise<ExecResult | NotUpgraded> {
  return new Promise((resolve) => new ExecSession(request, resolve).open());
}

/**
 * All endings, with the public issue behind each. Every ending calls `#settle`, which acts once.
 * - status frame: the regular ending; everything after it is ignored
 * - refused upgrade: client-node loses the server's text (kubernetes-client/javascript 551)
 * - no response to the upgrade, or none after it: client-node waits forever
 * - close or reset without a status: client-node never calls back (704, 714), and sends no pings, so that proxies cut a silent command (2870)
 * - malformed status or frame: client-node throws out of its socket handler and the process dies
 * - deadline; canceled by the caller
 */
class ExecSession {
  readonly #request: SessionRequest;
  readonly #resolve: (result: ExecResult | NotUpgraded) => void;
  readonly #output: OutputCollector;
  #socket: WebSocket | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  #settled = false;
  /** When the first frame arrived, which shows that the command runs. */
  #startedAt: number | undefined;
  #burst = 0;
  /** When the last ping is due, which alone shows whether the connection is alive at the deadline. */
  #lastPingAt = 0;
  #answersPings = false;
  #receivedAfterLastPing = false;

  constructor(request: SessionRequest, resolve: (result: ExecResult | NotUpgraded) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#output = new OutputCollector(request.maxOutputBytes);
  }

  open(): void {
    const { url, headers, agent, timeoutMs, signal } = this.#request;
    if (signal.aborted) {
      this.#broken('stopped');
      return;
    }
    signal.addEventListener('abort', this.#stop, { once: true });
    this.#after(Math.min(timeoutMs, LONGEST_HANDSHAKE_MS), () => this.#handshakeTimeout());
    const lastPingMs = timeoutMs - Math.min(LAST_PING_MS, timeoutMs / 2);
    this.#lastPingAt = performance.now() + lastPingMs;
    this.#after(lastPingMs, () => this.#ping());
    this.#after(timeoutMs, () => this.#deadline());
    const socket = new WebSocket(url, [PROTOCOL], {
      headers,
      agent,
      maxPayload: LONGEST_FRAME_BYTES,
      perMessageDeflate: false,
      skipUTF8Validation: true,
    });
    this.#socket = socket;
    socket.on('unexpected-response', (_, response) => this.#notUpgraded(response));
    // Most commands have ended before the first ping.
    socket.on('open', () => this.#after(Math.min(FIRST_PING_MS, timeoutMs / 8), () => this.#keepAlive()));
    socket.on('message', (data, isBinary) => this.#frame(data as Buffer, isBinary));
    socket.on('pong', () => {
      this.#answersPings = true;
      this.#receivedAfterLastPing = true;
    });
    socket.on('close', (code) => this.#broken(`connection closed (${code}) before the command's status`));
    socket.on('error', (error) => this.#broken(errorText(error)));
  }

  /** A frame consists of a channel number and bytes. Text frames, empty frames and unknown channels (255 closes a stream) are ignored. */
  #frame(data: Buffer, isBinary: boolean): void {
    if (this.#settled || !isBinary || data.length === 0) {
      return;
    }
    this.#startedAt ??= performance.now();
    this.#receivedAfterLastPing = true;
    const channel = data[0];
    if (channel === STDOUT || channel === STDERR) {
      this.#output.push(data.subarray(1));
    } else if (channel === STATUS_CHANNEL && data.length > 1) {
      this.#status(data.toString('utf8', 1));
    }
    this.#pace(data.length + FRAME_COST_BYTES);
  }

  #pace(bytes: number): void {
    this.#burst += bytes;
    if (this.#burst < BURST_BYTES || this.#settled) {
      return;
    }
    this.#burst = 0;
    this.#socket?.pause();
    this.#after(BURST_PAUSE_MS, () => this.#socket?.resume());
  }

  #status(frame: string): void {
    const verdict = readExecStatus(frame);
    if (verdict.kind !== 'exit') {
      this.#settle(verdict);
      return;
    }
    const output = this.#output.text();
    this.#settle(neverRan(verdict.code, output, this.#request.command) ?? { ...verdict, output });
  }

  #notUpgraded(response: IncomingMessage): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const done = (): void => {
      const body = Buffer.concat(chunks).subarray(0, LONGEST_REFUSAL_BYTES).toString('utf8');
      const { 'retry-after': retryAfter, 'content-type': contentType = '' } = response.headers;
      this.#settle({ kind: 'notUpgraded', status: response.statusCode ?? 0, retryAfter, contentType, body });
    };
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= LONGEST_REFUSAL_BYTES) {
        done();
      }
    });
    response.on('end', done);
    response.on('error', done);
    this.#after(1_000, done);
  }

  #keepAlive(): void {
    if (performance.now() < this.#lastPingAt) {
      this.#ping();
      this.#after(Math.min(PING_MS, this.#request.timeoutMs / 4), () => this.#keepAlive());
    }
  }

  #ping(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      return;
    }
    this.#receivedAfterLastPing = false;
    this.#socket.ping();
  }

  #handshakeTimeout(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) {
      this.#broken(
        `no connection within ${Math.min(Math.round(this.#request.timeoutMs), LONGEST_HANDSHAKE_MS)} ms`,
      );
    }
  }

  /**
   * A timeout is evidence against the container only if the command had at least half of its time and the connection is not known to be dead:
   * a peer that answered the first ping and not the last one is gone.
   */
  #deadline(): void {
    const { timeoutMs } = this.#request;
    const ranMs = performance.now() - (this.#startedAt ?? 0);
    if (this.#startedAt === undefined) {
      this.#broken(`the command had not started within ${Math.round(timeoutMs)} ms`);
    } else if (ranMs < timeoutMs / 2) {
      this.#broken(`starting took most of the ${Math.round(timeoutMs)} ms`);
    } else if (this.#answersPings && !this.#receivedAfterLastPing) {
      this.#broken('connection lost: the last ping was not answered');
    } else {
      this.#settle({ kind: 'timeout', output: this.#output.text() });
    }
  }

  readonly #stop = (): void => this.#broken('stopped');

  #broken(message: string): void {
    this.#settle({ kind: 'broken', message });
  }

  #after(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs);
    this.#timers.add(timer);
  }

  #settle(result: ExecResult | NotUpgraded): void {
    if (this.#settled) {
      return;
    }
    this.#settled = true;
    for (const timer of this.#timers) {
      clearTimeout(timer);
    }
    this.#request.signal.removeEventListener('abort', this.#stop);
    // A closing handshake would wait for a peer that may be dead. The remote process continues either way and must limit itself.
    this.#socket?.terminate();
    this.#resolve(result);
  }
}
