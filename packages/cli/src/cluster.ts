/** Reads and writes the cluster with the caller's permissions: a failed request throws a Fault that says what to do. */
import { homedir } from 'node:os';
import type { TryOutcome } from '../../../src/core/verification/exit-codes.ts';
import type { RequestFailure } from '../../../src/engine/ports.ts';
import { Connection } from '../../../src/kube/client/connection.ts';
import { HttpClient } from '../../../src/kube/client/http.ts';
import { at, list, type Raw, record, text } from '../../../src/kube/client/json.ts';
import {
  type KubectlFlags,
  type KubectlName,
  type KubectlPlaces,
  kubectlConfig,
  kubectlNames,
} from '../../../src/kube/client/kubectl-config.ts';
import { pathOf, type Resource, type Target } from '../../../src/kube/client/paths.ts';
import { type Answer, type ApiRequest, Requests } from '../../../src/kube/client/request.ts';
import { StreamClient } from '../../../src/kube/client/stream-client.ts';
import { Throttle } from '../../../src/kube/client/throttle.ts';
import { ClusterExecutor } from '../../../src/kube/exec/exec.ts';
import { fewerAfter } from '../../../src/kube/watch/list-pages.ts';
import { requestFault, unreadable } from './cluster-fault.ts';
import { Fault } from './fault.ts';
import { duration } from './text.ts';

/** The connection flags of kubectl, as commander parses them. */
export interface ConnectionFlags extends KubectlFlags {
  readonly namespace?: string | undefined;
  readonly asGroup?: readonly string[] | undefined;
  readonly asUid?: string | undefined;
  readonly requestTimeout?: string | undefined;
}

export interface Selectors {
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

const PAGE_SIZE = 500;
const DEFAULT_TIMEOUT_MS = 15_000;
/** Field manager of every write of this tool. */
const WRITER = { fieldManager: 'kubectl-postcheck' };

export class Cluster {
  readonly #connection: Connection;
  readonly #http: HttpClient;
  readonly requests: Requests;
  readonly streams: StreamClient;
  readonly executor: ClusterExecutor;
  /** `--namespace`, otherwise that of the context, otherwise `default`. */
  readonly namespace: string;
  readonly #timeoutMs: number;

  private constructor(connection: Connection, flags: ConnectionFlags) {
    this.#connection = connection;
    this.#http = new HttpClient(connection, 8);
    this.requests = new Requests(this.#http);
    this.streams = new StreamClient(connection);
    this.executor = new ClusterExecutor(connection, new Throttle());
    this.namespace = flags.namespace ?? connection.namespace ?? 'default';
    const timeout = flags.requestTimeout;
    this.#timeoutMs =
      (timeout === undefined ? 0 : duration('--request-timeout', timeout)) || DEFAULT_TIMEOUT_MS;
  }

  /** Reads the configuration and the credentials; nothing is sent yet. */
  static async open(flags: ConnectionFlags, environment: NodeJS.ProcessEnv): Promise<Cluster> {
    const places = placesIn(environment);
    try {
      const connection = new Connection({
        load: () => kubectlConfig(flags, places),
        headers: impersonation(flags),
      });
      await connection.credentials();
      return new Cluster(connection, flags);
    } catch (error) {
      throw error instanceof Fault ? error : new Fault(unreadable(error, loginPlugin(flags, places)));
    }
  }

  /** The time at the API server, because this machine's clock may be wrong. */
  now(): number {
    return Math.round(this.#connection.clock.now());
  }

  get server(): string {
    return this.#connection.server.origin;
  }

  /** Sends once; never throws. */
  try(request: ApiRequest): Promise<Answer> {
    return this.requests.send({ deadlineMs: this.#timeoutMs, ...request });
  }

  /** Returns the body of the response; throws a Fault if the request failed. */
  async send(request: ApiRequest): Promise<Raw> {
    const answer = await this.try(request);
    if (!answer.ok) {
      throw this.fault(answer.failure, answer.status, request.target);
    }
    return record(answer.body);
  }

  read(target: Target): Promise<Raw> {
    return this.send({ method: 'GET', target, retries: 1 });
  }

  patch(target: Target, body: unknown, query: Readonly<Record<string, string>> = {}): Promise<Raw> {
    return this.send({
      method: 'PATCH',
      target,
      body,
      patchType: 'application/merge-patch+json',
      query: { ...WRITER, ...query },
    });
  }

  /** Lists a kind in a namespace, or in all namespaces. */
  async list(resource: Resource, namespace?: string, selectors: Selectors = {}): Promise<readonly Raw[]> {
    const items: Raw[] = [];
    const target = { resource, ...(namespace === undefined ? {} : { namespace }) };
    let token = '';
    let size = PAGE_SIZE;
    for (;;) {
      const answer = await this.try({
        method: 'GET',
        target,
        query: { limit: String(size), ...(token ? { continue: token } : {}), ...given(selectors) },
        retries: 1,
      });
      const fewer = fewerAfter(answer, size);
      if (fewer) {
        size = fewer;
        continue;
      }
      if (!answer.ok) {
        const { labelSelector } = selectors;
        throw answer.failure.kind === 'invalid' && labelSelector !== undefined
          ? new Fault(`-l ${JSON.stringify(labelSelector)} is no selector: ${answer.failure.message}`)
          : this.fault(answer.failure, answer.status, target);
      }
      const page = record(answer.body);
      const { apiVersion, kind } = page;
      // The items of a list have no kind.
      const itemKind = text(kind).replace(/List$/, '');
      items.push(...list(page.items).map((item) => ({ apiVersion, kind: itemKind, ...record(item) })));
      token = text(at(page, 'metadata', 'continue'));
      if (token === '') {
        return items;
      }
    }
  }

  /** Reads the log of a pod. */
  async log(
    namespace: string,
    pod: string,
    query: Readonly<Record<string, string>>,
  ): Promise<{ ok: true; text: string } | { ok: false; message: string }> {
    const path = logPath(namespace, pod, query);
    try {
      const answer = await this.#http.send({ method: 'GET', path, deadlineMs: 60_000 });
      if (answer.status === 200) {
        return { ok: true, text: answer.body };
      }
      return { ok: false, message: text(record(safeJson(answer.body)).message) || `HTTP ${answer.status}` };
    } catch (error) {
      return { ok: false, message: (error as Error).message };
    }
  }

  /** Sends a GET to a pod through the API server, like `kubectl get --raw` of its proxy. */
  async throughProxy(
    { namespace, pod, port, scheme, path }: PodAddress,
    deadlineMs: number,
  ): Promise<TryOutcome> {
    const base = pathOf({ resource: { root: '/api/v1', plural: 'pods' }, namespace, name: pod });
    const address = `${scheme === 'HTTPS' ? 'https:' : ''}${pod}:${port}`;
    const url = `${base?.slice(0, -pod.length)}${encodeURIComponent(address)}/proxy/${path.replace(/^\//, '')}`;
    try {
      const { status, body } = await this.#http.send({ method: 'GET', path: url, deadlineMs });
      // A Status comes from the API server; anything else comes from the pod.
      const object = record(safeJson(body));
      if (object.kind === 'Status' && object.apiVersion === 'v1') {
        return { kind: 'unreachable', message: text(object.message) };
      }
      return { kind: 'answered', good: status >= 200 && status < 400, output: `HTTP ${status}` };
    } catch (error) {
      return { kind: 'unreachable', message: (error as Error).message };
    }
  }

  /** Whether the caller may do this; `undefined` if the API server does not say. */
  async may(verb: string, what: Access): Promise<boolean | undefined> {
    const answer = await this.try({
      method: 'POST',
      target: { resource: { root: '/apis/authorization.k8s.io/v1', plural: 'selfsubjectaccessreviews' } },
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb, ...what } },
      },
    });
    return answer.ok ? at(answer.body, 'status', 'allowed') === true : undefined;
  }

  /** Closes idle connections and streams. */
  close(): void {
    this.streams.close();
    this.#http.close();
  }

  /** Returns a Fault for a failed request, which says what to do. */
  fault(failure: RequestFailure, status: number, target: Target): Fault {
    return requestFault(this.server, failure, status, target);
  }
}

const placesIn = (environment: NodeJS.ProcessEnv): KubectlPlaces => ({
  kubeconfig: environment['KUBECONFIG'],
  home: environment['HOME'] ?? homedir(),
});

/** Returns the names in the kubeconfig that `--context`, `--cluster` or `--user` can select. */
export const configuredNames = (
  flag: KubectlName,
  flags: ConnectionFlags,
  environment: NodeJS.ProcessEnv,
): readonly string[] => kubectlNames(flag, flags, placesIn(environment));

/** A port of a pod. */
export interface PodAddress {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number | string;
  readonly scheme: string;
  readonly path: string;
}

/** The program that the kubeconfig logs in with, if it names one. */
function loginPlugin(flags: ConnectionFlags, places: KubectlPlaces): string | undefined {
  try {
    return text(record(kubectlConfig(flags, places).getCurrentUser()?.exec).command) || undefined;
  } catch {
    return undefined;
  }
}

/** The resource that a permission is about. */
export interface Access {
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

export function logPath(namespace: string, pod: string, query: Readonly<Record<string, string>>): string {
  const resource = { root: '/api/v1', plural: 'pods' };
  const path = pathOf({ resource, namespace, name: pod, subresource: 'log' });
  if (path === undefined) {
    throw new Fault(`${JSON.stringify(pod)} is not a valid name of a pod`);
  }
  return `${path}?${new URLSearchParams(query)}`;
}

const given = (selectors: Selectors): Record<string, string> =>
  Object.fromEntries(Object.entries(selectors).filter((pair): pair is [string, string] => Boolean(pair[1])));

function safeJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function impersonation({ asGroup, asUid }: ConnectionFlags): Record<string, string | string[]> {
  return {
    ...(asGroup && asGroup.length > 0 ? { 'Impersonate-Group': [...asGroup] } : {}),
    ...(asUid === undefined ? {} : { 'Impersonate-Uid': asUid }),
    'user-agent': 'kubectl-postcheck',
  };
}
