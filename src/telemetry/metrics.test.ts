import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { promtool } from '../../test/chart/promtool.ts';
import type { Phase } from '../api/enums.ts';
import type { WatchHealth } from '../engine/ports.ts';
import type { UpgradeFacts } from '../engine/telemetry-ports.ts';
import { makeAuthority } from '../kube/webhook/certificate.ts';
import { CODE_CLASSES, codeClass } from './labels.ts';
import { Metrics } from './metrics.ts';

const FACTS: UpgradeFacts = {
  kind: 'Deployment',
  target: 'web-app',
  phase: 'Upgrading',
  ready: 'False',
  stalled: 'False',
  reason: 'Upgrading',
  gate: 'GatePolicyApplied',
  left: 0,
  progressAt: 1_700_000_000_000,
  waiting: undefined,
};

function setUp(maxUpgrades = 0) {
  const watches: WatchHealth[] = [];
  const metrics = new Metrics({
    version: '1.2.3',
    maxUpgrades,
    watched: ['Upgrade', 'Pod'],
    watches: () => watches,
  });
  const text = async () => (await metrics.exposition()).body;
  /** Value of one series, such as `postcheck_upgrades{phase="Failed"}`. */
  const value = async (series: string) => {
    const line = (await text()).split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  return { watches, metrics, text, value };
}

const seriesNames = (text: string) =>
  text
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.replace(/ \S+$/, ''));
const own = (names: string[]) => names.filter((name) => /^(postcheck|workqueue)_/.test(name));

/** Calls every method with every combination that matters. */
function everything(metrics: Metrics): void {
  metrics.upgradeSeen('shop', 'web', FACTS);
  metrics.attemptEnded('StatefulSet', 'FellBack', 75);
  metrics.waitEnded('AwaitingApproval', 7200);
  metrics.tried('exec', 'Retry', 17, 0.3);
  metrics.tried('httpGet', 'Error', undefined, 0.3);
  metrics.fallbackStarted('images', 0.4);
  metrics.fallbackEnded('DaemonSet', 'Verified');
  metrics.gateOpened('Passed');
  metrics.failed('throttled');
  metrics.execsInFlight(3);
  metrics.leading(true);
  metrics.watchFailed('Pod', 'lost');
  metrics.webhook.answered('gated', 0.002);
  metrics.queue.depth(2);
  metrics.execWaited(0.3);
  metrics.queue.added();
  metrics.queue.retried();
  metrics.queue.waited(0.2);
  metrics.queue.worked(0.05);
}

describe('the metrics', () => {
  test('every series exists at zero before anything happens, and no event adds one', async () => {
    const { metrics, text } = setUp();
    const before = own(seriesNames(await text()));
    for (const series of [
      'postcheck_upgrades{phase="Inconclusive"}',
      'postcheck_attempts_total{kind="DaemonSet",outcome="Superseded"}',
      'postcheck_attempt_duration_seconds_count{kind="Deployment",outcome="FellBack"}',
      'postcheck_checks_total{type="grpc",class="Error"}',
      'postcheck_check_duration_seconds_count{type="tcpSocket"}',
      'postcheck_probe_exit_codes_total{code_class="120"}',
      'postcheck_fallbacks_total{kind="StatefulSet",result="Failed"}',
      'postcheck_fallback_start_seconds_count{write="status"}',
      'postcheck_exec_inflight',
      'postcheck_exec_wait_seconds_count',
      'postcheck_gates_opened_total{reason="NoAttempt"}',
      'postcheck_errors_total{cause="bug"}',
      'postcheck_watch_last_contact_seconds{resource="pods"}',
      'postcheck_leader',
      'postcheck_webhook_requests_total{outcome="not_ready"}',
      'postcheck_webhook_request_duration_seconds_count',
      'workqueue_depth{name="upgrade"}',
      'workqueue_adds_total{name="upgrade"}',
      'workqueue_retries_total{name="upgrade"}',
      'workqueue_queue_duration_seconds_count{name="upgrade"}',
      'workqueue_work_duration_seconds_count{name="upgrade"}',
    ]) {
      expect(before).toContain(series);
    }
    const zero = (await text())
      .split('\n')
      .filter((line) => /^(postcheck_(?!build_info|event_loop)|workqueue)_/.test(line));
    expect(zero.filter((line) => !line.endsWith(' 0'))).toEqual([]);

    everything(metrics);
    expect(own(seriesNames(await text()))).toEqual(before);
  });

  test('each event is counted in its metric', async () => {
    const { metrics, value } = setUp();
    everything(metrics);
    expect(await value('postcheck_attempts_total{kind="StatefulSet",outcome="FellBack"}')).toBe(1);
    expect(await value('postcheck_attempt_duration_seconds_sum{kind="StatefulSet",outcome="FellBack"}')).toBe(
      75,
    );
    expect(await value('postcheck_stage_wait_seconds_sum{reason="AwaitingApproval"}')).toBe(7200);
    expect(await value('postcheck_checks_total{type="exec",class="Retry"}')).toBe(1);
    expect(await value('postcheck_probe_exit_codes_total{code_class="3-119"}')).toBe(1);
    expect(await value('postcheck_probe_exit_codes_total{code_class="none"}')).toBe(0);
    expect(await value('postcheck_fallbacks_total{kind="DaemonSet",result="Verified"}')).toBe(1);
    expect(await value('postcheck_fallback_start_seconds_bucket{le="0.5",write="images"}')).toBe(1);
    expect(await value('postcheck_fallback_start_seconds_count{write="status"}')).toBe(0);
    expect(await value('postcheck_gates_opened_total{reason="Passed"}')).toBe(1);
    expect(await value('postcheck_errors_total{cause="throttled"}')).toBe(1);
    expect(await value('postcheck_exec_inflight')).toBe(3);
    expect(await value('postcheck_exec_wait_seconds_sum')).toBe(0.3);
    expect(await value('postcheck_leader')).toBe(1);
    expect(await value('postcheck_webhook_requests_total{outcome="gated"}')).toBe(1);
    expect(await value('postcheck_webhook_request_duration_seconds_sum')).toBe(0.002);
    expect(await value('workqueue_depth{name="upgrade"}')).toBe(2);
    expect(await value('workqueue_work_duration_seconds_sum{name="upgrade"}')).toBe(0.05);
  });

  test('the webhook’s certificate tells from when until when it is valid, once there is one', async () => {
    const { metrics, value } = setUp();
    const bounds = () =>
      Promise.all(
        ['not_before', 'expiration'].map((bound) =>
          value(`postcheck_webhook_certificate_${bound}_timestamp_seconds`),
        ),
      );
    expect(await bounds()).toEqual([undefined, undefined]);
    const [from, until] = [1_700_000_000, 1_800_000_000];
    metrics.webhook.serves(makeAuthority({ from: from * 1000, until: until * 1000 }).cert);
    expect(await bounds()).toEqual([from, until]);
    metrics.webhook.serves('half-writ');
    expect(await bounds()).toEqual([from, until]);
  });

  test('an Upgrade counts in exactly one phase for as long as it exists, however often it is reported', async () => {
    const { metrics, value } = setUp();
    const see = (namespace: string, phase: Phase | undefined) =>
      metrics.upgradeSeen(namespace, 'web', phase && { ...FACTS, phase });
    see('shop', 'Pending');
    see('shop', 'Pending');
    see('shop', 'Succeeded');
    see('bank', 'Succeeded');
    expect(await value('postcheck_upgrades{phase="Pending"}')).toBe(0);
    expect(await value('postcheck_upgrades{phase="Succeeded"}')).toBe(2);
    see('shop', undefined);
    see('shop', undefined);
    expect(await value('postcheck_upgrades{phase="Succeeded"}')).toBe(1);
  });

  const named = async (text: string) =>
    seriesNames(text).filter((name) => name.includes('upgrade_namespace'));

  test('each Upgrade has one series with labels from its status, which is removed with the Upgrade', async () => {
    const { metrics, text, value } = setUp(10);
    metrics.upgradeSeen('shop', 'web', FACTS);
    metrics.upgradeSeen('shop', 'web', {
      ...FACTS,
      phase: 'Failed',
      stalled: 'True',
      reason: 'ProbeFailed',
      gate: 'NotGating',
      progressAt: undefined,
    });
    expect(await named(await text())).toEqual([
      'postcheck_upgrade_info{upgrade_namespace="shop",name="web",kind="Deployment",target="web-app",phase="Failed",ready="False",stalled="True",reason="ProbeFailed",gate="NotGating"}',
    ]);
    metrics.upgradeSeen('shop', 'web', FACTS);
    expect(
      await value('postcheck_upgrade_progress_timestamp_seconds{upgrade_namespace="shop",name="web"}'),
    ).toBe(1_700_000_000);
    metrics.upgradeSeen('shop', 'web', {
      ...FACTS,
      progressAt: undefined,
      waiting: { reason: 'AwaitingApproval', since: 1_700_000_000_000 },
    });
    expect(
      await value(
        'postcheck_upgrade_waiting_timestamp_seconds{upgrade_namespace="shop",name="web",reason="AwaitingApproval"}',
      ),
    ).toBe(1_700_000_000);
    metrics.upgradeSeen('shop', 'web', undefined);
    expect(await named(await text())).toEqual([]);
  });

  test('pods that failed within the budget have a series if there are any', async () => {
    const { metrics, text, value } = setUp(10);
    const left = async () => (await named(await text())).filter((name) => name.includes('pods_left'));
    metrics.upgradeSeen('shop', 'web', { ...FACTS, phase: 'Partial', left: 3 });
    expect(await left()).toEqual(['postcheck_pods_left{upgrade_namespace="shop",name="web"}']);
    expect(await value('postcheck_pods_left{upgrade_namespace="shop",name="web"}')).toBe(3);
    metrics.upgradeSeen('shop', 'web', FACTS);
    expect(await left()).toEqual([]);
  });

  test('above the limit, those that need a person have series, and the number of the others is reported', async () => {
    const { metrics, text, value } = setUp(5);
    for (let index = 0; index < 100; index++) {
      metrics.upgradeSeen('shop', `good-${index}`, { ...FACTS, phase: 'Succeeded', progressAt: undefined });
    }
    metrics.upgradeSeen('shop', 'bad', {
      ...FACTS,
      phase: 'FallbackFailed',
      stalled: 'True',
      progressAt: undefined,
    });
    const names = await named(await text());
    expect(names).toHaveLength(5);
    expect(names.filter((name) => name.includes('name="bad"'))).toHaveLength(1);
    expect(await value('postcheck_upgrade_info_omitted')).toBe(96);
    for (let index = 0; index < 97; index++) {
      metrics.upgradeSeen('shop', `good-${index}`, undefined);
    }
    expect(await named(await text())).toHaveLength(4);
    expect(await value('postcheck_upgrade_info_omitted')).toBe(0);
  });

  test('a namespace with any number of Upgrades that need a person leaves series to those of others', async () => {
    const { metrics, text } = setUp(10);
    const stalled = { ...FACTS, phase: 'Failed', stalled: 'True', progressAt: undefined } as const;
    for (let index = 0; index < 100; index++) {
      metrics.upgradeSeen('crowd', `bad-${index}`, stalled);
    }
    metrics.upgradeSeen('shop', 'bad', stalled);
    metrics.upgradeSeen('shop', 'running', FACTS);
    metrics.upgradeSeen('bank', 'good', { ...FACTS, phase: 'Succeeded', progressAt: undefined });
    const names = (await named(await text())).filter((name) => name.startsWith('postcheck_upgrade_info'));
    expect(names).toHaveLength(10);
    for (const other of ['"shop",name="bad"', '"shop",name="running"', '"bank",name="good"']) {
      expect(names.filter((name) => name.includes(other))).toHaveLength(1);
    }
  });

  test('with a limit of 0 no Upgrade has a series', async () => {
    const { metrics, text, value } = setUp(0);
    metrics.upgradeSeen('shop', 'web', FACTS);
    expect(await text()).not.toContain('shop');
    expect(await value('postcheck_upgrade_info_omitted')).toBe(0);
  });

  test('a name of a user cannot break out of its label', async () => {
    const { metrics, text } = setUp(1);
    metrics.upgradeSeen('shop', 'web', { ...FACTS, reason: 'a"}\\\n# x' });
    const line = (await text()).split('\n').find((candidate) => candidate.includes('upgrade_info{'));
    expect(line).toContain('reason="a\\"}\\\\\\n# x"');
  });

  test('OpenMetrics has the same series, counters with their own rules, and an end', async () => {
    const { metrics, text } = setUp(1);
    everything(metrics);
    const open = await metrics.exposition(true);
    expect(open.contentType).toMatch(/^application\/openmetrics-text; version=1\.0\.0/);
    expect(open.body).toMatch(/^# TYPE postcheck_attempts counter$/m);
    expect(open.body.trimEnd()).toMatch(/# EOF$/);
    expect(own(seriesNames(open.body))).toEqual(own(seriesNames(await text())));
  });

  test('of the watches of a kind the worst is reported, and an optional one counts as healthy', async () => {
    const { watches, value } = setUp();
    const one: WatchHealth = {
      kind: 'Pod',
      resource: 'pods',
      namespace: 'shop',
      optional: false,
      synced: true,
      state: 'retrying',
      silentMs: 30_000,
      failingMs: 20_000,
      message: 'lost',
    };
    watches.push(one, { ...one, namespace: 'bank', silentMs: 120_000, failingMs: 0 });
    watches.push({ ...one, kind: 'Upgrade', optional: true, state: 'forbidden' });
    expect(await value('postcheck_watch_last_contact_seconds{resource="pods"}')).toBe(120);
    expect(await value('postcheck_watch_failing_seconds{resource="pods"}')).toBe(20);
    expect(await value('postcheck_watch_failing_seconds{resource="upgrades"}')).toBe(0);
  });

  test('two sets of metrics in one process are independent', async () => {
    const [left, right] = [setUp(), setUp()];
    left.metrics.gateOpened('Skipped');
    expect(await right.value('postcheck_gates_opened_total{reason="Skipped"}')).toBe(0);
  });

  test('process metrics exist', async () => {
    const { value } = setUp();
    expect(await value('process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
    expect(await value('process_cpu_seconds_total')).toBeGreaterThan(0);
  });
});

test('all 256 exit codes and the absence of one fall into the closed set of labels', () => {
  const labels = Array.from({ length: 256 }, (_, code) => codeClass(code));
  expect(new Set([...labels, codeClass(undefined)])).toEqual(new Set(CODE_CLASSES));
  expect([0, 1, 2, 3, 119, 120, 121, 123, 124, 125, 126, 127, 128, 137, 255].map(codeClass)).toEqual([
    '0',
    '1',
    '2',
    '3-119',
    '3-119',
    '120',
    '121-123',
    '121-123',
    '124',
    '125',
    '126',
    '127',
    '128+',
    '128+',
    '128+',
  ]);
});

test('promtool finds no problem in the exposition', async () => {
  const { metrics, text } = setUp(1);
  everything(metrics);
  // Metrics of the Node.js process and of client-go's conventions carry the names that their dashboards expect; the linter is for ours.
  const ours = (await text())
    .split(/(?=^# HELP )/m)
    .filter((family) => /^# HELP (postcheck|workqueue)_/.test(family))
    .join('');
  expect(execFileSync(promtool(), ['check', 'metrics'], { input: ours, encoding: 'utf8' })).toBe('');
}, 120_000);

test('promtool is really asked: a badly named metric fails', () => {
  const bad = '# TYPE postcheck_tries counter\npostcheck_tries 1\n';
  expect(() =>
    execFileSync(promtool(), ['check', 'metrics'], { input: bad, encoding: 'utf8', stdio: 'pipe' }),
  ).toThrow(/_total/);
}, 120_000);
