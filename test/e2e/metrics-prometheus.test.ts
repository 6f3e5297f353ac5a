/** A real Prometheus scrapes the installed operator during upgrades that end in every way, and is asked what it has. Runs while nobody else upgrades anything. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { dashboardQueries } from '../chart/dashboard.ts';
import { Prometheus, type Sample } from '../support/prometheus.ts';
import { type Scenario, scenario, TEST_MS } from './support/scenario.ts';
import { type Scrape, scrapeOfTheOperator } from './support/scrape.ts';
import { waitFor } from './support/wait.ts';
import { CONTAINER, image, NAME, upgrade } from './support/workloads.ts';

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
  }),
  TEST_MS,
);

test(
  'every metric of the reference is there, from both replicas, and none of them is without help',
  async () => {
    const families = await new Metrics({
      version: '',
      maxUpgrades: 1,
      watched: [],
      watches: () => [],
    }).families();
    // The Upgrade of the test before is gone, and so are its own series.
    const ours = families.filter(
      ({ name, labels }) => /^(postcheck|workqueue)_/.test(name) && !labels.includes('upgrade_namespace'),
    );
    expect(ours.length).toBeGreaterThan(20);
    for (const { name, type } of ours) {
      // A scrape that failed once leaves a hole until the next one.
      const query = `count(${type === 'histogram' ? `${name}_count` : name}) by (pod)`;
      await seen(query, (samples) => samples.length === 2);
    }
    await seen('sum(postcheck_leader)', ([leaders]) => leaders?.value === 1);
    await seen('min(up)', ([up]) => up?.value === 1);
  },
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

test(
  'an inconclusive one waits for evidence, and its alert waits with it',
  scenario('Deployment', 'prometheus inconclusive', async (s) => {
    await s.deploy('v1');
    await s.create(
      upgrade('Deployment', 'v2', {
        postCheck: {
          deadlineSeconds: 5,
          checks: [{ name: 'nobody', tcpSocket: { port: 9 }, timeoutSeconds: 1 }],
        },
      }),
    );
    await s.until('Inconclusive');
    expect(await info(s, 'Inconclusive')).toMatchObject({ reason: 'Inconclusive', stalled: 'False' });
    const pending = `ALERTS{alertname="PostcheckInconclusive",upgrade_namespace="${s.namespace}"}`;
    const [alert] = await seen(pending);
    expect(alert?.labels).toMatchObject({ alertstate: 'pending', name: NAME });
    await seen('sum(postcheck_checks_total{type="tcpSocket",class="Error"}) > 0');
    await seen(
      `time() - postcheck_upgrade_progress_timestamp_seconds{upgrade_namespace="${s.namespace}"} < 600`,
    );
  }),
  TEST_MS,
);

test(
  'a stalled one tells what is in its way',
  scenario('Deployment', 'prometheus stalled', async (s) => {
    await s.create(upgrade('Deployment', 'v2'));
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
  }),
  TEST_MS,
);

test('every query of the dashboard is understood', async () => {
  for (const { expr } of dashboardQueries()) {
    expect(Array.isArray(await prometheus.query(expr))).toBe(true);
  }
});

test('nothing is said about the operator itself', async () => {
  const operator = 'NoLeader|Watch.*|EventLoopLag|Forbidden|Bug|UpgradesOmitted|GateMissed';
  expect(await prometheus.query(`ALERTS{alertname=~"Postcheck(${operator})",alertstate="firing"}`)).toEqual(
    [],
  );
});
