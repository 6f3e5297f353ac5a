/** Upgrades without end on a real API server: good, bad and odd ones, each with the only end that it may have. */
import { setTimeout as rest } from 'node:timers/promises';
import type { Random } from '../fuzz/random.ts';
import { type Behaviour, exits, exitsFirst } from '../sim/behaviour.ts';
import type { Json } from './admin-client.ts';
import type { Environment } from './environment.ts';
import type { Observer } from './observer.ts';

/** What an image does, by the first word of its tag, and how its upgrade has to end. */
const VERSIONS = {
  good: { behaviour: {}, ends: 'Succeeded' },
  slow: { behaviour: { readyAfterMs: 1500 }, ends: 'Succeeded' },
  retried: { behaviour: exitsFirst(2, 1), ends: 'Succeeded' },
  cut: { behaviour: { answer: ({ nth }) => (nth === 1 ? 'broken' : 0) }, ends: 'Succeeded' },
  bad: { behaviour: exits(17, 'the schema is too old'), ends: 'FellBack' },
  secondbad: { behaviour: { answer: ({ index }) => (index % 3 === 2 ? 17 : 0) }, ends: 'FellBack' },
  missing: { behaviour: { answer: () => 'missing' }, ends: 'FellBack' },
  never: { behaviour: exits(3), ends: 'FellBack', deadlineSeconds: 20 },
} satisfies Readonly<
  Record<string, { behaviour: Behaviour; ends: 'Succeeded' | 'FellBack'; deadlineSeconds?: number }>
>;
type Version = keyof typeof VERSIONS;
/** Most upgrades are good. */
const SHARES: readonly Version[] = [
  'good', 'good', 'good', 'good', 'slow', 'retried', 'retried', 'cut', 'bad', 'bad', 'secondbad', 'missing', 'never',
]; // biome-ignore format: a list

/** What users do meanwhile, which changes nothing about the end. */
const ODD = ['nothing', 'nothing', 'nothing', 'a pod is deleted', 'paused and resumed', 'annotated'] as const;

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
const PLURALS = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' } as const;
/** How long an upgrade may take; its faults are short. */
const LONGEST_MS = 240_000;
/** Deadline for all that is not meant to run into it. */
const DEADLINE_SECONDS = 120;

export interface Churned {
  succeeded: number;
  fellBack: number;
  /** A good version was taken back, or a bad one was kept. */
  readonly wrong: string[];
  /** Upgrades that did not end. */
  readonly lost: string[];
}

const imageOf = (version: Version, nth: number): string => `registry.example/web:${version}-${nth}`;
const versionOf = (image: string): Version | undefined =>
  Object.keys(VERSIONS).find((name): name is Version => image.includes(`:${name}-`));

/** The behaviour of every image that there can be. */
const behaviours = new Proxy<Record<string, Behaviour>>(
  {},
  {
    get: (_, image) => VERSIONS[versionOf(String(image)) ?? 'good'].behaviour,
  },
);

const check = {
  name: 'readiness-probe',
  exec: { command: ['/usr/bin/readiness_probe.sh'] },
  exitCodes: [
    { codes: '17', class: 'Fail', reason: 'SchemaTooOld', message: 'the database schema is too old' },
  ],
};

/** What all lanes share. */
export interface LaneSources {
  readonly environment: Environment;
  readonly observer: Observer;
  readonly churned: Churned;
}

/** One workload and its Upgrade, which get one version after the other. */
export class Lane {
  readonly #environment: Environment;
  readonly #observer: Observer;
  readonly #namespace: string;
  readonly #kind: (typeof KINDS)[number];
  readonly #random: Random;
  readonly #churned: Churned;
  #runs = imageOf('good', 0);
  #nth = 0;

  constructor({ environment, observer, churned }: LaneSources, number: number, random: Random) {
    this.#environment = environment;
    this.#observer = observer;
    this.#namespace = `churn-${number}`;
    this.#kind = KINDS[number % KINDS.length] ?? 'Deployment';
    this.#random = random;
    this.#churned = churned;
  }

  #path(group: string, plural: string, name = ''): string {
    const root = group === 'v1' ? '/api/v1' : `/apis/${group}`;
    return `${root}/namespaces/${this.#namespace}/${plural}${name && `/${name}`}`;
  }
  #workloads = (): string => this.#path('apps/v1', PLURALS[this.#kind]);
  #upgrade = (): string => this.#path('postcheck.dev/v1alpha1', 'upgrades', 'web');

  async prepare(): Promise<void> {
    const { admin: api, kubelet } = this.#environment;
    kubelet.behave(this.#namespace, behaviours);
    await api.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: this.#namespace },
    });
    await this.#until(() => api.find(this.#path('v1', 'serviceaccounts', 'default')));
    await api.create(this.#workloads(), workloadOf(this.#kind, this.#runs));
    await this.#until(async () => (await this.#serving(this.#runs)) || undefined);
  }

  /** Goes on until `isOver`. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this.#next();
    }
  }

  /** Deletes the namespace amid an attempt: nothing that the operator set may keep it. */
  async remove(): Promise<void> {
    const { admin: api } = this.#environment;
    const path = `/api/v1/namespaces/${this.#namespace}`;
    await this.#want('retried', imageOf('retried', ++this.#nth));
    await rest(this.#random.below(2000));
    await api.remove(path);
    const isGone = async (): Promise<true | undefined> => {
      await rest(1000);
      return (await api.find(path)) === undefined || undefined;
    };
    if (!(await this.#until(isGone))) {
      const { status } = await api.get(path);
      this.#churned.lost.push(`${this.#namespace} is never gone: ${JSON.stringify(status.conditions)}`);
    }
  }

  async #next(): Promise<void> {
    const version = this.#random.pick(SHARES);
    const image = imageOf(version, ++this.#nth);
    const { ends } = VERSIONS[version];
    await this.#want(version, image);
    const odd = this.#random.pick(ODD);
    const told = `${this.#kind} ${this.#namespace} ${image}, ${odd}`;
    await this.#meddle(odd).catch(() => undefined);
    const outcome = await this.#until(async () => this.#outcomeOf(image));
    if (outcome === undefined) {
      const status = (await this.#environment.admin.get(this.#upgrade())).status ?? {};
      this.#churned.lost.push(`${told}: ${status.phase}: ${status.message}`);
    } else if (outcome.outcome !== ends) {
      this.#churned.wrong.push(`${told}: ${outcome.outcome} instead of ${ends}: ${outcome.cause}`);
    }
    await this.#settle(image, ends, told);
  }

  async #want(version: Version, image: string): Promise<void> {
    const more = VERSIONS[version];
    const deadlineSeconds = 'deadlineSeconds' in more ? more.deadlineSeconds : DEADLINE_SECONDS;
    await this.#environment.admin.apply(this.#upgrade(), {
      apiVersion: 'postcheck.dev/v1alpha1',
      kind: 'Upgrade',
      metadata: { name: 'web' },
      spec: {
        targetRef: { apiVersion: 'apps/v1', kind: this.#kind, name: 'web' },
        containers: [{ name: 'web', image }],
        postCheck: { periodSeconds: 1, deadlineSeconds, checks: [check] },
      },
    });
  }

  /** Afterwards every pod runs what has to run, and serves. */
  async #settle(image: string, ends: 'Succeeded' | 'FellBack', told: string): Promise<void> {
    const runs = ends === 'Succeeded' ? image : this.#runs;
    if (!(await this.#until(async () => (await this.#serving(runs)) || undefined))) {
      this.#churned.lost.push(`${told}: not every pod serves with ${runs}`);
    } else if (ends === 'Succeeded') {
      this.#churned.succeeded++;
    } else {
      this.#churned.fellBack++;
    }
    this.#runs = runs;
  }

  #outcomeOf(image: string): { outcome: string; cause: string } | undefined {
    const status = this.#observer.find('upgrades', this.#namespace, 'web')?.status;
    return status?.history?.find(({ images }: Json) => images.web === image);
  }

  /** As observed, and then as the API server says, because a watch may lag behind. */
  async #serving(image: string): Promise<boolean> {
    const { admin } = this.#environment;
    const workload = this.#observer.find(PLURALS[this.#kind], this.#namespace, 'web');
    if (!workload || !this.#serves(image, workload, this.#observer.list('pods', this.#namespace))) {
      return false;
    }
    const [now, { items }] = await Promise.all([
      admin.get(`${this.#workloads()}/web`),
      admin.get(this.#path('v1', 'pods')),
    ]);
    return this.#serves(image, now, items);
  }

  #serves(image: string, { spec }: Json, pods: readonly Json[]): boolean {
    const serves = (pod: Json): boolean =>
      pod.spec.containers[0].image === image &&
      pod.status.conditions?.some((one: Json) => one.type === 'Ready' && one.status === 'True');
    return spec.template.spec.containers[0].image === image && pods.length === 3 && pods.every(serves);
  }

  async #meddle(odd: (typeof ODD)[number]): Promise<void> {
    const { admin: api } = this.#environment;
    if (odd === 'nothing') {
      return;
    }
    await rest(200 + this.#random.below(2000));
    if (odd === 'a pod is deleted') {
      const { items } = await api.get(this.#path('v1', 'pods'));
      await api.remove(this.#path('v1', 'pods', items[this.#random.below(items.length)]?.metadata.name));
    } else if (odd === 'annotated') {
      await api.patch(this.#upgrade(), { metadata: { annotations: { note: String(this.#nth) } } });
    } else {
      await api.patch(this.#upgrade(), { spec: { paused: true } });
      await rest(this.#random.below(2000));
      await api.patch(this.#upgrade(), { spec: { paused: null } });
    }
  }

  async #until<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    for (const end = performance.now() + LONGEST_MS; performance.now() < end; await rest(100)) {
      const found = await look().catch(() => undefined);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }
}

function workloadOf(kind: (typeof KINDS)[number], image: string): Json {
  const labels = { app: 'web' };
  const template = {
    metadata: { labels },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image }] },
  };
  const own = {
    Deployment: { replicas: 3, revisionHistoryLimit: 3 },
    DaemonSet: { revisionHistoryLimit: 3, updateStrategy: { rollingUpdate: { maxUnavailable: 3 } } },
    StatefulSet: {
      replicas: 3,
      serviceName: 'web',
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 3,
    },
  }[kind];
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: 'web' },
    spec: { selector: { matchLabels: labels }, template, ...own },
  };
}
