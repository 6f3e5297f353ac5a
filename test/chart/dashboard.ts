/** The queries of the chart's dashboard, as Grafana would send them with every variable at "all". */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CHART } from './render.ts';

interface Panel {
  readonly title?: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly panels?: readonly Panel[];
}
interface Dashboard {
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
}

const filledIn = (expr: string): string => expr.replaceAll('$__rate_interval', '1m').replace(/\$\w+/g, '.*');

export interface DashboardQuery {
  readonly title: string;
  /** As it is sent. */
  readonly expr: string;
  /** As it stands in the dashboard. */
  readonly written: string;
}

const queryOf = (title: string, written: string): DashboardQuery => ({
  title,
  written,
  expr: filledIn(written),
});

export function dashboardQueries(): DashboardQuery[] {
  const dashboard = JSON.parse(readFileSync(join(CHART, 'files/dashboard.json'), 'utf8')) as Dashboard;
  const ofPanel = ({ title = '', targets = [], panels = [] }: Panel): DashboardQuery[] => [
    ...targets.map(({ expr }) => queryOf(title, expr)),
    ...panels.flatMap(ofPanel),
  ];
  const annotations = dashboard.annotations.list.map(({ name, expr = '' }) =>
    queryOf(`annotation ${name}`, expr),
  );
  return [...dashboard.panels.flatMap(ofPanel), ...annotations];
}
