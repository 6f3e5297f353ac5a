/** Runs a story of the simulation on a real API server, with the operator behind the fault proxy, and returns its ending in the same form. */

import { setTimeout as sleep } from 'node:timers/promises';
import { networkProber } from '../../src/checks/checker.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Tracer } from '../../src/engine/telemetry-ports.ts';
import { type Cluster, connect } from '../../src/kube/cluster.ts';
import { LOCAL_CLOCK } from '../../src/local-clock.ts';
import type { Completion } from '../sim/run.ts';
import { type Story, specOf } from '../sim/story.ts';
import { type Remembered, remembered, rememberingLog, rememberingTelemetry } from '../sim/telemetry.ts';
import type { Json } from './admin-client.ts';
import type { Environment } from './environment.ts';
import { fakeExec } from './fake-exec.ts';
import { LogBook, type LoggedLine } from './logged.ts';
import { type Fault, FaultProxy, type Upstream } from './proxy.ts';
import { isAct, type SentRequest, unguarded } from './sent-request.ts';
import { writeKubeconfig } from './server.ts';

/** When the operator's process ends: before the request is forwarded, before its response arrives (`lost`), or after it. */
export type Cut = 'before' | 'lost' | 'after';

export interface Chosen {
  readonly fault?: Fault;
  /** Ends this process, and starts another one. */
  readonly cut?: Cut;
}

export interface PlayOptions {
  /** Called for every request; `act` counts the operator's own writes, over all its processes, from 1. */
  readonly choose?: (sent: SentRequest, act: number | undefined) => Chosen | undefined;
  /** The identity of the operator; by default the administrator. */
  readonly identity?: Identity;
  /** Takes the spans of the operator's process of this name. */
  readonly tracer?: (instance: string) => Tracer;
  /** Runs beside the story. */
  readonly meddle?: (play: StoryRun) => Promise<void>;
  readonly limitMs?: number;
}

export interface Identity {
  readonly upstream: Upstream;
  /** The certificate of whom it believes to be the API server. */
  readonly server: { readonly key: Buffer; readonly cert: Buffer };
  /** Writes a kubeconfig for the server on this port, and returns its path. */
  readonly kubeconfig: (port: number) => string;
}

export interface StoryResult {
  readonly ending: Completion;
  readonly message: string;
  readonly sent: readonly SentRequest[];
  /** The operator's own writes, in their order. */
  readonly acts: readonly SentRequest[];
  readonly memory: Remembered;
  /** What the operator logged, in all its processes. */
  readonly logged: readonly LoggedLine[];
  /** Broken rules, as sentences. */
  readonly violations: readonly string[];
  readonly deaths: number;
  /** From the Upgrade's creation to its ending; NaN when that did not come in time. */
  readonly seconds: number;
}

const LIMIT_MS = 60_000;
/** How long it must stay as it is to count as the end, without a write. */
const CALM_MS = 600;
const clock = { ...LOCAL_CLOCK, now: () => Date.now() };

/** One process of the operator, in this one: an engine over the real shells, which know nothing but the proxy's address. */
interface Process {
  readonly proxy: FaultProxy;
  readonly engine: Engine;
  readonly cluster: Cluster;
}

let namespaces = 0;

export class StoryRun {
  readonly environment: Environment;
  readonly story: Story;
  readonly namespace: string;
  readonly sent: SentRequest[] = [];
  readonly acts: SentRequest[] = [];
  readonly violations: string[] = [];
  readonly memory = remembered();
  readonly book = new LogBook();
  readonly #options: PlayOptions;
  #process: Process | undefined;
  deaths = 0;
  #starting: Promise<void> = Promise.resolve();

  constructor(environment: Environment, story: Story, options: PlayOptions) {
    this.environment = environment;
    this.story = story;
    this.#options = options;
    this.namespace = `plan-${process.pid}-${++namespaces}`;
  }

  get proxy(): FaultProxy {
    return (this.#process as Process).proxy;
  }

  /** `group/version` of a resource, or `v1`, then its plural and perhaps a name. */
  path = (group: string, plural: string, name = ''): string =>
    `/${group === 'v1' ? 'api' : 'apis'}/${group}/namespaces/${this.namespace}/${plural}${name && `/${name}`}`;
  upgradePath = (): string => this.path('postcheck.dev/v1alpha1', 'upgrades', 'web');
  workloadPath = (): string => this.path('apps/v1', `${this.story.workload.kind.toLowerCase()}s`, 'web');

  async prepare(): Promise<void> {
    const { environment, namespace, story } = this;
    await environment.admin.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    environment.kubelet.behave(namespace, story.images);
    await until(
      async () => (await environment.admin.find(this.path('v1', 'serviceaccounts', 'default'))) !== undefined,
      10_000,
    );
    await environment.admin.create(
      this.path('apps/v1', `${story.workload.kind.toLowerCase()}s`),
      manifestOf(story),
    );
    await until(() => this.#isRolledOut(), 30_000);
    await this.startOperator();
    await environment.admin.create(this.path('postcheck.dev/v1alpha1', 'upgrades'), {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: 'web' },
      spec: specOf(story),
    });
  }

  async startOperator(): Promise<void> {
    const { environment, memory } = this;
    const {
      upstream,
      server,
      kubeconfig: write,
    } = this.#options.identity ?? {
      upstream: environment.upstream,
      server: environment.certificates,
      kubeconfig: (port: number) => writeKubeconfig(environment.certificates, port, 'token'),
    };
    const proxy = new FaultProxy({
      upstream,
      ...server,
      choose: (sent) => this.#choose(sent, proxy),
      exec: (sent, socket, key) => {
        const { searchParams } = new URL(sent.path, 'https://api');
        const [container = '', command = ''] = ['container', 'command'].map(
          (key) => searchParams.get(key) ?? '',
        );
        fakeExec(socket, key, environment.kubelet.ask(sent.namespace, sent.name, container, command));
      },
    });
    const kubeconfig = write(await proxy.listen());
    const identity = `operator-${this.deaths + 1}`;
    const cluster = await connect({
      kubeconfig,
      context: undefined,
      namespaces: [this.namespace],
      identity,
      gatePolicyName: 'postcheck-gate',
      watchListener: {
        failed: (_kind, reason) => reason === 'restored' && proxy === this.#process?.proxy && this.kill(),
        changed: this.book.watchChanged,
      },
    });
    const engine = new Engine({
      ...cluster,
      prober: networkProber(),
      clock,
      telemetry: rememberingTelemetry(memory),
      tracer: this.#options.tracer?.(identity),
      log: this.book.beside(rememberingLog(memory)),
      maxExecs: 16,
      maxExecsPerNode: 4,
    });
    this.#process = { proxy, engine, cluster };
    engine.lead();
  }

  /** Ends the operator's process at this very moment, as SIGKILL does, and begins the next one. */
  kill(): void {
    this.deaths++;
    const old = this.#process;
    old?.proxy.kill();
    void old?.engine.stop();
    void old?.cluster.close();
    this.#starting = this.startOperator();
  }

  #choose(sent: SentRequest, proxy: FaultProxy): Fault | undefined {
    if (proxy !== this.#process?.proxy) {
      return ({ cut }) => cut();
    }
    this.sent.push(sent);
    const broken = unguarded(sent);
    if (broken) {
      this.violations.push(broken);
    }
    const act = isAct(sent) ? this.acts.push(sent) : undefined;
    const { fault, cut } = this.#options.choose?.(sent, act) ?? {};
    return cut ? this.#cutAt(cut) : fault;
  }

  #cutAt(cut: Cut): Fault {
    return async (exchange) => {
      if (cut !== 'before') {
        const answer = await exchange.forward();
        if (cut === 'after') {
          exchange.reply(answer);
          await Promise.race([exchange.ended, sleep(50)]);
        }
      }
      this.kill();
    };
  }

  async #isRolledOut(): Promise<boolean> {
    const { status = {}, spec, metadata } = await this.environment.admin.get(this.workloadPath());
    const wanted = spec.replicas ?? status.desiredNumberScheduled;
    const available = status.availableReplicas ?? status.numberAvailable;
    return status.observedGeneration === metadata.generation && wanted > 0 && available === wanted;
  }

  async ending(): Promise<{ ending: Completion; message: string }> {
    const { environment } = this;
    const [upgrade, workload, pods] = await Promise.all([
      environment.admin.find(this.upgradePath()),
      environment.admin.find(this.workloadPath()),
      environment.admin.get(this.path('v1', 'pods')),
    ]);
    return { ending: endingOf(upgrade, workload, pods.items), message: upgrade?.status?.message ?? '' };
  }

  /** Waits for the ending that is expected, and then for calm; or for the time to be up. */
  async end(expected: Completion): Promise<{ ending: Completion; message: string; seconds: number }> {
    const began = performance.now();
    const wanted = JSON.stringify(expected);
    const reached = async (): Promise<boolean> => JSON.stringify((await this.ending()).ending) === wanted;
    const inTime = await until(reached, this.#options.limitMs ?? LIMIT_MS).then(
      () => true,
      () => false,
    );
    const seconds = inTime ? (performance.now() - began) / 1000 : Number.NaN;
    if (inTime) {
      await this.#starting;
      await sleep(CALM_MS);
    }
    return { ...(await this.ending()), seconds };
  }

  async clear(): Promise<void> {
    await this.#starting;
    await this.#process?.engine.stop();
    this.#process?.proxy.close();
    await this.#process?.cluster.close();
    await this.environment.admin.remove(`/api/v1/namespaces/${this.namespace}`).catch(() => {});
  }
}

/** Plays until it has ended as `expected`, or the time is up. */
export async function playReal(
  environment: Environment,
  story: Story,
  expected: Completion,
  options: PlayOptions = {},
): Promise<StoryResult> {
  const run = new StoryRun(environment, story, options);
  try {
    await run.prepare();
    const meddled = options
      .meddle?.(run)
      .catch((error: Error) => void run.violations.push(`meddling: ${error.message}`));
    const { ending, message, seconds } = await run.end(expected);
    await meddled;
    const { sent, acts, memory, deaths } = run;
    const violations = [...run.violations, ...memory.errors.map((error) => `error: ${error}`)];
    return { ending, message, sent, acts, memory, logged: run.book.lines, violations, deaths, seconds };
  } finally {
    await run.clear();
  }
}

export async function until(look: () => Promise<boolean>, limitMs: number): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; await sleep(100)) {
    // The API server may be down on purpose.
    if (await look().catch(() => false)) {
      return;
    }
  }
  throw new Error(`not so within ${limitMs / 1000} s: ${look}`);
}

function manifestOf({ workload }: Story): Json {
  const {
    kind,
    name,
    images,
    replicas = 3,
    ordered = true,
    onDelete = false,
    maxSurge,
    maxUnavailable,
  } = workload;
  const labels = { app: name };
  const containers = Object.entries(images).map(([container, image]) => ({ name: container, image }));
  const spec = { terminationGracePeriodSeconds: 1, containers };
  const common = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };
  const rolling = Object.fromEntries(
    Object.entries({ maxSurge, maxUnavailable }).filter(([, value]) => value !== undefined),
  );
  const strategy = {
    type: 'RollingUpdate',
    rollingUpdate: kind === 'Deployment' ? { maxSurge: 1, maxUnavailable: 0, ...rolling } : rolling,
  };
  const own = {
    Deployment: { replicas, strategy },
    DaemonSet: { updateStrategy: onDelete ? { type: 'OnDelete' } : strategy },
    StatefulSet: {
      replicas,
      serviceName: name,
      podManagementPolicy: ordered ? 'OrderedReady' : 'Parallel',
      updateStrategy: { type: onDelete ? 'OnDelete' : 'RollingUpdate' },
    },
  }[kind];
  return { apiVersion: 'apps/v1', kind, metadata: { name }, spec: { ...common, ...own } };
}

function endingOf(upgrade: Json | undefined, workload: Json | undefined, pods: readonly Json[]): Completion {
  const { status } = upgrade ?? {};
  return {
    phase: status?.phase ?? '-',
    outcomes: (status?.history ?? []).map(({ attempt, outcome }: Json) => `${attempt} ${outcome}`),
    reason: status?.attempt?.end?.reason ?? '-',
    fallback: status?.fallback ? `${status.fallback.state} ${status.fallback.verified ?? '-'}` : '-',
    images: Object.fromEntries(
      (workload?.spec.template.spec.containers ?? []).map(({ name, image }: Json) => [name, image]),
    ),
    pods: pods
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(
        (pod) =>
          `${pod.spec.containers.map(({ image }: Json) => image).join('+')} ${isReady(pod) ? 'serves' : 'does not serve'}`,
      )
      .sort(),
    gating: status?.attempt?.gating ?? false,
  };
}

const isReady = (pod: Json): boolean =>
  pod.status?.conditions?.some((one: Json) => one.type === 'Ready' && one.status === 'True') ?? false;
