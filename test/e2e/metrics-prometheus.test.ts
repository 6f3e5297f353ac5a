/** A real Prometheus scrapes the installed operator during upgrades that end in every way, and is asked what it has. Runs while nobody else upgrades anything. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { WatchedKind } from '../../src/engine/ports.ts';
import { RESOURCES } from '../../src/telemetry/labels.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { Prometheus, type Sample } from '../support/prometheus.ts';
import type { Json } from './support/api.ts';
import { recordDashboard, recordingText } from './support/grafana.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { type Scrape, scrapeOfTheOperator } from './support/scrape.ts';
import { waitFor } from './support/wait.ts';
import { CONTAINER, image, NAME, upgrade, workload } from './support/workloads.ts';

let scrape: Scrape;
let prometheus: Prometheus;
beforeAll(async () => {
  scrape = scrapeOfTheOperator();
  prometheus = await Prometheus.start(scrape.config);
}, 60_000);
afterAll(async () => {
  await prometheus?.stop();
  scrape?.remove();
});

const seen = (query: string, accept: (samples: Sample[]) => boolean = (samples) => samples.length > 0) =>
  waitFor(query, () => prometheus.query(query), accept, { timeoutSeconds: 30, everyMs: 500 });

/** What the metrics say of the scenario's Upgrade, once it is in that phase. */
async function info(s: Scenario, phase: string): Promise<Sample['labels']> {
  const [sample] = await seen(
    `postcheck_upgrade_info{upgrade_namespace="${s.namespace}",name="${NAME}",phase="${phase}"}`,
    (samples) => samples.length === 1,
  );
  return sample?.labels ?? {};
}

/** The metrics of the reference: those of one Upgrade, and those that are there from the start, whatever is installed. */
async function families() {
  const watched = Object.keys(RESOURCES) as WatchedKind[];
  const metrics = new Metrics({ version: '', maxUpgrades: 1, watched, watches: () => [] });
  const { body } = await metrics.exposition();
  const isThere = (name: string): boolean => new RegExp(`^${name}(_count)?[{ ]`, 'm').test(body);
  const all = (await metrics.families()).filter(({ name }) => /^(postcheck|workqueue)_/.test(name));
  return Map.groupBy(all, ({ name, labels }) =>
    labels.includes('upgrade_namespace') ? 'own' : isThere(name) ? 'all' : 'absent',
  );
}

/** Prometheus has every metric of the reference from every replica, and of this Upgrade its info and exactly these. */
async function hasEveryMetric({ namespace }: Scenario, ...own: string[]): Promise<void> {
  // The first replica may be scraped before Prometheus knows of the other.
  const [{ length: replicas }, byOwner] = await Promise.all([
    seen('up', ({ length }) => length === REPLICAS),
    families(),
  ]);
  const shared = byOwner.get('all') ?? [];
  expect(shared.length).toBeGreaterThan(20);
  for (const { name, type } of shared) {
    // A scrape that failed once leaves a hole until the next one.
    const query = `count(${type === 'histogram' ? `${name}_count` : name}) by (pod)`;
    await seen(query, (samples) => samples.length === replicas);
  }
  const wanted = new Set(['postcheck_upgrade_info', ...own]);
  for (const { name } of byOwner.get('own') ?? []) {
    const has = wanted.delete(name);
    await seen(`${name}{upgrade_namespace="${namespace}"}`, (samples) => samples.length === (has ? 1 : 0));
  }
  expect([...wanted]).toEqual([]);
}

/** The chart's default. */
const REPLICAS = 2;
const PROGRESS = 'postcheck_upgrade_progress_timestamp_seconds';
const value = (query: string): Promise<number> =>
  prometheus.query(query).then(([sample]) => sample?.value ?? Number.NaN);

const FALSE = { name: 'never', exec: { command: ['false'] } };

test(
  'the labels of the target survive beside those of the Upgrade, from its start to its end',
  scenario('Deployment', 'prometheus good', async (s) => {
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'v2'));
    await s.until('Succeeded');
    expect(await info(s, 'Succeeded')).toMatchObject({
      namespace: 'postcheck-system',
      service: 'postcheck-metrics',
      pod: expect.stringMatching(/^postcheck-/),
      upgrade_namespace: s.namespace,
      name: NAME,
      kind: 'Deployment',
      target: NAME,
      ready: 'True',
      stalled: 'False',
    });
    await seen('sum(postcheck_attempts_total{outcome="Succeeded"}) > 0');
    await seen('sum(postcheck_gates_opened_total{reason="Passed"}) > 0');
    await hasEveryMetric(s);
    await seen('sum(postcheck_leader)', ([leaders]) => leaders?.value === 1);
    await seen('min(up)', ([up]) => up?.value === 1);
  }),
  TEST_MS,
);

test(
  'a bad one that fell back, and then one whose fallback fails too: that alert fires, and names it',
  scenario('Deployment', 'prometheus bad', async (s) => {
    await s.deploy('v1');
    await s.create(upgrade('Deployment', 'bad17', { postCheck: { deadlineSeconds: 6 } }));
    await s.until('FellBack');
    expect(await info(s, 'FellBack')).toMatchObject({ ready: 'False', stalled: 'True' });
    await seen('sum(postcheck_fallbacks_total{result="Verified"}) > 0');
    await seen('sum(postcheck_probe_exit_codes_total{code_class="3-119"}) > 0');
    await hasEveryMetric(s);

    await s.edit({
      containers: [{ name: CONTAINER, image: image('v2') }],
      postCheck: { deadlineSeconds: 4, checks: [FALSE] },
      fallback: { deadlineSeconds: 4 },
    });
    await s.until('FallbackFailed');
    const [alert] = await seen(
      `ALERTS{alertname="PostcheckFallbackFailed",alertstate="firing",upgrade_namespace="${s.namespace}"}`,
    );
    expect(alert?.labels).toMatchObject({
      name: NAME,
      kind: 'Deployment',
      target: NAME,
      severity: 'critical',
    });
  }),
  TEST_MS,
);

/** Nobody listens on that port, and nothing in the pod says so. */
const UNANSWERED = {
  deadlineSeconds: 5,
  checks: [{ name: 'nobody', tcpSocket: { port: 9 }, timeoutSeconds: 1 }],
};

test(
  'an inconclusive one waits for evidence, and its alert waits with it',
  scenario('StatefulSet Parallel', 'prometheus inconclusive', async (s) => {
    await s.deploy('v1');
    const ended = await value('sum(postcheck_attempts_total{kind="StatefulSet"})');
    await s.create(upgrade(s.shape, 'v2', { postCheck: UNANSWERED }));
    await s.until('Inconclusive');
    expect(await info(s, 'Inconclusive')).toMatchObject({ reason: 'Inconclusive', stalled: 'False' });
    const pending = `ALERTS{alertname="PostcheckInconclusive",upgrade_namespace="${s.namespace}"}`;
    const [alert] = await seen(pending);
    expect(alert?.labels).toMatchObject({ alertstate: 'pending', name: NAME });
    await seen('sum(postcheck_checks_total{type="tcpSocket",class="Error"}) > 0');
    await seen(`time() - ${PROGRESS}{upgrade_namespace="${s.namespace}"} < 600`);
    await seen('sum(postcheck_upgrades{phase="Inconclusive"}) == 1');
    await hasEveryMetric(s, PROGRESS);
    // Nothing is taken for an end; no other test here upgrades this kind.
    expect(await value('sum(postcheck_attempts_total{kind="StatefulSet"})')).toBe(ended);
  }),
  TEST_MS,
);

test(
  'a stalled one tells what is in its way',
  scenario('DaemonSet', 'prometheus stalled', async (s) => {
    const ended = await value('sum(postcheck_attempts_total{kind="DaemonSet"})');
    await s.create(upgrade(s.shape, 'v2'));
    await s.until((status) =>
      status.conditions?.some((c: { reason: string }) => c.reason === 'TargetNotFound'),
    );
    expect(await info(s, 'Pending')).toMatchObject({
      reason: 'TargetNotFound',
      stalled: 'True',
      ready: 'False',
    });
    const [alert] = await seen(`ALERTS{alertname="PostcheckStalled",upgrade_namespace="${s.namespace}"}`);
    expect(alert?.labels).toMatchObject({ alertstate: 'pending', reason: 'TargetNotFound' });
    await seen('sum(postcheck_upgrades{phase="Pending"}) == 1');
    await hasEveryMetric(s);
    expect(await value('sum(postcheck_attempts_total{kind="DaemonSet"})')).toBe(ended);
  }),
  TEST_MS,
);

/** Upgrades that come to stand in every way, by the name of their workload. */
const FLEET: Readonly<
  Record<string, { readonly tag: string; readonly phase: string; readonly spec?: Json }>
> = {
  search: { tag: 'v2', phase: 'Succeeded' },
  web: { tag: 'bad17', phase: 'FellBack', spec: { postCheck: { deadlineSeconds: 6 } } },
  mail: {
    tag: 'bad17',
    phase: 'Failed',
    spec: { postCheck: { deadlineSeconds: 6 }, fallback: { action: 'Pause' } },
  },
  feed: { tag: 'v2', phase: 'Inconclusive', spec: { postCheck: UNANSWERED } },
  billing: {
    tag: 'v2',
    phase: 'FallbackFailed',
    spec: { postCheck: { deadlineSeconds: 4, checks: [FALSE] }, fallback: { deadlineSeconds: 4 } },
  },
};

/** The object as one of that name. */
const named = (object: Json, name: string): Json =>
  JSON.parse(JSON.stringify(object).replaceAll(JSON.stringify(NAME), JSON.stringify(name)));

test(
  'every panel of the dashboard has data while Upgrades stand in every way',
  scenario('Deployment', 'prometheus dashboard', async (s) => {
    const began = Date.now();
    const single = workload('Deployment', 'v1', { spec: { replicas: 1 } });
    for (const [name, { tag, spec }] of Object.entries(FLEET)) {
      await s.api.create(s.workloadPath, named(single, name));
      await s.create(named(upgrade('Deployment', tag, spec), name));
    }
    await s.create(named(upgrade('Deployment', 'v2'), 'nowhere'));
    for (const [name, { phase }] of Object.entries(FLEET)) {
      await s.until(phase, 120, name);
    }
    for (const [name, phase] of [
      ...Object.entries(FLEET).map(([known, one]) => [known, one.phase]),
      ['nowhere', 'Pending'],
    ]) {
      await seen(
        `postcheck_upgrade_info{upgrade_namespace="${s.namespace}",name="${name}",phase="${phase}"}`,
      );
    }
    const recording = await waitFor(
      'an answer to each query',
      () => recordDashboard(prometheus, began),
      ({ answers }) =>
        Object.values(answers).every((all) => all.some(({ values }) => values.some((one) => one !== null))),
      { timeoutSeconds: 60, everyMs: 3000 },
    );
    if (env.PICTURES !== undefined) {
      mkdirSync(env.PICTURES, { recursive: true });
      writeFileSync(join(env.PICTURES, 'grafana.json'), recordingText(recording));
    }
  }),
  TEST_MS,
);

test('nothing is said about the operator itself', async () => {
  const operator = 'NoLeader|Watch.*|EventLoopLag|Forbidden|Bug|UpgradesOmitted|GateMissed';
  expect(await prometheus.query(`ALERTS{alertname=~"Postcheck(${operator})",alertstate="firing"}`)).toEqual(
    [],
  );
});
