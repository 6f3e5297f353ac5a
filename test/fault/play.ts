/** Plays a story of the simulation on a real API server, the operator behind the proxy, and returns how it ended in the same words. */
import { setTimeout as rest } from 'node:timers/promises';
import { networkProber } from '../../src/checks/checker.ts';
import { Engine } from '../../src/engine/engine.ts';
import type { Tracer } from '../../src/engine/telemetry-ports.ts';
import { type Cluster, connect } from '../../src/kube/cluster.ts';
import type { Completion } from '../sim/run.ts';
import { type Story, specOf } from '../sim/story.ts';
import { type Remembered, remembered, rememberingLog, rememberingTelemetry } from '../sim/telemetry.ts';
import { type Asked, isAct, unguarded } from './asked.ts';
import { answerExec } from './exec-answer.ts';
import type { Lab } from './lab.ts';
import { type Fault, FaultProxy, type Upstream } from './proxy.ts';
import type { Json } from './rest.ts';
import { writeKubeconfig } from './server.ts';

/** Where the operator's process ends. `before`, `lost`, `after`: not done; done but not answered; done and answered. */
export type Cut = 'before' | 'lost' | 'after';

export interface Chosen {
  readonly fault?: Fault;
  /** Ends this process, and begins another one. */
  readonly cut?: Cut;
}

export interface PlayOptions {
  /** Asked for every request; `act` counts the operator's own writes, over all its processes, from 1. */
  readonly choose?: (asked: Asked, act: number | undefined) => Chosen | undefined;
  /** As whom the operator comes, and what it finds; the administrator, when nothing is said. */
  readonly identity?: Identity;
  /** Takes the spans of the operator's process of this name. */
  readonly tracer?: (instance: string) => Tracer;
  /** Runs beside the story. */
  readonly meddle?: (play: Playing) => Promise<void>;
  readonly limitMs?: number;
}

export interface Identity {
  readonly upstream: Upstream;
  /** The certificate of whom it believes to be the API server. */
  readonly server: { readonly key: Buffer; readonly cert: Buffer };
  /** Writes a kubeconfig for the server on this port, and returns its path. */
  readonly kubeconfig: (port: number) => string;
}

export interface Played {
  readonly ending: Completion;
  readonly message: string;
  readonly asked: readonly Asked[];
  /** The operator's own writes, in their order. */
  readonly acts: readonly Asked[];
  readonly memory: Remembered;
  /** Broken rules, as sentences. */
  readonly violations: readonly string[];
  readonly deaths: number;
  readonly seconds: number;
}

const LIMIT_MS = 60_000;
/** How long it must stay as it is to count as the end, without a write. */
const CALM_MS = 600;
const clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  random: () => Math.random(),
  after: (delayMs: number, run: () => void) => {
    const timer = setTimeout(run, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

/** One process of the operator, in this one: an engine over the real shells, which know nothing but the proxy's address. */
interface Process {
  readonly proxy: FaultProxy;
  readonly engine: Engine;
  readonly cluster: Cluster;
}

let namespaces = 0;

export class Playing {
  readonly lab: Lab;
  readonly story: Story;
  readonly namespace: string;
  readonly asked: Asked[] = [];
  readonly acts: Asked[] = [];
  readonly violations: string[] = [];
  readonly memory = remembered();
  readonly #options: PlayOptions;
  #process: Process | undefined;
  deaths = 0;
  #starting: Promise<void> = Promise.resolve();

  constructor(lab: Lab, story: Story, options: PlayOptions) {
    this.lab = lab;
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
    const { lab, namespace, story } = this;
    await lab.rest.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace },
    });
    lab.kubelet.behave(namespace, story.images);
    await until(
      async () => (await lab.rest.find(this.path('v1', 'serviceaccounts', 'default'))) !== undefined,
      10_000,
    );
    await lab.rest.create(this.path('apps/v1', `${story.workload.kind.toLowerCase()}s`), manifestOf(story));
    await until(() => this.#isRolledOut(), 30_000);
    await this.startOperator();
    await lab.rest.create(this.path('postcheck.dev/v1alpha1', 'upgrades'), {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: 'web' },
      spec: specOf(story),
    });
  }

  async startOperator(): Promise<void> {
    const { lab, memory } = this;
    const {
      upstream,
      server,
      kubeconfig: write,
    } = this.#options.identity ?? {
      upstream: lab.upstream,
      server: lab.certificates,
      kubeconfig: (port: number) => writeKubeconfig(lab.certificates, port, 'token'),
    };
    const proxy = new FaultProxy({
      upstream,
      ...server,
      choose: (asked) => this.#choose(asked, proxy),
      exec: (asked, socket, key) => {
        const { searchParams } = new URL(asked.path, 'https://api');
        const [container = '', command = ''] = ['container', 'command'].map(
          (key) => searchParams.get(key) ?? '',
        );
        answerExec(socket, key, lab.kubelet.ask(asked.namespace, asked.name, container, command));
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
        changed: () => {},
      },
    });
    const engine = new Engine({
      ...cluster,
      prober: networkProber(),
      clock,
      telemetry: rememberingTelemetry(memory),
      tracer: this.#options.tracer?.(identity),
      log: rememberingLog(memory),
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

  #choose(asked: Asked, proxy: FaultProxy): Fault | undefined {
    if (proxy !== this.#process?.proxy) {
      return ({ cut }) => cut();
    }
    this.asked.push(asked);
    const broken = unguarded(asked);
    if (broken) {
      this.violations.push(broken);
    }
    const act = isAct(asked) ? this.acts.push(asked) : undefined;
    const { fault, cut } = this.#options.choose?.(asked, act) ?? {};
    return cut ? this.#cutAt(cut) : fault;
  }

  #cutAt(cut: Cut): Fault {
    return async (exchange) => {
      if (cut !== 'before') {
        const answer = await exchange.forward();
        if (cut === 'after') {
          exchange.reply(answer);
          await Promise.race([exchange.ended, rest(50)]);
        }
      }
      this.kill();
    };
  }

  async #isRolledOut(): Promise<boolean> {
    const { status = {}, spec, metadata } = await this.lab.rest.get(this.workloadPath());
    const wanted = spec.replicas ?? status.desiredNumberScheduled;
    const available = status.availableReplicas ?? status.numberAvailable;
    return status.observedGeneration === metadata.generation && wanted > 0 && available === wanted;
  }

  async ending(): Promise<{ ending: Completion; message: string }> {
    const { lab } = this;
    const [upgrade, workload, pods] = await Promise.all([
      lab.rest.find(this.upgradePath()),
      lab.rest.find(this.workloadPath()),
      lab.rest.get(this.path('v1', 'pods')),
    ]);
    return { ending: endingOf(upgrade, workload, pods.items), message: upgrade?.status?.message ?? '' };
  }

  /** Waits for the ending that is expected, and then for calm; or for the time to be up. */
  async end(expected: Completion): Promise<{ ending: Completion; message: string }> {
    const wanted = JSON.stringify(expected);
    const reached = async (): Promise<boolean> => JSON.stringify((await this.ending()).ending) === wanted;
    const inTime = await until(reached, this.#options.limitMs ?? LIMIT_MS).then(
      () => true,
      () => false,
    );
    if (inTime) {
      await this.#starting;
      await rest(CALM_MS);
    }
    return await this.ending();
  }

  async clear(): Promise<void> {
    await this.#starting;
    await this.#process?.engine.stop();
    this.#process?.proxy.close();
    await this.#process?.cluster.close();
    await this.lab.rest.remove(`/api/v1/namespaces/${this.namespace}`).catch(() => {});
  }
}

/** Plays until it has ended as `expected`, or the time is up. */
export async function playReal(
  lab: Lab,
  story: Story,
  expected: Completion,
  options: PlayOptions = {},
): Promise<Played> {
  const playing = new Playing(lab, story, options);
  const began = performance.now();
  try {
    await playing.prepare();
    const meddled = options
      .meddle?.(playing)
      .catch((error: Error) => void playing.violations.push(`meddling: ${error.message}`));
    const { ending, message } = await playing.end(expected);
    await meddled;
    const { asked, acts, memory, deaths } = playing;
    const seconds = (performance.now() - began) / 1000;
    const violations = [...playing.violations, ...memory.errors.map((error) => `error: ${error}`)];
    return { ending, message, asked, acts, memory, violations, deaths, seconds };
  } finally {
    await playing.clear();
  }
}

export async function until(look: () => Promise<boolean>, limitMs: number): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end; await rest(100)) {
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
