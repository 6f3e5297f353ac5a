/** Operators as processes of this machine, so that a test can kill one at a chosen moment, or start it with other flags. The installed one is away meanwhile. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { env, execPath, pid } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api.ts';
import { OPERATOR_NAMESPACE, Operator, RELEASE } from './operator.ts';
import { waitFor } from './wait.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
/** A tenth of what kubelet waits. */
const RESTART_MS = 1000;
const DEPLOYMENT = `/apis/apps/v1/namespaces/${OPERATOR_NAMESPACE}/deployments/${RELEASE}`;

let started = 0;

/** One process; it watches one namespace, or all where none is named, and needs no Lease, so it acts as soon as it has read what is there. */
export class LocalOperator {
  readonly ended: Promise<unknown>;
  readonly #process: ChildProcess;
  #said = '';

  constructor(namespace: string, ...flags: string[]) {
    const cluster = env.CONTEXT
      ? ['--context', env.CONTEXT]
      : ['--kubeconfig', join(ROOT, '.cluster/kubeconfig')];
    const own = [
      `--watch-namespaces=${namespace}`,
      '--leader-elect=false',
      '--metrics-bind-address=0',
      '--health-probe-bind-address=0',
    ];
    this.#process = spawn(execPath, ['src/main.ts', ...cluster, ...own, ...flags], {
      cwd: ROOT,
      env: { ...env, POD_NAME: `postcheck-${pid}-${++started}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = once(this.#process, 'exit');
    for (const output of [this.#process.stdout, this.#process.stderr]) {
      output?.on('data', (chunk: Buffer) => {
        this.#said = `${this.#said}${chunk}`.slice(-8000);
      });
    }
  }

  /** What it said last, for a reader of a failed test. */
  get said(): string {
    return this.#said;
  }

  /** By SIGKILL, as an out-of-memory killer would. */
  async kill(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGKILL');
      await this.ended;
    }
  }
}

/** Two of them that share a Lease and watch all namespaces; each is started again when it ends, as kubelet would do it. */
export class Replicas {
  readonly #running: LocalOperator[] = [];
  readonly #kept: readonly Promise<void>[];
  readonly #logs: string[] = [];
  #ends = 0;
  #wanted = true;

  /** Takes the namespace of the Lease. */
  constructor(namespace: string) {
    this.#kept = [0, 1].map((index) => this.#keep(index, namespace));
  }

  /** How many processes have ended so far. */
  get ends(): number {
    return this.#ends;
  }

  /** What they said last, those that ended before too. */
  get said(): string {
    return [...this.#logs, ...this.#running.map(({ said }) => said)].join('\n');
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    await Promise.all(this.#running.map((one) => one.kill()));
    await Promise.all(this.#kept);
  }

  async #keep(index: number, namespace: string): Promise<void> {
    while (this.#wanted) {
      const operator = new LocalOperator('', '--leader-elect=true', `--lease-namespace=${namespace}`);
      this.#running[index] = operator;
      await operator.ended;
      this.#ends += 1;
      this.#logs.push(operator.said);
      await sleep(this.#wanted ? RESTART_MS : 0);
    }
  }
}

/** Takes the installed operator away; returns what brings it back as it was. */
export async function withoutInstalled(api: Api): Promise<() => Promise<void>> {
  const installed = await api.find(DEPLOYMENT);
  const replicas: number = installed?.spec.replicas ?? 0;
  if (replicas === 0) {
    return async () => {};
  }
  const operator = new Operator(api);
  await api.patch(DEPLOYMENT, { spec: { replicas: 0 } });
  await waitFor(
    'the installed operator to end',
    () => api.list(operator.podsPath),
    (pods) => pods.length === 0,
    { timeoutSeconds: 120 },
  );
  return async () => {
    await api.patch(DEPLOYMENT, { spec: { replicas } });
    await waitFor(
      'the installed operator to be back',
      () => api.get(DEPLOYMENT),
      ({ status }) => status.readyReplicas === replicas,
      { timeoutSeconds: 120 },
    );
  };
}
