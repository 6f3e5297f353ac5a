/** (b) Many Upgrades at once, each of a Deployment of ten; (c) some of them fail together. */

import { setTimeout as sleep } from 'node:timers/promises';
import type { FallbackWrite } from '../../../src/engine/telemetry-ports.ts';
import type { Json } from '../../fault/admin-client.ts';
import type { Part } from '../harness.ts';
import type { FigureSpec, Sheet } from '../measure.ts';
import { type Fleet, IMAGE, inParallel, until } from './fleet.ts';
import { type Cost, growth, type OperatorProcess, quantile } from './operator-process.ts';

const REPLICAS = 10;
/** Ten Upgrades in each: the gate policy looks at each Upgrade of a namespace for each pod that is created there. */
const UPGRADES_IN_NAMESPACE = 10;
const BARE_EVERY_MS = 50;
const LIMIT_MS = 60 * 60_000;
/** Specs that are changed at once, as by a few people or pipelines: the bench is an administrator, whose requests the API server puts before all others. */
const CHANGED_AT_ONCE = 4;
const nameOf = (index: number): string => `web-${index}`;
const indexOf = (name: string): number => Number(name.slice('web-'.length));
const namespaceOf = (index: number): string => `crowd-${Math.floor(index / UPGRADES_IN_NAMESPACE)}`;

const namespacesOf = ({ upgrades }: Crowd): readonly string[] =>
  Array.from({ length: Math.ceil(upgrades / UPGRADES_IN_NAMESPACE) }, (_, i) =>
    namespaceOf(i * UPGRADES_IN_NAMESPACE),
  );

export interface Crowd {
  readonly upgrades: number;
  readonly failing: number;
}

function specsOf({ upgrades, failing }: Crowd) {
  const of = `(b) ${upgrades} × ${REPLICAS} pods at once`;
  const bad = `(c) ${failing} of them failing together`;
  return {
    bare: { name: `${of}: bare rollouts`, unit: 's' },
    ours: { name: `${of}: verified`, unit: 's' },
    ratio: { name: `${of}: verified ÷ bare`, unit: '×' },
    cpu: { name: `${of}: operator CPU a pod`, unit: 'ms' },
    bareCluster: { name: `${of}: CPU a pod of all the others, bare`, unit: 'ms' },
    cluster: { name: `${of}: CPU a pod of all the others, verified`, unit: 'ms' },
    rss: { name: `${of}: most memory`, unit: 'MiB', aim: '≤ 250' },
    writes: { name: `${of}: writes an Upgrade, with ${REPLICAS} pods`, unit: '' },
    lists: { name: `${of}: lists`, unit: '' },
    ended: { name: `${of}: the operator's watches that ended before their time`, unit: '', aim: '0' },
    bareCutOff: { name: `${of}: watches of anybody cut off as too slow, bare`, unit: '' },
    cutOff: { name: `${of}: watches of anybody cut off as too slow, verified`, unit: '' },
    p99: { name: `${of}: reconcile p99, its writes included`, unit: 'ms' },
    wait: { name: `${of}: wait in the queue p99`, unit: 'ms' },
    execWait: { name: `${of}: a command's wait for its turn, p99`, unit: 'ms' },
    lag: { name: `${of}: event-loop lag p99`, unit: 'ms', aim: '≤ 50' },
    lagMax: { name: `${of}: event-loop lag, longest`, unit: 'ms' },
    back: { name: `${bad}: until all are back`, unit: 's' },
    recorded: { name: `${bad}: evidence → first fallback write, p99`, unit: 's', aim: '≤ 0.25' },
    recordedMedian: { name: `${bad}: the same, p50`, unit: 's' },
    fallback: { name: `${bad}: evidence → previous images set, p99`, unit: 's', aim: '≤ 0.25' },
    fallbackMedian: { name: `${bad}: the same, p50`, unit: 's' },
    bareWrite: { name: `${bad}: a write of the bench itself meanwhile, p99`, unit: 's' },
    bareMedian: { name: `${bad}: the same, p50`, unit: 's' },
    barePair: { name: `${bad}: two such writes one after the other, as a fallback begins, p99`, unit: 's' },
    overPair: { name: `${bad}: evidence → previous images set ÷ two such writes, p99`, unit: '×' },
    conflicts: { name: `${bad}: writes an Upgrade that conflicted with another`, unit: '' },
    wrong: { name: `${bad}: others that fell back`, unit: '', aim: '0' },
  } as const satisfies Record<string, FigureSpec>;
}
type Kind = keyof ReturnType<typeof specsOf>;

const listOf = (group: string, plural: string) => (namespace: string) =>
  `/apis/${group}/namespaces/${namespace}/${plural}`;
const deployments = listOf('apps/v1', 'deployments');
const upgradesIn = listOf('postcheck.dev/v1alpha1', 'upgrades');

class CrowdRun {
  readonly #fleet: Fleet;
  readonly #crowd: Crowd;
  readonly indices: readonly number[];
  readonly namespaces: readonly string[];

  constructor(fleet: Fleet, crowd: Crowd) {
    this.#fleet = fleet;
    this.#crowd = crowd;
    this.indices = Array.from({ length: crowd.upgrades }, (_, i) => i);
    this.namespaces = namespacesOf(crowd);
  }

  async prepare(): Promise<void> {
    const { rest } = this.#fleet;
    await this.#fleet.nodes(Math.max(100, Math.ceil((this.#crowd.upgrades * REPLICAS) / 100)), 'first');
    await inParallel(this.namespaces, (name) => this.#fleet.namespace(name));
    await inParallel(this.indices, (i) => rest.create(deployments(namespaceOf(i)), deploymentOf(i)));
    await this.rolledOut();
  }

  /** All Deployments have all their pods, of the image that they ask for. */
  rolledOut = (): Promise<void> =>
    this.#untilAll(
      '/apis/apps/v1/deployments',
      ({ metadata, spec, status }) =>
        status.observedGeneration >= metadata.generation &&
        status.updatedReplicas === spec.replicas &&
        status.availableReplicas === spec.replicas &&
        status.replicas === spec.replicas,
    );

  /** All Upgrades have ended, having seen their newest spec, which `changed` of them do not have yet when this begins: `listed` is called once they may. */
  ended = (changed = 0, listed?: () => void): Promise<void> =>
    this.#untilAll(
      '/apis/postcheck.dev/v1alpha1/upgrades',
      ({ metadata, status }) =>
        status?.observedGeneration === metadata.generation &&
        (metadata.generation > 1 || indexOf(metadata.name) >= changed) &&
        status.waiting === undefined &&
        ['Succeeded', 'FellBack', 'FallbackFailed', 'Failed'].includes(status.phase),
      listed,
    );

  setImage = (i: number, tag: string): Promise<Json> =>
    this.#fleet.rest.patch(
      `${deployments(namespaceOf(i))}/${nameOf(i)}`,
      { spec: { template: { spec: { containers: [{ name: 'web', image: IMAGE(tag) }] } } } },
      'strategic',
    );

  phases = async (): Promise<string[]> =>
    (await this.#fleet.rest.get('/apis/postcheck.dev/v1alpha1/upgrades')).items.map(
      ({ status }: Json) => status.phase as string,
    );

  /** Follows all objects of a kind until each is so. */
  async #untilAll(path: string, isSo: (object: Json) => boolean, listed = () => {}): Promise<void> {
    const stop = new AbortController();
    const done = new Set<string>();
    const following = this.#fleet.rest.follow(path, stop.signal, (type, object) => {
      if (type === 'BEGIN') {
        done.clear();
        listed();
      } else if (isSo(object)) {
        done.add(object.metadata.uid);
      } else {
        done.delete(object.metadata.uid);
      }
    });
    try {
      await until(async () => done.size >= this.#crowd.upgrades, LIMIT_MS, `${path} to be done`);
    } finally {
      stop.abort();
      await following;
    }
  }
}

async function good(run: CrowdRun, fleet: Fleet, operator: OperatorProcess, sheet: Sheet<Kind>) {
  const count = run.indices.length;
  const pods = count * REPLICAS;
  const cutOff = fleet.cutOff();
  const bare = await timed(fleet, async () => {
    await inParallel(run.indices, (i) => run.setImage(i, 'v2'));
    await run.rolledOut();
  });
  const mark = await fleet.mark();
  sheet.note('bareCutOff', mark.cutOff - cutOff);
  let ours = { seconds: Number.NaN, cluster: Number.NaN };
  const cost = await operator.during(async () => {
    ours = await timed(fleet, async () => {
      await inParallel(run.indices, (i) => fleet.rest.create(upgradesIn(namespaceOf(i)), upgradeOf(i)));
      await run.ended();
    });
  });
  const requests = await fleet.requestsSince(mark);
  sheet.note('bare', bare.seconds);
  sheet.note('ours', ours.seconds);
  sheet.note('ratio', ours.seconds / bare.seconds);
  sheet.note('cpu', (cost.cpuSeconds * 1000) / pods);
  sheet.note('bareCluster', (bare.cluster * 1000) / pods);
  sheet.note('cluster', (ours.cluster * 1000) / pods);
  sheet.note('rss', cost.peakMiB);
  sheet.note('writes', requests.writes / count);
  sheet.note('lists', requests.lists);
  sheet.note('ended', requests.ended);
  sheet.note('cutOff', requests.cutOff);
  sheet.note('lag', cost.lag.p99Ms);
  sheet.note('lagMax', cost.lag.maxMs);
  for (const [kind, name] of Object.entries(WAITS)) {
    sheet.note(kind as keyof typeof WAITS, quantile(cost, name, 0.99) * 1000);
  }
}

/** How long it takes, and what it costs everything but the operator. */
async function timed(
  fleet: Fleet,
  body: () => Promise<void>,
): Promise<{ readonly seconds: number; readonly cluster: number }> {
  const clock = stopwatch();
  const cluster = await fleet.cpuDuring(body);
  return { seconds: clock(), cluster };
}

const WAITS = {
  p99: 'workqueue_work_duration_seconds',
  wait: 'workqueue_queue_duration_seconds',
  execWait: 'postcheck_exec_wait_seconds',
} as const;
const CONFLICTS = 'postcheck_errors_total{cause="conflict"}';

async function bad(
  run: CrowdRun,
  { failing }: Crowd,
  fleet: Fleet,
  operator: OperatorProcess,
  sheet: Sheet<Kind>,
) {
  const clock = stopwatch();
  let back = Number.NaN;
  const writes = new BareWrites(fleet);
  await writes.prepare();
  const cost: Cost = await operator.during(async () => {
    const writing = writes.run();
    // A list of all is much work for the API server: before they fail, not while they do.
    const listed = Promise.withResolvers<void>();
    const ended = run.ended(failing, listed.resolve);
    await listed.promise;
    await inParallel(
      run.indices.slice(0, failing),
      (i) =>
        fleet.rest.patch(`${upgradesIn(namespaceOf(i))}/${nameOf(i)}`, {
          spec: { containers: [{ name: 'web', image: IMAGE('crash') }] },
        }),
      CHANGED_AT_ONCE,
    );
    await ended;
    back = clock();
    writes.stop();
    await writing;
  });
  const phases = await run.phases();
  const fellBack = phases.filter((phase) => phase === 'FellBack').length;
  sheet.note('back', fellBack >= failing ? back : undefined, `only ${fellBack} fell back`);
  const start = (write: FallbackWrite, q: number) =>
    quantile(cost, 'postcheck_fallback_start_seconds', q, `write="${write}"`);
  sheet.note('recorded', start('status', 0.99));
  sheet.note('recordedMedian', start('status', 0.5));
  sheet.note('fallback', start('images', 0.99));
  sheet.note('fallbackMedian', start('images', 0.5));
  sheet.note('bareWrite', quantileOf(writes.single, 0.99));
  sheet.note('bareMedian', quantileOf(writes.single, 0.5));
  const pair = quantileOf(writes.pairs, 0.99);
  sheet.note('barePair', pair);
  sheet.note('overPair', start('images', 0.99) / pair);
  sheet.note('conflicts', growth(cost, CONFLICTS) / failing);
  sheet.note('wrong', growth(cost, 'postcheck_fallbacks_total') - failing);
}

/**
 * What writes take that wait for nothing but the API server: they say how much of the operator's time is the machine's. Two follow each other, as
 * a fallback stores that it begins before it sets the images.
 */
class BareWrites {
  readonly #fleet: Fleet;
  readonly #path = `/api/v1/namespaces/${namespaceOf(0)}/configmaps`;
  /** Seconds. */
  readonly single: number[] = [];
  readonly pairs: number[] = [];
  #isOver = false;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  async prepare(): Promise<void> {
    await this.#fleet.rest.create(this.#path, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'bare' },
    });
  }

  async run(): Promise<void> {
    while (!this.#isOver) {
      const [first, second] = [await this.#write(), await this.#write()];
      this.single.push(first, second);
      this.pairs.push(first + second);
      await sleep(BARE_EVERY_MS);
    }
  }

  async #write(): Promise<number> {
    const clock = stopwatch();
    await this.#fleet.rest.patch(`${this.#path}/bare`, { data: { at: String(performance.now()) } });
    return clock();
  }

  stop(): void {
    this.#isOver = true;
  }
}

const quantileOf = (taken: readonly number[], q: number): number =>
  taken.toSorted((a, b) => a - b)[Math.ceil(q * taken.length) - 1] ?? Number.NaN;

function stopwatch(): () => number {
  const began = performance.now();
  return () => (performance.now() - began) / 1000;
}

export function crowdPart(fleet: () => Fleet, operator: () => OperatorProcess, crowd: Crowd): Part<Kind> {
  return {
    name: `${crowd.upgrades} Upgrades at once`,
    figures: specsOf(crowd),
    needs: [],
    limitMs: 2 * LIMIT_MS,
    measure: async (sheet) => {
      const run = new CrowdRun(fleet(), crowd);
      await fleet().preparing(() => run.prepare());
      await good(run, fleet(), operator(), sheet);
      await bad(run, crowd, fleet(), operator(), sheet);
    },
    clear: async () => {
      const { rest } = fleet();
      const paths = namespacesOf(crowd).map((name) => `/api/v1/namespaces/${name}`);
      await inParallel(paths, (path) => rest.remove(path));
      for (const path of paths) {
        await until(async () => (await rest.find(path)) === undefined, LIMIT_MS, 'the namespaces to go');
      }
    },
  };
}

const deploymentOf = (i: number) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: nameOf(i) },
  spec: {
    replicas: REPLICAS,
    selector: { matchLabels: { app: nameOf(i) } },
    template: {
      metadata: { labels: { app: nameOf(i) } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'web', image: IMAGE('v1') }] },
    },
  },
});

const upgradeOf = (i: number) => ({
  apiVersion: 'postcheck.dev/v1alpha1',
  kind: 'Upgrade',
  metadata: { name: nameOf(i) },
  spec: {
    targetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: nameOf(i) },
    containers: [{ name: 'web', image: IMAGE('v3') }],
    postCheck: {
      deadlineSeconds: 3600,
      readiness: { maxRestarts: 0 },
      checks: [{ name: 'true', exec: { command: ['/bin/true'] } }],
    },
  },
});
