/** One scenario: a namespace of its own, a workload, an Upgrade, and the looks at what became of them. */
import { existsSync } from 'node:fs';
import { env, pid } from 'node:process';
import type { Verb } from '../../../src/api/verbs.ts';
import { Api, type Json, start } from './api.ts';
import { withLabels } from './metrics.ts';
import { Operator } from './operator.ts';
import { conditionOf, imageOf, isReady, PodHistory } from './pod-history.ts';
import { waitFor } from './wait.ts';
import {
  image,
  type Kind,
  kindOf,
  NAME,
  type Overrides,
  pluralOf,
  type Shape,
  workload,
} from './workloads.ts';

const GROUP = '/apis/postcheck.dev/v1alpha1';
const READY_SECONDS = 90;
/** For one scenario, its wait for a turn included: generous, a wait inside fails earlier and says for what. */
export const TEST_MS = 300_000;

export class Scenario {
  readonly api: Api;
  readonly operator: Operator;
  readonly namespace: string;
  readonly shape: Shape;
  readonly kind: Kind;
  readonly pods = new PodHistory();
  readonly #endings: (() => void)[] = [];

  constructor(api: Api, namespace: string, shape: Shape) {
    this.api = api;
    this.operator = new Operator(api);
    this.namespace = namespace;
    this.shape = shape;
    this.kind = kindOf(shape);
  }

  get workloadPath(): string {
    return `/apis/apps/v1/namespaces/${this.namespace}/${pluralOf(this.kind)}`;
  }

  get upgradePath(): string {
    return `${GROUP}/namespaces/${this.namespace}/upgrades`;
  }

  /** Creates the workload and waits until all of its pods are Ready. */
  async deploy(tag: string, overrides?: Overrides): Promise<void> {
    await this.api.create(this.workloadPath, workload(this.shape, tag, overrides));
    await this.settled();
    this.pods.baseline();
  }

  /** Waits until the workload's controller says that all is rolled out and Ready. */
  settled = (): Promise<Json> =>
    waitFor(`${this.shape} to be rolled out`, () => this.workload(), isRolledOut, {
      timeoutSeconds: READY_SECONDS,
    });

  create = (upgrade: Json): Promise<Json> => this.api.create(this.upgradePath, upgrade);
  edit = (spec: Json, name = NAME): Promise<Json> => this.api.patch(`${this.upgradePath}/${name}`, { spec });
  /** A verb: `postcheck.dev/retry` or `postcheck.dev/abort` with a token. */
  say = (verb: Verb, token: string): Promise<Json> =>
    this.api.patch(`${this.upgradePath}/${NAME}`, {
      metadata: { annotations: { [`postcheck.dev/${verb}`]: token } },
    });

  /** From now on lets the application start in every pod that runs `tag`, those to come included. */
  startUp(tag: string): void {
    const started = new Set<string>();
    const look = () => {
      const waiting = this.pods.live.filter(
        (pod) => imageOf(pod) === image(tag) && isRunning(pod) && !started.has(pod.metadata.uid),
      );
      for (const { metadata } of waiting) {
        started.add(metadata.uid);
        start('kubectl', [
          'exec',
          '--namespace',
          this.namespace,
          metadata.name,
          '--',
          'touch',
          '/tmp/started',
        ]).catch(() => started.delete(metadata.uid));
      }
    };
    const timer = setInterval(look, 500);
    this.atEnd(() => clearInterval(timer));
  }

  /** Does that when the scenario ends, well or badly: what went on beside it would keep the process alive. */
  atEnd(act: () => void): void {
    this.#endings.push(act);
  }

  /** Ends all that runs beside the scenario. */
  end(): void {
    this.pods.stop();
    for (const end of this.#endings) {
      end();
    }
  }

  workload = (): Promise<Json> => this.api.get(`${this.workloadPath}/${NAME}`);
  status = async (name = NAME): Promise<Json> =>
    (await this.api.get(`${this.upgradePath}/${name}`)).status ?? {};

  /** The status once it is in that phase or as `accept` wants it. */
  until(wanted: string | ((status: Json) => unknown), timeoutSeconds = 90, name = NAME): Promise<Json> {
    const accept = typeof wanted === 'string' ? (status: Json) => status.phase === wanted : wanted;
    return waitFor(`the status to be ${wanted}`, () => this.status(name), accept, { timeoutSeconds });
  }

  /** Reasons of the events about the Upgrade, in the order of their first coming, each once. */
  async events(): Promise<string[]> {
    const path = `/api/v1/namespaces/${this.namespace}/events?fieldSelector=${encodeURIComponent('involvedObject.kind=Upgrade')}`;
    const at = (event: Json): string =>
      event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp;
    const sorted = (await this.api.list(path)).sort((a, b) => (at(a) < at(b) ? -1 : 1));
    return [...new Set(sorted.map(({ reason }) => reason as string))];
  }

  /** Waits until all of these events are there, and gives all reasons. */
  saw = (...reasons: string[]): Promise<string[]> =>
    waitFor(
      `events ${reasons.join(', ')}`,
      () => this.events(),
      (seen) => reasons.every((reason) => seen.includes(reason)),
      {
        timeoutSeconds: 15,
      },
    );

  /** The operator's gauge says that this Upgrade is in `phase`. */
  counted = (phase: string, name = NAME): Promise<unknown> =>
    waitFor(
      `postcheck_upgrade_info to be ${phase}`,
      async () =>
        withLabels(await this.operator.metrics(), 'postcheck_upgrade_info', {
          upgrade_namespace: this.namespace,
          name,
          phase,
        }),
      (values) => values.length === 1 && values[0] === 1,
      { timeoutSeconds: 15, everyMs: 1000 },
    );

  /** What a reader of a failed test needs. */
  async diagnosis(): Promise<string> {
    const upgrades = await this.api.list(this.upgradePath);
    const pods = [...this.pods.all.values()].map(podLine(this.pods.present));
    const log = await this.operator.log(`"namespace":"${this.namespace}"`);
    return [
      `--- ${this.namespace}: Upgrades`,
      ...upgrades.map(({ metadata, spec, status }) =>
        JSON.stringify({ name: metadata.name, spec, status }, null, 1),
      ),
      '--- pods that there were',
      ...pods,
      `--- events: ${(await this.events()).join(', ')}`,
      '--- operator',
      log,
    ].join('\n');
  }
}

const isRunning = (pod: Json): boolean => pod.status.containerStatuses?.[0]?.state?.running !== undefined;

const podLine =
  (present: ReadonlyMap<string, Json>) =>
  (pod: Json): string => {
    const { metadata, spec, status } = pod;
    const waiting = status.containerStatuses?.[0]?.state?.waiting?.reason ?? status.phase;
    const verified = conditionOf(pod, 'postcheck.dev/verified');
    const gone = !present.has(metadata.uid) ? ' gone' : metadata.deletionTimestamp ? ' ending' : '';
    return `${metadata.name} ${imageOf(pod)} on ${spec.nodeName} ${waiting} ready=${isReady(pod)} verified=${verified?.status}${gone}`;
  };

function isRolledOut({ kind, metadata, spec, status }: Json): boolean {
  if (status?.observedGeneration !== metadata.generation) {
    return false;
  }
  if (kind === 'DaemonSet') {
    const { desiredNumberScheduled: desired, numberAvailable = 0, updatedNumberScheduled = 0 } = status;
    return desired > 0 && numberAvailable === desired && updatedNumberScheduled === desired;
  }
  const { updatedReplicas = 0, availableReplicas = 0, replicas = 0 } = status;
  return (
    updatedReplicas === spec.replicas && availableReplicas === spec.replicas && replicas === spec.replicas
  );
}

/** Which process of the tests made a namespace. */
const MAKER = 'postcheck.test/pid';

const runs = (maker: string | undefined): boolean => maker !== undefined && existsSync(`/proc/${maker}`);

/** One that an earlier run has left is made anew; one of a scenario that is under way is an error of who named the two. */
async function makeNamespace(api: Api, name: string): Promise<void> {
  const path = '/api/v1/namespaces';
  const left = await api.find(`${path}/${name}`);
  if (left && !left.metadata.deletionTimestamp && runs(left.metadata.annotations?.[MAKER])) {
    throw new Error(`another scenario is called ${name}`);
  }
  if (left) {
    await api.remove(`${path}/${name}`);
    await waitFor(
      `namespace ${name} to go`,
      () => api.find(`${path}/${name}`),
      (found) => found === undefined,
      { timeoutSeconds: 120 },
    );
  }
  await api.create(path, { metadata: { name, annotations: { [MAKER]: String(pid) } } });
}

const slug = (shape: Shape, name: string): string =>
  `e2e-${shape} ${name}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** The body of a test: `scenario('Deployment', 'good', async (s) => …)`. The namespace goes afterwards, unless KEEP is set. */
export const scenario =
  (shape: Shape, name: string, body: (scenario: Scenario) => Promise<void>) => async (): Promise<void> => {
    const api = new Api();
    const namespace = slug(shape, name);
    await makeNamespace(api, namespace);
    const one = new Scenario(api, namespace, shape);
    await one.pods.start(api, namespace);
    try {
      await body(one);
    } catch (error) {
      const why = error instanceof Error ? error : new Error(String(error));
      why.stack = `${why.stack}\n${await one.diagnosis().catch((problem: unknown) => `no diagnosis: ${problem}`)}`;
      throw why;
    } finally {
      one.end();
      if (!env.KEEP) {
        await api.remove(`/api/v1/namespaces/${namespace}`);
      }
    }
  };
