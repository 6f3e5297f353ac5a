/** Alerts and dashboard of the chart, judged by Prometheus' own tool. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { promtool } from './promtool.ts';
import { CHART } from './render.ts';

const ALERTS = join(CHART, 'files/alerts.yaml');
const folder = mkdtempSync(join(tmpdir(), 'postcheck-alerts-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Series {
  readonly series: string;
  /** Prometheus' notation, one value a minute. */
  readonly values: string;
}
const LEADS: Series = { series: 'postcheck_leader{namespace="pc",pod="a"}', values: '1x60' };
const STANDS_BY: Series = { series: 'postcheck_leader{namespace="pc",pod="b"}', values: '0x60' };
const counted = (series: string): Series[] => [LEADS, STANDS_BY, { series, values: '0x15 1x45' }];

/** Passes when after 20 minutes exactly these alerts fire; else throws with what promtool says. */
function expectFiring(input: readonly Series[], firing: readonly string[]): void {
  const samples = firing.map((labels) => ({ labels: `ALERTS{alertstate="firing",${labels}}`, value: 1 }));
  const expectation = { expr: 'ALERTS{alertstate="firing"}', eval_time: '20m', exp_samples: samples };
  const tests = [{ interval: '1m', input_series: input, promql_expr_test: [expectation] }];
  const path = join(folder, 'test.json');
  writeFileSync(path, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: '1m', tests }));
  expect(execFileSync(promtool(), ['test', 'rules', path], { encoding: 'utf8', stdio: 'pipe' })).toMatch(
    'SUCCESS',
  );
}

const CASES: readonly [alert: string, input: readonly Series[], labels: string][] = [
  [
    'PostcheckFallbackFailed',
    counted('postcheck_fallbacks_total{namespace="pc",kind="DaemonSet",result="Failed"}'),
    'kind="DaemonSet",namespace="pc",severity="critical"',
  ],
  [
    'PostcheckFellBack',
    counted('postcheck_attempts_total{namespace="pc",kind="Deployment",outcome="FellBack"}'),
    'kind="Deployment",namespace="pc",severity="warning"',
  ],
  [
    'PostcheckInconclusive',
    [LEADS, { series: 'postcheck_upgrades{namespace="pc",phase="Inconclusive"}', values: '2x60' }],
    'namespace="pc",severity="warning"',
  ],
  ['PostcheckNoLeader', [STANDS_BY], 'namespace="pc",severity="critical"'],
  [
    'PostcheckWatchStale',
    [
      LEADS,
      STANDS_BY,
      {
        series: 'postcheck_watch_last_contact_seconds{namespace="pc",pod="a",resource="pods"}',
        values: '0+60x60',
      },
      {
        series: 'postcheck_watch_last_contact_seconds{namespace="pc",pod="b",resource="nodes"}',
        values: '0+60x60',
      },
    ],
    'namespace="pc",resource="pods",severity="warning"',
  ],
  [
    'PostcheckForbidden',
    counted('postcheck_errors_total{namespace="pc",cause="forbidden"}'),
    'namespace="pc",severity="warning"',
  ],
  [
    'PostcheckBug',
    counted('postcheck_errors_total{namespace="pc",cause="bug"}'),
    'namespace="pc",severity="warning"',
  ],
];

describe('alerts', () => {
  test('every alert has a case here, and promtool accepts them all', () => {
    const { groups } = parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
    expect(CASES.map(([alert]) => alert)).toEqual(
      groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)),
    );
    expect(execFileSync(promtool(), ['check', 'rules', ALERTS], { encoding: 'utf8' })).toMatch('SUCCESS');
  }, 120_000);

  test.each(CASES)('%s fires on what it is for, and nothing else does', (alert, input, labels) => {
    expectFiring(input, [`alertname="${alert}",${labels}`]);
  });

  test('without any operator the lack of a leader is told', () => {
    expectFiring([{ series: 'up', values: '1x60' }], ['alertname="PostcheckNoLeader",severity="critical"']);
  });

  test('nothing fires on a quiet operator', () => {
    const quiet = [
      'postcheck_fallbacks_total{namespace="pc",kind="DaemonSet",result="Failed"}',
      'postcheck_upgrades{namespace="pc",phase="Inconclusive"}',
    ];
    expectFiring([LEADS, STANDS_BY, ...quiet.map((series) => ({ series, values: '0x60' }))], []);
  });
});

test('alerts and dashboard ask only for metrics that the operator has', async () => {
  const { body } = await new Metrics({ perUpgrade: true, watched: ['Pod'], watches: () => [] }).exposition();
  const exported = new Set([...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const text = [ALERTS, join(CHART, 'files/dashboard.json')]
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const asked = new Set(
    [...text.matchAll(/\b((?:postcheck|process|workqueue)_[a-z_]+?)(?:_bucket)?(?=[{[) "])/g)].map(
      ([, name]) => name,
    ),
  );
  expect(asked.size).toBeGreaterThan(8);
  expect([...asked].filter((name) => !exported.has(name))).toEqual([]);
});
