/** Configuration, credentials and TLS of the connection to the API server. */
import type { AgentOptions, RequestOptions } from 'node:https';
import { delimiter } from 'node:path';
import { createSecureContext } from 'node:tls';
import { KubeConfig } from '@kubernetes/client-node';
import { kubectlConfig } from './kubectl-config.ts';
import { ServerClock } from './server-clock.ts';

/** A kubeconfig file (and a context in it), or nothing: the pod's own service account. */
export interface ConnectionOptions {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
  /** Reads the configuration in place of the two above; called again when it may have changed. */
  readonly load?: (() => KubeConfig) | undefined;
  /** Sent with every request besides the credentials; several values are repeated headers. */
  readonly headers?: Headers | undefined;
}

/** Header values by name; a list is sent as repeated headers. */
export type Headers = Readonly<Record<string, string | string[]>>;

/** What a TLS client needs. The object stays the same as long as its content does, so that agents can be kept. */
export interface TlsMaterial {
  readonly ca?: Buffer | string | undefined;
  readonly cert?: Buffer | string | undefined;
  readonly key?: Buffer | string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Options for an agent that parses certificates once; parsing them for each connection would cost more than everything else in an exec. */
export const agentTls = (tls: TlsMaterial): AgentOptions => ({
  secureContext: createSecureContext(tls),
  servername: tls.servername,
  rejectUnauthorized: tls.rejectUnauthorized,
});

export interface Credentials {
  /** Authorization, impersonation, user agent. Never log. */
  readonly headers: Headers;
  readonly tls: TlsMaterial;
}

/** Files are read again after this time, so that a rotated token or CA is in use within a minute. */
const CREDENTIALS_LIFE_MS = 60_000;
const TLS_FIELDS = ['ca', 'cert', 'key', 'servername', 'rejectUnauthorized'] as const;

/**
 * The address of the API server and our credentials there. client-node's KubeConfig loads and authenticates (files, exec plugins, OIDC);
 * its transport is not used, see docs/adr/0007-connection.md.
 */
export class Connection {
  readonly server: URL;
  readonly clock = new ServerClock();
  /** The context's namespace. */
  readonly namespace: string | undefined;
  readonly #options: ConnectionOptions;
  #config: KubeConfig;
  #reading: Promise<Credentials> | undefined;
  #credentials: Credentials | undefined;
  #expiresAt = 0;

  /** Throws an Error that says what to correct when the configuration cannot be loaded. */
  constructor(options: ConnectionOptions) {
    this.#config = load(options);
    this.server = serverOf(this.#config);
    this.namespace = this.#config.getContextObject(this.#config.getCurrentContext())?.namespace;
    // The context is pinned: someone who switches it in the file must not move a running operator's credentials to another cluster.
    this.#options = { ...options, context: this.#config.getCurrentContext() };
  }

  /** Host and port as Node's functions expect them: an IPv6 address without brackets. */
  get address(): { readonly host: string; readonly port: number } {
    const { hostname, port } = this.server;
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) };
  }

  /** Headers and TLS material, at most 60 s old. Rejects when a file cannot be read or a plugin fails. */
  async credentials(): Promise<Credentials> {
    if (this.#credentials && performance.now() < this.#expiresAt) {
      return this.#credentials;
    }
    // Exec plugins cache their own credentials in the configuration object and are costly to run; files are cheap to read again.
    return await this.#read(this.#config.getCurrentUser()?.exec === undefined);
  }

  /** Reads everything again now, after a response 401. Concurrent calls share one read. */
  async refresh(): Promise<Credentials> {
    return await this.#read(true);
  }

  #read(reload: boolean): Promise<Credentials> {
    this.#reading ??= this.#load(reload).finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #load(reload: boolean): Promise<Credentials> {
    if (reload) {
      this.#config = load(this.#options);
    }
    const options: RequestOptions = { headers: {} };
    await this.#config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
    const headers = { ...headersOf(options), ...this.#options.headers };
    this.#credentials = { headers, tls: this.#keepEqual(options) };
    this.#expiresAt = performance.now() + CREDENTIALS_LIFE_MS;
    return this.#credentials;
  }

  #keepEqual(options: RequestOptions): TlsMaterial {
    const next = Object.fromEntries(TLS_FIELDS.map((field) => [field, options[field]])) as TlsMaterial;
    const last = this.#credentials?.tls;
    return last && TLS_FIELDS.every((field) => String(last[field]) === String(next[field])) ? last : next;
  }
}

function load({ kubeconfig, context, load: read }: ConnectionOptions): KubeConfig {
  if (read) {
    return read();
  }
  if (kubeconfig !== undefined) {
    // The variable KUBECONFIG may name several files; as in kubectl, those that exist are read.
    return kubeconfig.includes(delimiter)
      ? kubectlConfig({ context }, { kubeconfig, home: '' })
      : kubectlConfig({ kubeconfig, context }, { home: '' });
  }
  const config = new KubeConfig();
  config.loadFromCluster();
  return config;
}

function serverOf(config: KubeConfig): URL {
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    throw new Error(
      `kubeconfig: context ${JSON.stringify(config.getCurrentContext())} names no cluster; set --context`,
    );
  }
  // In a pod without the variables, client-node writes `undefined` into the address.
  if (cluster.server === '' || /undefined/.test(cluster.server)) {
    throw new Error(
      'no API server address: outside a pod set --kubeconfig; inside a pod, KUBERNETES_SERVICE_HOST and _PORT must be set',
    );
  }
  const server = URL.canParse(cluster.server) ? new URL(cluster.server) : undefined;
  if (server?.protocol !== 'https:') {
    throw new Error(
      `API server ${cluster.server}: must be an address that begins with https://, such as https://10.0.0.1:6443`,
    );
  }
  if (cluster.proxyUrl) {
    throw new Error('kubeconfig: proxy-url is not supported; connect to the API server directly');
  }
  return server;
}

function headersOf(options: RequestOptions): Record<string, string> {
  const basic =
    typeof options.auth === 'string'
      ? { Authorization: `Basic ${Buffer.from(options.auth).toString('base64')}` }
      : {};
  const given = Object.entries((options.headers ?? {}) as Record<string, unknown>).map(([name, value]) => [
    name,
    String(value).trim(),
  ]);
  return { 'user-agent': 'postcheck', ...basic, ...Object.fromEntries(given) };
}
