/**
 * Checks of the rollout as a whole, by a real Prometheus that scrapes the real pods of the workload. The operator is a process of this machine
 * and the installed one is away: runs alone.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Prometheus } from '../support/prometheus.ts';
import { Api, type Json } from './support/api.ts';
import { expectServing } from './support/expectations.ts';
import { LocalOperator, withoutInstalled } from './support/local-operator.ts';
import { scenario, TEST_MS } from './support/scenario.ts';
import { scrapeOfPods } from './support/scrape.ts';
import { CONTAINER, image, upgrade } from './support/workloads.ts';

const api = new Api();
const scrape = scrapeOfPods();
let prometheus: Prometheus;
let bringBack = async (): Promise<void> => {};
beforeAll(async () => {
  bringBack = await withoutInstalled(api);
  prometheus = await Prometheus.start(scrape.config);
}, TEST_MS);
afterAll(async () => {
  await bringBack();
  await prometheus?.stop();
  scrape.remove();
}, TEST_MS);

/** Version v3 counts errors, and nobody sees it from inside a pod. */
const COUNTS_ERRORS = {
  container: {
    command: [
      'sh',
      '-c',
      'mkdir /tmp/www && echo "app_errors $([ "$VERSION" = v3 ] && echo 1 || echo 0)" > /tmp/www/metrics.txt && exec httpd -f -p 8080 -h /tmp/www',
    ],
  },
};
const ERRORS = {
  name: 'errors',
  // Of all pods: with the new ones alone it would first be sent five minutes after they were created, as a StatefulSet gives them names of before.
  query: 'max(app_errors{namespace="{{namespace}}"})',
  passWhen: '< 0.5',
};

test(
  'a version goes on stage by stage while its pods count no errors, and one that counts some goes back',
  scenario('StatefulSet OrderedReady', 'rollout checks', async (s) => {
    await s.deploy('v1', COUNTS_ERRORS);
    const look = setInterval(() => scrape.say(s.pods.live, '8080/proxy/metrics.txt'), 500);
    s.atEnd(() => clearInterval(look));
    const operator = new LocalOperator(s.namespace, `--prometheus-url=${prometheus.url}`);
    s.atEnd(() => void operator.kill());

    await s.create(
      upgrade(s.shape, 'v2', {
        strategy: { stages: [{ name: 'canary', pods: 1 }] },
        // So that the new pod has been scraped: the query is about all pods, and on a busy machine five seconds were not enough.
        postCheck: { initialDelaySeconds: 15, rolloutChecks: [ERRORS] },
      }),
    );
    const good = await s.until('Succeeded', 240);
    expect(good.stages.map(({ state }: Json) => state)).toEqual(['Done', 'Done']);
    expect(good.rolloutChecks).toMatchObject([{ name: 'errors', class: 'Pass', message: '0' }]);
    await expectServing(s, 'v2');

    await s.edit({ containers: [{ name: CONTAINER, image: image('v3') }] });
    const bad = await s.until('FellBack', 240);
    expect(bad.fallback.reason).toBe('RolloutCheckFailed');
    expect(bad.message).toContain('rollout check errors returned 1, but passes when < 0.5, 3 times in a row');
    await expectServing(s, 'v2');
    expect(s.pods.mostOf(image('v3')).there).toBe(1);
  }),
  TEST_MS,
);
