/** Every query of the dashboard is asked of a real Prometheus that scrapes what the operator serves while something happens. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { UpgradeFacts } from '../../src/engine/telemetry-ports.ts';
import { metricsRoutes } from '../../src/telemetry/endpoints.ts';
import { type HttpServer, serve } from '../../src/telemetry/http.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { eventually } from '../api/api-server.ts';
import { Prometheus } from '../support/prometheus.ts';
import { dashboardQueries } from './dashboard.ts';

const FACTS: UpgradeFacts = {
  kind: 'Deployment',
  target: 'web',
  phase: 'Upgrading',
  ready: 'False',
  stalled: 'False',
  reason: 'Upgrading',
  gate: 'GatePolicyApplied',
  left: 0,
  progressAt: Date.now(),
  waiting: undefined,
};

let server: HttpServer;
let prometheus: Prometheus;
/** As it scrapes an address alone: neither a namespace nor a pod is known. */
let bare: Prometheus;
let timer: NodeJS.Timeout;

beforeAll(async () => {
  const metrics = new Metrics({ version: '1', maxUpgrades: 10, watched: ['Pod'], watches: () => [] });
  metrics.leading(true);
  metrics.upgradeSeen('shop', 'web', FACTS);
  metrics.upgradeSeen('shop', 'api', { ...FACTS, phase: 'FallingBack' });
  timer = setInterval(() => {
    metrics.attemptEnded('Deployment', 'FellBack', 12);
    metrics.tried('exec', 'Retry', 17, 0.3);
    metrics.execWaited(0.2);
    metrics.fallbackStarted('status', 0.2);
    metrics.fallbackStarted('images', 0.4);
    metrics.fallbackEnded('Deployment', 'Verified');
    metrics.gateOpened('Passed');
    metrics.failed('conflict');
    metrics.watchFailed('Pod', 'lost');
  }, 200);
  server = await serve(
    { host: '127.0.0.1', port: 0 },
    metricsRoutes({ exposition: (openMetrics) => metrics.exposition(openMetrics) }),
  );
  prometheus = await Prometheus.start({
    static_configs: [{ targets: [server.address], labels: { namespace: 'postcheck-system', pod: 'a' } }],
  });
  bare = await Prometheus.start({ static_configs: [{ targets: [server.address] }] });
}, 120_000);
afterAll(async () => {
  clearInterval(timer);
  await prometheus?.stop();
  await bare?.stop();
  await server?.close(0);
});

test('there are queries to ask', () => {
  expect(dashboardQueries().length).toBeGreaterThan(25);
});

test.each(dashboardQueries())(
  '$title has data: $expr',
  async ({ expr }) => {
    let last: unknown;
    const look = () =>
      prometheus.query(expr).then((samples) => {
        last = samples;
      });
    await look();
    const hasData = () => {
      // The last one may still be under way when Prometheus is stopped.
      look().catch(() => undefined);
      return Array.isArray(last) && last.some(({ value }) => Number.isFinite(value));
    };
    await eventually(hasData, 15_000);
  },
  20_000,
);

test('and so has each of them where the target has no labels of Kubernetes', async () => {
  for (const { expr } of dashboardQueries()) {
    const isThere = async (): Promise<boolean> =>
      (await bare.query(expr)).some(({ value }) => Number.isFinite(value));
    for (let turn = 0; turn < 30 && !(await isThere()); turn++) {
      await new Promise((done) => setTimeout(done, 500));
    }
    expect([expr, await isThere()]).toEqual([expr, true]);
  }
}, 120_000);
