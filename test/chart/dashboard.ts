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

export function dashboardQueries(): { readonly title: string; readonly expr: string }[] {
  const dashboard = JSON.parse(readFileSync(join(CHART, 'files/dashboard.json'), 'utf8')) as Dashboard;
  const ofPanel = ({ title = '', targets = [], panels = [] }: Panel): { title: string; expr: string }[] => [
    ...targets.map(({ expr }) => ({ title, expr: filledIn(expr) })),
    ...panels.flatMap(ofPanel),
  ];
  const annotations = dashboard.annotations.list.map(({ name, expr = '' }) => ({
    title: `annotation ${name}`,
    expr: filledIn(expr),
  }));
  return [...dashboard.panels.flatMap(ofPanel), ...annotations];
}
