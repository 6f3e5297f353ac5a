/** The picture of the dashboard shows what was recorded, and says where nothing was. */
import { expect, test } from '@jest/globals';
import { dashboardJson } from './generate-dashboard.ts';
import { grafanaPicture } from './generate-grafana.ts';

const titles = (dashboard: string): string[] =>
  (JSON.parse(dashboard) as { panels: { title: string }[] }).panels.map(({ title }) => title);

test('every panel of the dashboard is in it', () => {
  const picture = grafanaPicture(dashboardJson());
  for (const title of titles(dashboardJson())) {
    expect(picture).toContain(`>${title}</text>`);
  }
  expect(picture).toContain('drawn by this project, not by Grafana');
});

test('a panel whose query was not asked says so, and is not drawn from another one', () => {
  const changed = dashboardJson().replaceAll('postcheck_exec_inflight', 'postcheck_exec_elsewhere');
  expect(grafanaPicture(changed)).toContain('not in the recording');
});

test('what stands in a label is text', () => {
  const hostile = dashboardJson().replaceAll('{{class}}', '<b>{{class}}</b>');
  expect(grafanaPicture(hostile)).toContain('&lt;b&gt;Retry&lt;/b&gt;');
});
