/** Runs commands in containers through the API server. */
import { Agent } from 'node:https';
import type { ExecRequest, ExecResult, Executor } from '../../engine/ports.ts';
import { agentTls, type Connection, type TlsMaterial } from '../client/connection.ts';
import { clean, errorText, isOverloaded, retryAfterMs, statusMessage } from '../client/errors.ts';
import { isLabel, pathOf, RESOURCES } from '../client/paths.ts';
import type { Throttle } from '../client/throttle.ts';
import { type NotUpgraded, runExecSession, type SessionRequest } from './exec-session.ts';
import { containerGone } from './exec-status.ts';

/** Runs commands in containers through the API server. */
export class ClusterExecutor implements Executor {
  readonly #connection: Connection;
  readonly #throttle: Throttle;
  #agent: Agent | undefined;
  #tls: TlsMaterial | undefined;

  constructor(connection: Connection, throttle: Throttle) {
    this.#connection = connection;
    this.#throttle = throttle;
  }

  async exec(request: ExecRequest, signal: AbortSignal): Promise<ExecResult> {
    const path = pathOf({
      resource: RESOURCES.Pod,
      namespace: request.namespace,
      name: request.pod,
      subresource: 'exec',
    });
    if (path === undefined || !isLabel(request.container)) {
      return { kind: 'refused', status: 0, message: 'not a valid pod or container name' };
    }
    const heldMs = this.#throttle.remainingMs(request.namespace);
    if (heldMs > 0) {
      return {
        kind: 'refused',
        status: 429,
        message: `the API server requires a wait of ${Math.ceil(heldMs / 1000)} s`,
      };
    }
    const deadline = performance.now() + request.timeoutMs;
    const first = await this.#session(request, { path, deadline, signal });
    if (first.kind !== 'notUpgraded') {
      return first;
    }
    if (first.status !== 401) {
      return this.#refused(first, request);
    }
    await this.#connection.refresh().catch(() => {});
    const second = await this.#session(request, { path, deadline, signal });
    return second.kind === 'notUpgraded' ? this.#refused(second, request) : second;
  }

  async #session(
    request: ExecRequest,
    how: { path: string; deadline: number; signal: AbortSignal },
  ): Promise<ExecResult | NotUpgraded> {
    let session: SessionRequest;
    try {
      const { headers, tls } = await this.#connection.credentials();
      session = {
        url: this.#url(how.path, request),
        headers,
        agent: this.#agentFor(tls),
        command: request.command[0] ?? '',
        timeoutMs: Math.max(1, how.deadline - performance.now()),
        maxOutputBytes: request.maxOutputBytes,
        signal: how.signal,
      };
    } catch (error) {
      return { kind: 'broken', message: errorText(error) };
    }
    return await runExecSession(session);
  }

  /** As text: each part that is set in a URL object has the whole of it parsed again. */
  #url(path: string, { container, command }: ExecRequest): string {
    const { host, pathname } = this.#connection.server;
    // Always both streams, never stdin: an exec without streams starts with an empty status frame, and a closing stdin loses the status.
    const query = new URLSearchParams([
      ['container', container],
      ['stdout', 'true'],
      ['stderr', 'true'],
      ...command.map((word): [string, string] => ['command', word]),
    ]);
    return `wss://${host}${pathname.replace(/\/$/, '')}${path}?${query}`;
  }

  /** The agent is kept for its cache of TLS sessions; connections are never reused. A new CA or certificate needs a new agent. */
  #agentFor(tls: TlsMaterial): Agent {
    if (!this.#agent || this.#tls !== tls) {
      this.#tls = tls;
      this.#agent = new Agent({ ...agentTls(tls), keepAlive: false });
    }
    return this.#agent;
  }

  #refused(refusal: NotUpgraded, { namespace, pod }: ExecRequest): ExecResult {
    const { status, retryAfter } = refusal;
    const message = withoutNode(refusalText(refusal), pod);
    if (status === 429 && isOverloaded(refusal.body)) {
      this.#throttle.hold(retryAfterMs(retryAfter, Date.now()), namespace);
    }
    const gone =
      status === 404 ||
      (status === 400 && NO_SUCH_CONTAINER.test(message)) ||
      (status === 500 && containerGone.test(message));
    return gone ? { kind: 'gone', message } : { kind: 'refused', status, message };
  }
}

/** Of a pod whose node was removed, the API server says that there is no pod with the name of the node. Such a pod is removed too, within about a minute. */
function withoutNode(message: string, pod: string): string {
  const [, missing] = /^pods "([^"]+)" not found$/.exec(message) ?? [];
  return missing === undefined || missing === pod ? message : `its node ${missing} does not exist any more`;
}

const NO_SUCH_CONTAINER = /does not have a host assigned|is not valid for pod/;

/** The API server responds with a Status; a kubelet to which it forwards the WebSocket (Kubernetes 1.36) responds in plain text. */
function refusalText({ status, contentType, body }: NotUpgraded): string {
  const message = clean(statusMessage(body) || (contentType.startsWith('text/plain') ? body : ''));
  return message === '' ? `HTTP ${status}` : message;
}
