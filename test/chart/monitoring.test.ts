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
const LEADS: Series = { series: 'postcheck_leader{namespace="pc",pod="a"}', values: '1x1500' };
const STANDS_BY: Series = { series: 'postcheck_leader{namespace="pc",pod="b"}', values: '0x1500' };
/** Counts up by one after a quarter of an hour. */
const counted = (series: string): Series[] => [{ series, values: '0x15 1x105' }];

/** The series of one Upgrade, on the leader. */
function upgrade(labels: Readonly<Record<string, string>>, name = 'web', values = '1x120'): Series {
  const all = {
    ...{ namespace: 'pc', pod: 'a', upgrade_namespace: 'shop', name, kind: 'Deployment', target: 'web-app' },
    ...{
      phase: 'Upgrading',
      ready: 'False',
      stalled: 'False',
      reason: 'Upgrading',
      gate: 'GatePolicyApplied',
    },
    ...labels,
  };
  const pairs = Object.entries(all).map(([label, value]) => `${label}="${value}"`);
  return { series: `postcheck_upgrade_info{${pairs.join()}}`, values };
}
const progress = (values: string): Series => ({
  series:
    'postcheck_upgrade_progress_timestamp_seconds{namespace="pc",pod="a",upgrade_namespace="shop",name="web"}',
  values,
});
const waiting = (reason: string): Series => ({
  series: `postcheck_upgrade_waiting_timestamp_seconds{namespace="pc",pod="a",upgrade_namespace="shop",name="web",reason="${reason}"}`,
  values: '0x1500',
});
const watch = (metric: string, values: string, labels = ''): Series => ({
  series: `postcheck_watch_${metric}{namespace="pc",pod="a",resource="pods"${labels}}`,
  values,
});

const DAY = 86_400;
/** A webhook's certificate of so many seconds, with so many left at the beginning. */
const certificate = (pod: string, life: number, left: number): Series[] =>
  Object.entries({ not_before: left - life, expiration: left }).map(([bound, at]) => ({
    series: `postcheck_webhook_certificate_${bound}_timestamp_seconds{namespace="pc",pod="${pod}"}`,
    values: `${at}x120`,
  }));

/** Passes when at that time exactly these alerts fire; else throws with what promtool says. */
function expectFiring(input: readonly Series[], firing: readonly string[], at = '20m'): void {
  const samples = firing.map((labels) => ({ labels: `ALERTS{alertstate="firing",${labels}}`, value: 1 }));
  const expectation = { expr: 'ALERTS{alertstate="firing"}', eval_time: at, exp_samples: samples };
  const tests = [{ interval: '1m', input_series: input, promql_expr_test: [expectation] }];
  const path = join(folder, 'test.json');
  writeFileSync(path, JSON.stringify({ rule_files: [ALERTS], evaluation_interval: '1m', tests }));
  expect(execFileSync(promtool(), ['test', 'rules', path], { encoding: 'utf8', stdio: 'pipe' })).toMatch(
    'SUCCESS',
  );
}

const named = (reason: string, severity = 'warning') =>
  `kind="Deployment",name="web",reason="${reason}",severity="${severity}",target="web-app",upgrade_namespace="shop"`;
const ofGate = 'kind="Deployment",name="web",severity="warning",target="web-app",upgrade_namespace="shop"';

interface Case {
  readonly alert: string;
  readonly input: readonly Series[];
  readonly labels: string;
  readonly at?: string;
}

/** What each alert is for; nothing else may fire then. */
const FIRES: readonly Case[] = [
  {
    alert: 'PostcheckFallbackFailed',
    input: [LEADS, upgrade({ phase: 'FallbackFailed', stalled: 'True', reason: 'ProbeFailed' })],
    labels: named('ProbeFailed', 'critical'),
  },
  {
    alert: 'PostcheckFailed',
    input: [LEADS, upgrade({ phase: 'Failed', stalled: 'True', reason: 'FallbackPaused' })],
    labels: named('FallbackPaused'),
  },
  {
    alert: 'PostcheckPartial',
    input: [LEADS, upgrade({ phase: 'Partial', stalled: 'True', reason: 'ProbeFailed' })],
    labels: named('ProbeFailed'),
  },
  {
    alert: 'PostcheckFellBack',
    input: [LEADS, upgrade({ phase: 'FellBack', stalled: 'True', reason: 'ProbeFailed' })],
    labels: named('ProbeFailed'),
  },
  {
    alert: 'PostcheckStalled',
    input: [
      LEADS,
      upgrade({ phase: 'Pending', stalled: 'True', reason: 'TargetNotFound' }),
      progress('0x120'),
    ],
    labels: named('TargetNotFound'),
    at: '90m',
  },
  {
    alert: 'PostcheckStuck',
    input: [LEADS, upgrade({}), progress('0x120')],
    labels: 'name="web",severity="warning",upgrade_namespace="shop"',
    at: '90m',
  },
  {
    alert: 'PostcheckInconclusive',
    input: [LEADS, upgrade({ phase: 'Inconclusive', reason: 'Inconclusive' }), progress('0x120')],
    labels: named('Inconclusive'),
    at: '90m',
  },
  {
    alert: 'PostcheckApprovalOverdue',
    input: [LEADS, upgrade({ phase: 'PostChecking' }, 'web', '1x1500'), waiting('AwaitingApproval')],
    labels: 'name="web",severity="warning",upgrade_namespace="shop"',
    at: '1460m',
  },
  {
    alert: 'PostcheckPartitionOverdue',
    input: [LEADS, upgrade({ phase: 'Upgrading' }, 'web', '1x1500'), waiting('PartitionSet')],
    labels: 'name="web",severity="warning",upgrade_namespace="shop"',
    at: '1460m',
  },
  {
    alert: 'PostcheckPausedOverdue',
    input: [LEADS, upgrade({ phase: 'Upgrading', reason: 'Paused' }, 'web', '1x700 _x3 1x800')],
    labels: 'name="web",severity="warning",upgrade_namespace="shop"',
    at: '1460m',
  },
  { alert: 'PostcheckGateMissed', input: [LEADS, upgrade({ gate: 'GateMissed' })], labels: ofGate },
  { alert: 'PostcheckGateUnavailable', input: [LEADS, upgrade({ gate: 'GateUnavailable' })], labels: ofGate },
  { alert: 'PostcheckNoLeader', input: [STANDS_BY], labels: 'namespace="pc",severity="critical"' },
  {
    alert: 'PostcheckWatchRefused',
    input: [
      LEADS,
      watch('failing_seconds', '0x10 60+60x100'),
      watch('failures_total', '0x10 1+2x100', ',reason="forbidden"'),
    ],
    labels: 'namespace="pc",resource="pods",severity="critical"',
  },
  {
    alert: 'PostcheckWatchStale',
    input: [
      LEADS,
      STANDS_BY,
      watch('last_contact_seconds', '0+60x120'),
      {
        series: 'postcheck_watch_last_contact_seconds{namespace="pc",pod="b",resource="nodes"}',
        values: '0+60x120',
      },
    ],
    labels: 'namespace="pc",resource="pods",severity="warning"',
  },
  {
    alert: 'PostcheckWebhookCertificateExpiring',
    input: [LEADS, ...certificate('a', 90 * DAY, 10 * DAY), ...certificate('b', 90 * DAY, 40 * DAY)],
    labels: 'namespace="pc",pod="a",severity="warning"',
    at: '40m',
  },
  {
    alert: 'PostcheckEventLoopLag',
    input: [
      LEADS,
      { series: 'postcheck_event_loop_lag_seconds{namespace="pc",pod="a"}', values: '0.01x16 4 0.01x100' },
    ],
    labels: 'namespace="pc",pod="a",severity="warning"',
  },
  {
    alert: 'PostcheckUpgradesOmitted',
    input: [LEADS, { series: 'postcheck_upgrade_info_omitted{namespace="pc",pod="a"}', values: '7x120' }],
    labels: 'namespace="pc",severity="info"',
  },
  {
    alert: 'PostcheckForbidden',
    input: [LEADS, ...counted('postcheck_errors_total{namespace="pc",cause="forbidden"}')],
    labels: 'namespace="pc",severity="warning"',
  },
  {
    alert: 'PostcheckBug',
    input: [LEADS, ...counted('postcheck_errors_total{namespace="pc",cause="bug"}')],
    labels: 'namespace="pc",severity="warning"',
  },
];

/** What looks like it and is none of it. */
const SILENT: readonly (readonly [what: string, input: readonly Series[], at?: string])[] = [
  [
    'an Upgrade that is paused after its attempt',
    [upgrade({ phase: 'Succeeded', reason: 'Paused' }, 'web', '1x1500')],
    '1460m',
  ],
  [
    'an attempt that was paused for half a day',
    [upgrade({ phase: 'Upgrading', reason: 'Paused' }, 'web', '1x720')],
    '725m',
  ],
  ['an upgrade that comes further', [upgrade({}), progress('0+60x120')], '90m'],
  ['one that is paused has no progress to tell', [upgrade({ reason: 'Paused' })], '90m'],
  [
    'one that waits for pods of a workload that wants none',
    [upgrade({ reason: 'NoPods' }), progress('0x120')],
    '90m',
  ],
  [
    'one that waits for approval since this morning',
    [upgrade({ phase: 'PostChecking' }), waiting('AwaitingApproval')],
    '90m',
  ],
  [
    'one that waits for its window for longer than a day',
    [upgrade({ phase: 'Pending', reason: 'WindowClosed' }, 'web', '1x1500'), waiting('WindowClosed')],
    '1460m',
  ],
  ['one that succeeded', [upgrade({ phase: 'Succeeded', ready: 'True', gate: 'NotGating' })]],
  ['one whose gate its user has disabled', [upgrade({ gate: 'GateDisabled' })]],
  ['one that was aborted by its user', [upgrade({ phase: 'Aborted', stalled: 'True', reason: 'Aborted' })]],
  [
    'one that stood still for some minutes',
    [upgrade({ stalled: 'True', phase: 'Pending' }, 'web', '_x14 1x5')],
  ],
  ['one that was inconclusive and went on', [upgrade({ phase: 'Inconclusive' }, 'web', '1x10 stale')]],
  [
    'a watch that failed and is well again',
    [
      watch('failing_seconds', '0x10 30 60 0x100'),
      watch('failures_total', '0x10 1 2 2x100', ',reason="forbidden"'),
    ],
  ],
  [
    'an API server that restarts',
    [
      watch('failing_seconds', '0x15 60 120 0x100'),
      watch('failures_total', '0x15 1 2 2x100', ',reason="unavailable"'),
    ],
  ],
  [
    'certificates that are due for renewal, those of a day as well as those of months',
    [...certificate('a', 90 * DAY, 29 * DAY), ...certificate('b', DAY, 0.3 * DAY)],
    '40m',
  ],
  [
    'an event loop that is busy',
    [{ series: 'postcheck_event_loop_lag_seconds{namespace="pc",pod="a"}', values: '0.9x120' }],
  ],
];

describe('alerts', () => {
  test('every alert has a case here, and promtool accepts them all', () => {
    const { groups } = parse(readFileSync(ALERTS, 'utf8')) as { groups: { rules: { alert: string }[] }[] };
    expect(FIRES.map(({ alert }) => alert)).toEqual(
      groups.flatMap(({ rules }) => rules.map(({ alert }) => alert)),
    );
    expect(execFileSync(promtool(), ['check', 'rules', ALERTS], { encoding: 'utf8' })).toMatch('SUCCESS');
  }, 120_000);

  test.each(FIRES)(
    '$alert fires on what it is for, and nothing else does',
    ({ alert, input, labels, at }) => {
      expectFiring(input, [`alertname="${alert}",${labels}`], at);
    },
  );

  test.each(SILENT.map(([what, input, at = '20m']) => ({ what, input, at })))(
    'nothing fires on $what',
    ({ input, at }) => {
      expectFiring([LEADS, STANDS_BY, ...input], [], at);
    },
  );

  test('each Upgrade that needs a person has an alert of its own', () => {
    const failed = { phase: 'FallbackFailed', stalled: 'True', reason: 'ProbeFailed' };
    expectFiring(
      [LEADS, upgrade(failed), upgrade(failed, 'api')],
      ['web', 'api'].map(
        (name) =>
          `alertname="PostcheckFallbackFailed",kind="Deployment",name="${name}",reason="ProbeFailed",severity="critical",target="web-app",upgrade_namespace="shop"`,
      ),
    );
  });

  test('a failed fallback is told by its kind when no Upgrade has a series of its own', () => {
    expectFiring(
      [
        LEADS,
        ...counted('postcheck_attempts_total{namespace="pc",kind="DaemonSet",outcome="FallbackFailed"}'),
      ],
      ['alertname="PostcheckFallbackFailed",kind="DaemonSet",namespace="pc",severity="critical"'],
    );
  });

  test('an alert goes on while another replica takes over', () => {
    const phases = [
      [
        { phase: 'FallbackFailed', stalled: 'True', reason: 'ProbeFailed' },
        'PostcheckFallbackFailed',
        'critical',
      ],
      [{ phase: 'Pending', stalled: 'True', reason: 'TargetNotFound' }, 'PostcheckStalled', 'warning'],
    ] as const;
    for (const [labels, alert, severity] of phases) {
      const before = upgrade(labels, 'web', '1x29 stale');
      const next = upgrade({ ...labels, pod: 'b' }, 'web', '_x31 1x60');
      for (const at of ['29m', '31m', '34m']) {
        expectFiring([LEADS, before, next], [`alertname="${alert}",${named(labels.reason, severity)}`], at);
      }
      expectFiring([LEADS, before], [], '40m');
    }
  });

  test('without any operator the lack of a leader is told', () => {
    expectFiring([{ series: 'up', values: '1x60' }], ['alertname="PostcheckNoLeader",severity="critical"']);
  });

  test('each alert’s page begins with what the alert says', () => {
    const { groups } = parse(readFileSync(ALERTS, 'utf8')) as {
      groups: { rules: { alert: string; annotations: Record<string, string> }[] }[];
    };
    const pages = groups
      .flatMap(({ rules }) => rules)
      .map(({ alert, annotations }) => ({
        summary: annotations.summary ?? '',
        page: join(
          CHART,
          '../../docs/runbooks',
          `${/(\w+)\.md$/.exec(annotations.runbook_url ?? '')?.[1]}.md`,
        ),
        own: annotations.runbook_url?.endsWith(`/${alert}.md`),
      }))
      .filter(({ own }) => own);
    expect(pages.length).toBeGreaterThan(6);
    for (const { summary, page } of pages) {
      const [, seen = ''] = /^# .+\n\n```\n(.*)\n```/.exec(readFileSync(page, 'utf8')) ?? [];
      const words = summary.split(/\{\{.*?\}\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      expect(seen).toMatch(new RegExp(`^${words.join('.+')}$`));
    }
  });
});

test('alerts and dashboard ask only for metrics that the operator has', async () => {
  const { body } = await new Metrics({
    version: '1',
    maxUpgrades: 1,
    watched: ['Pod'],
    watches: () => [],
  }).exposition();
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
