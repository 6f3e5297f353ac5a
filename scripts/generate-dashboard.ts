/** The chart's Grafana dashboard, typed by Grafana's own schemas. */
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type DynamicConfigValue,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HeatmapBuilder } from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { RUNBOOKS_URL } from '../src/api/names.ts';

/** A variable of Grafana's. */
const variable = (name: string): string => `\${${name}}`;
const SOURCE = { type: 'prometheus', uid: variable('datasource') };
/** What the variables choose: operators by their namespace, Upgrades by their own labels. */
const OPERATOR = 'namespace=~"$namespace"';
const UPGRADE = 'upgrade_namespace=~"$upgrade_namespace",kind=~"$kind",name=~"$upgrade"';
const BY_UPGRADE = 'upgrade_namespace, name, kind, target, phase, ready, stalled, reason, gate';

const query = (expr: string, legend = '') =>
  new DataqueryBuilder().datasource(SOURCE).expr(expr).legendFormat(legend).range();
const now = (expr: string) => new DataqueryBuilder().datasource(SOURCE).expr(expr).instant();

const link = (title: string, url: string) =>
  new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url).targetBlank(true);

/** Red from one on: nobody has to know which number is good. */
const badAboveZero = new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
  { value: null, color: 'green' },
  { value: 1, color: 'red' },
]);

/** How many Upgrades are in these phases, with the page that says what to do. */
function phases(title: string, names: string, page?: string) {
  const stat = new StatBuilder()
    .title(title)
    .datasource(SOURCE)
    .withTarget(now(`sum(max by (phase) (postcheck_upgrades{${OPERATOR},phase=~"${names}"}))`))
    .span(3)
    .height(4);
  return page ? stat.thresholds(badAboveZero).links([link('Runbook', `${RUNBOOKS_URL}/${page}.md`)]) : stat;
}

const series = (title: string, unit: string, ...targets: DataqueryBuilder[]) =>
  targets.reduce(
    (panel, target) => panel.withTarget(target),
    new TimeseriesBuilder().title(title).datasource(SOURCE).unit(unit).span(8).height(7),
  );

const quantile = (q: number, metric: string, by: string, range: string, only = '') =>
  `histogram_quantile(${q}, sum by (${by}) (rate(${metric}_bucket{${OPERATOR}${only}}[${range}])))`;

const linked = (title: string, url: string): DynamicConfigValue[] => [
  { id: 'links', value: [{ title, url, targetBlank: true }] },
];

const upgradesTable = new TableBuilder()
  .title('Upgrades')
  .description('If there are more Upgrades than the limit, those that need attention are exported first.')
  .datasource(SOURCE)
  .withTarget(
    now(`max by (${BY_UPGRADE}) (postcheck_upgrade_info{${UPGRADE}})`).format(PromQueryFormat.Table),
  )
  .withTransformation({
    id: 'organize',
    options: {
      excludeByName: { Time: true, Value: true },
      indexByName: Object.fromEntries(BY_UPGRADE.split(', ').map((label, index) => [label, index])),
      renameByName: { upgrade_namespace: 'namespace' },
    },
  })
  .overrideByName('reason', linked('Runbook', `${RUNBOOKS_URL}/${variable('__value.text')}.md`))
  .overrideByName(
    'name',
    linked('Show only this Upgrade', `/d/postcheck?var-upgrade=${variable('__value.text')}`),
  )
  .filterable(true)
  .span(24)
  .height(9);

/** Seen in that phase now and not a minute ago. */
const entered = (names: string) =>
  `max by (upgrade_namespace, name, phase, reason) (postcheck_upgrade_info{${UPGRADE},phase=~"${names}"}) unless max by (upgrade_namespace, name, phase, reason) (postcheck_upgrade_info{${UPGRADE},phase=~"${names}"} offset 1m)`;

const annotation = (name: string, color: string, names: string) =>
  new AnnotationQueryBuilder()
    .name(name)
    .datasource(SOURCE)
    .enable(true)
    .iconColor(color)
    .expr(entered(names))
    .step('1m')
    .titleFormat('{{upgrade_namespace}}/{{name}}: {{phase}}')
    .textFormat('{{reason}}');

const labelValues = (name: string, label: string, of: string) =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query({ query: `label_values(${of})`, refId: name })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*');

const dashboard = new DashboardBuilder('postcheck')
  .uid('postcheck')
  .tags(['kubernetes', 'postcheck'])
  .time({ from: 'now-6h', to: 'now' })
  .refresh('30s')
  .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'))
  .withVariable(labelValues('namespace', 'Operator', 'postcheck_leader, namespace'))
  .withVariable(labelValues('upgrade_namespace', 'Namespace', 'postcheck_upgrade_info, upgrade_namespace'))
  .withVariable(
    labelValues('kind', 'Kind', 'postcheck_upgrade_info{upgrade_namespace=~"$upgrade_namespace"}, kind'),
  )
  .withVariable(
    labelValues(
      'upgrade',
      'Upgrade',
      'postcheck_upgrade_info{upgrade_namespace=~"$upgrade_namespace",kind=~"$kind"}, name',
    ),
  )
  .annotation(annotation('Attempts', 'blue', 'Upgrading'))
  .annotation(annotation('Fallbacks', 'red', 'FallingBack|FellBack|FallbackFailed'))
  .link(link('Runbooks', `${RUNBOOKS_URL}/README.md`))
  .withPanel(phases('Fallback failed', 'FallbackFailed', 'FallbackFailed'))
  .withPanel(phases('Failed, left in place', 'Failed', 'PostcheckFailed'))
  .withPanel(phases('Fell back', 'FellBack', 'FellBack'))
  .withPanel(phases('Inconclusive', 'Inconclusive', 'Inconclusive'))
  .withPanel(
    new StatBuilder()
      .title('Stalled')
      .datasource(SOURCE)
      .withTarget(
        now(
          `count(postcheck_upgrade_info{${UPGRADE},stalled="True",phase!~"Partial|FellBack|FallbackFailed|Failed|Aborted"}) or vector(0)`,
        ),
      )
      .thresholds(badAboveZero)
      .links([link('Runbook', `${RUNBOOKS_URL}/PostcheckStalled.md`)])
      .span(3)
      .height(4),
  )
  .withPanel(phases('In progress', 'Pending|Upgrading|PostChecking|FallingBack|FallbackChecking'))
  .withPanel(phases('Succeeded', 'Succeeded'))
  .withPanel(
    new StatBuilder()
      .title('Leader')
      .datasource(SOURCE)
      .withTarget(now(`sum(postcheck_leader{${OPERATOR}})`))
      .links([link('Runbook', `${RUNBOOKS_URL}/PostcheckNoLeader.md`)])
      .span(3)
      .height(4),
  )
  .withPanel(upgradesTable)
  .withRow(new RowBuilder('Attempts'))
  .withPanel(
    series(
      'Upgrades by phase',
      'short',
      query(`max by (phase) (postcheck_upgrades{${OPERATOR}})`, '{{phase}}'),
    ),
  )
  .withPanel(
    series(
      'Attempts that ended',
      'short',
      query(
        `sum by (outcome) (increase(postcheck_attempts_total{${OPERATOR},kind=~"$kind"}[$__rate_interval]))`,
        '{{outcome}}',
      ),
    ),
  )
  .withPanel(
    series(
      'Fallbacks that ended',
      'short',
      query(
        `sum by (result) (increase(postcheck_fallbacks_total{${OPERATOR},kind=~"$kind"}[$__rate_interval]))`,
        '{{result}}',
      ),
    ),
  )
  .withPanel(
    new HeatmapBuilder()
      .title('Time from start to end of attempts')
      .datasource(SOURCE)
      .withTarget(
        query(
          `sum by (le) (increase(postcheck_attempt_duration_seconds_bucket{${OPERATOR},kind=~"$kind"}[$__rate_interval]))`,
          '{{le}}',
        ).format(PromQueryFormat.Heatmap),
      )
      .span(8)
      .height(7),
  )
  .withPanel(
    series(
      'From evidence to the previous images',
      's',
      query(quantile(0.9, 'postcheck_fallback_start_seconds', 'le', '6h', ',write="images"'), '90 %'),
    ),
  )
  .withPanel(
    series(
      'Time since the last progress',
      's',
      query(
        `time() - max by (upgrade_namespace, name) (postcheck_upgrade_progress_timestamp_seconds{upgrade_namespace=~"$upgrade_namespace",name=~"$upgrade"})`,
        '{{upgrade_namespace}}/{{name}}',
      ),
    ),
  )
  .withRow(new RowBuilder('Checks'))
  .withPanel(
    series(
      'Results of checks',
      'ops',
      query(`sum by (class) (rate(postcheck_checks_total{${OPERATOR}}[$__rate_interval]))`, '{{class}}'),
    ),
  )
  .withPanel(
    series(
      'Exit codes',
      'ops',
      query(
        `sum by (code_class) (rate(postcheck_probe_exit_codes_total{${OPERATOR}}[$__rate_interval]))`,
        '{{code_class}}',
      ),
    ),
  )
  .withPanel(
    series(
      'Duration of a probe',
      's',
      query(quantile(0.5, 'postcheck_check_duration_seconds', 'le', '$__rate_interval'), '50 %'),
      query(quantile(0.99, 'postcheck_check_duration_seconds', 'le', '$__rate_interval'), '99 %'),
    ),
  )
  .withPanel(
    series('Execs in flight', 'short', query(`sum(postcheck_exec_inflight{${OPERATOR}})`, 'in flight')),
  )
  .withPanel(
    series(
      'Wait for a free exec slot',
      's',
      query(quantile(0.9, 'postcheck_exec_wait_seconds', 'le', '$__rate_interval'), '90 %'),
    ),
  )
  .withPanel(
    series(
      'Gates opened',
      'short',
      query(
        `sum by (reason) (increase(postcheck_gates_opened_total{${OPERATOR}}[$__rate_interval]))`,
        '{{reason}}',
      ),
    ),
  )
  .withRow(new RowBuilder('Operator'))
  .withPanel(
    series(
      'Errors',
      'ops',
      query(`sum by (cause) (rate(postcheck_errors_total{${OPERATOR}}[$__rate_interval]))`, '{{cause}}'),
      query(
        `sum by (reason) (rate(postcheck_watch_failures_total{${OPERATOR}}[$__rate_interval]))`,
        'watch: {{reason}}',
      ),
    ),
  )
  .withPanel(
    series(
      'Watches: last contact, and failing for',
      's',
      query(
        `max by (resource) (postcheck_watch_last_contact_seconds{${OPERATOR}} and on (namespace, pod) (postcheck_leader == 1))`,
        '{{resource}}',
      ),
      query(`max by (resource) (postcheck_watch_failing_seconds{${OPERATOR}})`, '{{resource}}: failing'),
    ),
  )
  .withPanel(
    series(
      'Event loop: longest stall',
      's',
      query(`max by (pod) (postcheck_event_loop_lag_seconds{${OPERATOR}})`, '{{pod}}'),
    ),
  )
  .withPanel(
    series(
      'Memory',
      'bytes',
      query(`process_resident_memory_bytes{${OPERATOR}} and on (namespace, pod) postcheck_leader`, '{{pod}}'),
    ),
  )
  .withPanel(
    series(
      'CPU',
      'short',
      query(
        `rate(process_cpu_seconds_total{${OPERATOR}}[$__rate_interval]) and on (namespace, pod) postcheck_leader`,
        '{{pod}}',
      ),
    ),
  )
  .withPanel(
    series(
      'Queue',
      'short',
      query(
        `sum by (pod) (workqueue_depth{${OPERATOR},name="upgrade"} and on (namespace, pod) postcheck_leader)`,
        '{{pod}}',
      ),
    ),
  )
  .withPanel(
    new TableBuilder()
      .title('Versions')
      .datasource(SOURCE)
      .withTarget(
        now(`count by (version, node) (postcheck_build_info{${OPERATOR}})`).format(PromQueryFormat.Table),
      )
      .span(8)
      .height(5),
  );

/** charts/postcheck/files/dashboard.json */
export const dashboardJson = (): string => `${JSON.stringify(dashboard.build(), null, 1)}\n`;
