/** A real API server with as many nodes as are wanted, all played; the chart's rights and gate policy; the operator as a process of its own. */
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { stderr } from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, eventually, startApiServer } from '../../api/api-server.ts';
import { GATE_API, renderChart } from '../../chart/render.ts';
import { parseMetrics } from '../../e2e/support/metrics.ts';
import { AdminClient, type Json, upstreamOf } from '../../fault/admin-client.ts';
import { cpuSecondsOf } from '../../support/cpu-seconds.ts';
import { OperatorProcess } from './operator-process.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SYSTEM = 'postcheck-system';
const USER = `system:serviceaccount:${SYSTEM}:postcheck`;
/** What a release has, but for the operator's own pod and what guards against other people. */
const NEEDED = [
  'CustomResourceDefinition',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'ServiceAccount',
  'ClusterRole',
  'ClusterRoleBinding',
  'Role',
  'RoleBinding',
  'FlowSchema',
];
/**
 * So many requests does the API server work on at once: with the defaults, which are for servers of many cores, everything waits for the processor, and
 * API Priority and Fairness has nothing to rank. With a third of this, the operator, the scheduler and the controllers share six seats of their priority
 * level for the ten seconds that it takes to borrow more.
 */
const REQUESTS_AT_ONCE = { reads: 50, writes: 50 };
/**
 * What the API server may use before it collects garbage: with Go's default it did so 132 times in 335 s with 3,000 pods, 15 % of its processor time,
 * and each time its writes waited, since there are two cores for everything.
 */
const API_SERVER_MEMORY = `${Math.round(totalmem() / 3 / 2 ** 20)}MiB`;
const AT_ONCE = 16;
/** Requests a second of each controller while what is measured is prepared. */
const PREPARING_RATE = 200;
const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'];

export const IMAGE = (tag: string): string => `scale.local/app:${tag}`;

export interface Requests {
  readonly writes: number;
  readonly gets: number;
  readonly lists: number;
  readonly watches: number;
  /** The operator's watches that ended before the time it had asked for: the API server ends one so that is not read fast enough. */
  readonly ended: number;
  /** Watches that the API server ended because nobody read them fast enough, whoever had opened them. */
  readonly cutOff: number;
}

export interface Mark {
  readonly audit: number;
  readonly cutOff: number;
}

export class Fleet {
  readonly #api: ApiServer;
  readonly #home: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'postcheck-scale-'));
  readonly #profiles: string | undefined;
  readonly #measuringRate: number;
  readonly rest: AdminClient;
  #nodes = 0;
  #controllersStopped = false;
  #controllerRate = PREPARING_RATE;
  #restarts = 0;
  #operators: OperatorProcess[] = [];
  #kubeconfig = '';

  /** `controllerRate`: requests a second of each controller while something is measured. */
  constructor(controllerRate: number, profiles?: string) {
    this.#measuringRate = controllerRate;
    this.#api = startApiServer(
      [
        `--max-requests-inflight=${REQUESTS_AT_ONCE.reads}`,
        `--max-mutating-requests-inflight=${REQUESTS_AT_ONCE.writes}`,
        // Requests are counted by it: it must not begin anew amid a measurement.
        '--audit-log-maxsize=10000',
      ],
      API_SERVER_MEMORY,
    );
    this.#home = dirname(this.#api.kubeconfig);
    this.#profiles = profiles;
    this.rest = new AdminClient(upstreamOf(this.#api.kubeconfig));
  }

  async prepare(): Promise<void> {
    execFileSync(join(ROOT, 'test/cluster/api-only.sh'), ['simulate', this.#home], { stdio: 'inherit' });
    this.#api.kubectl(['create', 'namespace', SYSTEM]);
    for (const object of renderChart(['--api-versions', GATE_API])) {
      if (NEEDED.includes(object.kind)) {
        this.#api.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(object));
      }
    }
    await eventually(() =>
      this.#api.kubectl(['wait', '--for=condition=Established', 'crd/upgrades.postcheck.dev']),
    );
    this.#kubeconfig = this.#kubeconfigOf(
      this.#api.kubectl(['--namespace', SYSTEM, 'create', 'token', 'postcheck', '--duration=24h']),
    );
  }

  #kubeconfigOf(token: string): string {
    const { url, ca } = upstreamOf(this.#api.kubeconfig);
    const file = join(this.#folder, 'kubeconfig');
    const cluster = { server: url.origin, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
    writeFileSync(
      file,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'scale', cluster }],
        users: [{ name: 'operator', user: { token } }],
        contexts: [{ name: 'scale', context: { cluster: 'scale', user: 'operator' } }],
        'current-context': 'scale',
      }),
      { mode: 0o600 },
    );
    return file;
  }

  /** Starts one; it leads when nobody else does. */
  startOperator(): OperatorProcess {
    const operator = new OperatorProcess({
      kubeconfig: this.#kubeconfig,
      identity: `postcheck-${this.#operators.length + 1}`,
      profiles: this.#profiles,
    });
    this.#operators.push(operator);
    return operator;
  }

  /** With the operator's rights. */
  get kubeconfig(): string {
    return this.#kubeconfig;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#operators.map((operator) => operator.end('SIGTERM')));
    this.rest.close();
    this.#api.stop();
    rmSync(this.#folder, { recursive: true });
  }

  /** Prepares something with quick controllers. */
  async preparing(body: () => Promise<void>): Promise<void> {
    await this.#setControllers(PREPARING_RATE);
    await body();
    await this.#setControllers(this.#measuringRate);
  }

  async #setControllers(rate: number): Promise<void> {
    if (!this.#controllersStopped && this.#controllerRate !== rate) {
      this.#controllerRate = rate;
      const names = ['controllers', this.#home, String(rate)];
      execFileSync(join(ROOT, 'test/cluster/api-only.sh'), names, { stdio: 'inherit' });
      await this.#controllersWork();
    }
  }

  /** Waits until those whose work is measured have synced: a rollout that waits for their start would be measured as a slow one. */
  async #controllersWork(): Promise<void> {
    const namespace = `controllers-${++this.#restarts}`;
    await this.namespace(namespace);
    const labels = { app: 'probe' };
    const template = {
      metadata: { labels },
      spec: { nodeSelector: { none: 'none' }, containers: [{ name: 'app', image: IMAGE('v1') }] },
    };
    const spec = { selector: { matchLabels: labels }, template };
    const workloads = { deployments: { ...spec, replicas: 0 }, daemonsets: spec };
    for (const [plural, own] of Object.entries(workloads)) {
      const path = `/apis/apps/v1/namespaces/${namespace}/${plural}`;
      await this.rest.create(path, { metadata: { name: 'probe' }, spec: own });
      const hasSeen = async () => (await this.rest.get(`${path}/probe`)).status?.observedGeneration === 1;
      await until(hasSeen, 120_000, `the controller of ${plural} to work`);
    }
    await this.rest.remove(`/api/v1/namespaces/${namespace}`);
  }

  /** From now on nothing is done about what was asked for, nor taken away. */
  stopControllers(): void {
    if (!this.#controllersStopped) {
      this.#controllersStopped = true;
      const names = ['stop', this.#home, 'kube-controller-manager'];
      execFileSync(join(ROOT, 'test/cluster/api-only.sh'), names, { stdio: 'inherit' });
    }
  }

  /** A namespace where pods may be created although no controller is there. */
  async bareNamespace(name: string): Promise<void> {
    await this.rest.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
    await this.rest.create(`/api/v1/namespaces/${name}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default' },
    });
  }

  async cpuOfApiServer(body: () => Promise<void>): Promise<number> {
    const before = cpuSecondsOf(this.#pidOf('kube-apiserver'));
    await body();
    return cpuSecondsOf(this.#pidOf('kube-apiserver')) - before;
  }

  /** What everything but the operator takes while `body` runs. */
  async cpuDuring(body: () => Promise<void>): Promise<number> {
    const before = this.#cpuSeconds();
    await body();
    return this.#cpuSeconds() - before;
  }

  #cpuSeconds(): number {
    return COMPONENTS.reduce((sum, name) => sum + cpuSecondsOf(this.#pidOf(name)), 0);
  }

  #pidOf(name: string): number {
    const script = join(ROOT, 'test/cluster/api-only.sh');
    return Number(execFileSync(script, ['pid', this.#home, name], { encoding: 'utf8' }));
  }

  /** Sees to it that there are so many, with labels by which the first few can be chosen. */
  async nodes(count: number, group: string): Promise<void> {
    const names = Array.from({ length: Math.max(0, count - this.#nodes) }, (_, i) => `n-${this.#nodes + i}`);
    await inParallel(names, (name) =>
      this.rest.create('/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, labels: { group }, annotations: { 'kwok.x-k8s.io/node': 'played' } },
      }),
    );
    this.#nodes = Math.max(count, this.#nodes);
  }

  async namespace(name: string): Promise<void> {
    await this.rest.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
    const account = `/api/v1/namespaces/${name}/serviceaccounts/default`;
    await until(async () => (await this.rest.find(account)) !== undefined, 30_000, `namespace ${name}`);
  }

  /** As the leader wrote it. */
  async leaseRenewedAt(): Promise<string> {
    const lease = `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/postcheck`;
    return (await this.rest.get(lease)).spec.renewTime as string;
  }

  async mark(): Promise<Mark> {
    return { audit: statSync(join(this.#home, 'audit.log')).size, cutOff: this.cutOff() };
  }

  /** What the operator has asked since. */
  async requestsSince({ audit, cutOff }: Mark): Promise<Requests> {
    await sleep(1500); // the API server writes its log in batches
    const counts = { writes: 0, gets: 0, lists: 0, watches: 0, ended: 0 };
    const input = createReadStream(join(this.#home, 'audit.log'), { start: audit });
    for await (const line of createInterface({ input })) {
      const event = line.includes(USER) ? (JSON.parse(line) as Json) : undefined;
      const kind = event ? kindOf(event) : undefined;
      if (kind) {
        counts[kind] += 1;
      }
      if (kind === 'ended') {
        stderr.write(`bench-scale: a watch ended early: ${endOf(event)}\n`);
      }
    }
    return { ...counts, cutOff: this.cutOff() - cutOff };
  }

  /** Watches of anybody that were not read fast enough, since the API server has started. */
  cutOff(): number {
    const metrics = parseMetrics(this.#api.kubectl(['get', '--raw', '/metrics']));
    return [...metrics]
      .filter(([key]) => key.startsWith('apiserver_terminated_watchers_total{'))
      .reduce((sum, [, value]) => sum + value, 0);
  }
}

function kindOf(event: Json): keyof Omit<Requests, 'cutOff'> | undefined {
  const { verb, user, stage, objectRef } = event;
  if (user.username !== USER || objectRef?.resource === 'leases') {
    return undefined;
  }
  if (verb === 'watch') {
    return stage === 'ResponseStarted' ? 'watches' : endedEarly(event) ? 'ended' : undefined;
  }
  // An exec is a GET that is no reading.
  if (stage !== 'ResponseComplete' || objectRef?.subresource === 'exec') {
    return undefined;
  }
  return verb === 'get' ? 'gets' : verb === 'list' ? 'lists' : 'writes';
}

const endOf = ({ requestURI, requestReceivedTimestamp, stageTimestamp, responseStatus }: Json): string =>
  `${requestURI} lasted from ${requestReceivedTimestamp} to ${stageTimestamp} (${JSON.stringify(responseStatus)})`;

/** Whether a watch that has ended lasted more than a second less than it was asked to. */
export function endedEarly({ requestURI, requestReceivedTimestamp, stageTimestamp }: Json): boolean {
  const asked = Number(new URL(requestURI, 'https://localhost').searchParams.get('timeoutSeconds'));
  const lasted = (Date.parse(stageTimestamp) - Date.parse(requestReceivedTimestamp)) / 1000;
  return lasted < asked - 1;
}

/** Does it for each, some at once. */
export async function inParallel<T>(
  all: readonly T[],
  run: (one: T) => Promise<unknown>,
  atOnce = AT_ONCE,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < all.length) {
      await run(all[next++] as T);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Looks every 100 ms. */
export async function until(look: () => Promise<boolean>, limitMs: number, what: string): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(100)) {
    if (await look()) {
      return;
    }
  }
  throw new Error(`waited ${limitMs / 1000} s for ${what}`);
}
