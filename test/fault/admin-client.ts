/** The client of the tests themselves: requests straight to the API server, as its administrator. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parse } from 'yaml';
import type { Upstream } from './proxy.ts';

// biome-ignore lint/suspicious/noExplicitAny: objects of every kind, read by tests that fail when a field is not what they expect
export type Json = any;

/** Reads the API server and the administrator's certificate from a kubeconfig. */
export function upstreamOf(kubeconfig: string): Required<Upstream> {
  const config = parse(readFileSync(kubeconfig, 'utf8')) as Json;
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const read = (from: Json, field: string): string =>
    from[`${field}-data`]
      ? Buffer.from(from[`${field}-data`], 'base64').toString('utf8')
      : readFileSync(from[field], 'utf8');
  return {
    url: new URL(cluster.server),
    ca: read(cluster, 'certificate-authority'),
    cert: read(user, 'client-certificate'),
    key: read(user, 'client-key'),
  };
}

export class RestError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export class AdminClient {
  readonly #upstream: Required<Upstream>;
  readonly #agent: Agent;

  constructor(upstream: Required<Upstream>) {
    this.#upstream = upstream;
    const { ca, cert, key } = upstream;
    this.#agent = new Agent({ ca, cert, key, keepAlive: true, maxSockets: 16 });
  }

  get = (path: string): Promise<Json> => this.#send('GET', path);
  create = (path: string, object: Json): Promise<Json> => this.#send('POST', path, object);
  remove = (path: string, options: Json = {}): Promise<Json> => this.#send('DELETE', path, options);
  patch = (path: string, body: Json, type: keyof typeof PATCH_TYPES = 'merge'): Promise<Json> =>
    this.#send('PATCH', path, body, PATCH_TYPES[type]);
  /** Makes the object, or brings it to this state. */
  apply = (path: string, object: Json): Promise<Json> =>
    this.patch(`${path}?fieldManager=tests&force=true`, object, 'apply');

  /** The object, or nothing when there is none. */
  async find(path: string): Promise<Json | undefined> {
    try {
      return await this.get(path);
    } catch (error) {
      if (error instanceof RestError && error.status === 404) {
        return undefined;
      }
      throw error;
    }
  }

  /** Tells what there is, after BEGIN, and every change of it, until `signal` ends it; begins again when the server or the watch ends. */
  async follow(path: string, signal: AbortSignal, see: (type: string, object: Json) => void): Promise<void> {
    while (!signal.aborted) {
      try {
        const { metadata, items } = await this.get(path);
        see('BEGIN', undefined);
        for (const item of items) {
          see('LISTED', item);
        }
        await this.#watch(`${path}?watch=1&resourceVersion=${metadata.resourceVersion}`, signal, see);
      } catch {
        await pause(200);
      }
    }
  }

  async #watch(path: string, signal: AbortSignal, see: (type: string, object: Json) => void): Promise<void> {
    const { url, ca, cert, key } = this.#upstream;
    const call = request(new URL(path, url), { ca, cert, key, agent: false, signal });
    call.on('error', () => {});
    call.end();
    const [incoming] = (await once(call, 'response')) as [IncomingMessage];
    incoming.on('error', () => {});
    const lines = createInterface({ input: incoming });
    lines.on('line', (line) => {
      const { type, object } = JSON.parse(line) as Json;
      if (type !== 'ERROR') {
        see(type, object);
      }
    });
    await once(lines, 'close');
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(method: string, path: string, body?: Json, type = 'application/json'): Promise<Json> {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      accept: 'application/json',
      ...(payload === undefined
        ? {}
        : { 'content-type': type, 'content-length': Buffer.byteLength(payload) }),
    };
    const call = request(new URL(path, this.#upstream.url), { method, agent: this.#agent, headers });
    call.end(payload);
    const [incoming] = (await once(call, 'response')) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) {
      chunks.push(chunk as Buffer);
    }
    const text = Buffer.concat(chunks).toString('utf8');
    const status = incoming.statusCode ?? 0;
    if (status >= 300) {
      throw new RestError(status, `${method} ${path}: ${status} ${text.slice(0, 500)}`);
    }
    return JSON.parse(text);
  }
}
