/** The few requests to the API server that the end-to-end tests make, in this process: a kubectl per look would cost more CPU than what is tested. */
import { execFile, execFileSync } from 'node:child_process';
import { Agent, request } from 'node:https';
import { join, resolve } from 'node:path';
import { env } from 'node:process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { MOMENTARY } from '../../support/momentary.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const REQUEST_MS = 20_000;

// biome-ignore lint/suspicious/noExplicitAny: objects of every kind, read by tests that fail when a field is not what they expect
export type Json = any;

export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

interface Credentials {
  readonly server: string;
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

/** Arguments and options for kubectl and helm, so that they speak to the cluster in use: the context named by CONTEXT, else the test cluster. */
function invocation(tool: 'kubectl' | 'helm', args: readonly string[]) {
  const { CONTEXT } = env;
  const context = CONTEXT ? [tool === 'helm' ? '--kube-context' : '--context', CONTEXT] : [];
  const kubeconfig = CONTEXT ? {} : { KUBECONFIG: join(ROOT, '.cluster/kubeconfig') };
  const environment = {
    ...env,
    ...MOMENTARY,
    ...kubeconfig,
    PATH: `${join(ROOT, '.cluster/bin')}:${env.PATH}`,
  };
  return {
    args: [...context, ...args],
    options: { encoding: 'utf8', env: environment, maxBuffer: 64 * 1024 * 1024 } as const,
  };
}

/** Runs kubectl or helm, and gives what it prints. */
export function run(tool: 'kubectl' | 'helm', args: readonly string[]): string {
  const { args: all, options } = invocation(tool, args);
  return execFileSync(tool, all, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** As `run`, without keeping others waiting. */
export async function start(tool: 'kubectl' | 'helm', args: readonly string[]): Promise<string> {
  const { args: all, options } = invocation(tool, args);
  return (await promisify(execFile)(tool, all, options)).stdout;
}

function credentials(): Credentials {
  const config = JSON.parse(
    run('kubectl', ['config', 'view', '--raw', '--flatten', '--minify', '-o', 'json']),
  ) as Json;
  const { cluster } = config.clusters[0];
  const { user } = config.users[0];
  const plain = (base64: string | undefined) =>
    base64 ? Buffer.from(base64, 'base64').toString('utf8') : undefined;
  const cert = plain(user['client-certificate-data']);
  const key = plain(user['client-key-data']);
  const { token } = user;
  if (!token && !(cert && key)) {
    throw new Error('the end-to-end tests need a context with a client certificate or a token');
  }
  return {
    server: cluster.server,
    ca: plain(cluster['certificate-authority-data']) ?? '',
    ...(cert && key ? { cert, key } : {}),
    ...(token ? { token } : {}),
  };
}

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

export class Api {
  readonly #credentials = credentials();
  readonly #agent: Agent;

  constructor() {
    const { ca, cert, key } = this.#credentials;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 32,
      ...(ca ? { ca } : {}),
      ...(cert && key ? { cert, key } : {}),
    });
  }

  get = (path: string): Promise<Json> => this.#call('GET', path);
  create = (path: string, object: Json): Promise<Json> => this.#call('POST', path, object);
  remove = (path: string, options: Json = {}): Promise<Json> => this.#call('DELETE', path, options);
  patch = (path: string, body: Json, type: keyof typeof PATCH_TYPES = 'merge'): Promise<Json> =>
    this.#call('PATCH', path, body, PATCH_TYPES[type]);
  /** The object, or nothing when there is none. */
  find = (path: string): Promise<Json | undefined> =>
    this.get(path).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) {
        return undefined;
      }
      throw error;
    });
  list = async (path: string): Promise<Json[]> => (await this.get(path)).items;
  text = (path: string): Promise<string> => this.#send('GET', path);

  /** Follows a list from its resourceVersion on, until `signal` ends it: each object as it is added, changed or deleted; ERROR when the watch breaks. */
  watch(
    path: string,
    resourceVersion: string,
    signal: AbortSignal,
    seen: (type: string, object: Json) => void,
  ): void {
    const { server, token } = this.#credentials;
    const url = new URL(`${path}?watch=1&resourceVersion=${resourceVersion}`, server);
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const broken = (why: unknown) => signal.aborted || seen('ERROR', { message: String(why) });
    const call = request(url, { agent: this.#agent, headers, signal }, (response) => {
      const lines = createInterface({ input: response });
      lines.on('line', (line) => {
        const { type, object } = JSON.parse(line) as Json;
        seen(type, object);
      });
      response.on('error', broken);
      lines.on('error', broken);
      lines.on('close', () => broken('it ended'));
    });
    call.on('error', broken);
    call.end();
  }

  async #call(method: string, path: string, body?: Json, type = 'application/json'): Promise<Json> {
    return JSON.parse(await this.#send(method, path, body, type)) as Json;
  }

  #send(method: string, path: string, body?: Json, type = 'application/json'): Promise<string> {
    const { server, token } = this.#credentials;
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...(payload === undefined
        ? {}
        : { 'content-type': type, 'content-length': Buffer.byteLength(payload) }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    };
    return new Promise((done, failed) => {
      const call = request(
        new URL(path, server),
        { method, agent: this.#agent, headers, timeout: REQUEST_MS },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', failed);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            const status = response.statusCode ?? 0;
            if (status < 300) {
              done(text);
            } else {
              failed(new ApiError(status, `${method} ${path}: ${status} ${text.slice(0, 500)}`));
            }
          });
        },
      );
      call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer in ${REQUEST_MS} ms`)));
      call.on('error', (error: NodeJS.ErrnoException) => {
        // The API server closes connections that were idle for long, which this process learns late when a helm or kubectl held it up.
        if (call.reusedSocket && error.code === 'ECONNRESET') {
          this.#send(method, path, body, type).then(done, failed);
        } else {
          failed(error);
        }
      });
      call.end(payload);
    });
  }
}
