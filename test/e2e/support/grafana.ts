/** What Prometheus answers to the queries of the dashboard, kept for the picture of the docs. */
import type { RecordedSeries, Recording } from '../../../scripts/generate-grafana.ts';
import { dashboardQueries } from '../../chart/dashboard.ts';
import type { Prometheus, Track } from '../../support/prometheus.ts';
import { run } from './api.ts';

/** As many as a small panel can show. */
const STEPS = 60;

/** Every query of the dashboard, asked over the time from then until now. */
export async function recordDashboard(prometheus: Prometheus, began: number): Promise<Recording> {
  const now = Math.floor(Date.now() / 1000);
  const step = Math.max(1, Math.ceil((now - Math.floor(began / 1000)) / (STEPS - 1)));
  const from = now - step * (STEPS - 1);
  const answers: Record<string, readonly RecordedSeries[]> = {};
  for (const { written, expr } of dashboardQueries()) {
    const tracks = await prometheus.range(expr, from, now, step);
    answers[written] = tracks.map((track) => recorded(track, from, step));
  }
  return { of: origin(), from, step, steps: STEPS, answers };
}

/** Four digits are more than a picture shows. */
function recorded({ labels, values }: Track, from: number, step: number): RecordedSeries {
  const at = new Map(values.map(([time, value]) => [Math.round((time - from) / step), value]));
  const seen = Array.from({ length: STEPS }, (_, index) => at.get(index) ?? Number.NaN);
  return {
    labels,
    values: seen.map((value) => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null)),
  };
}

function origin(): string {
  const { serverVersion } = JSON.parse(run('kubectl', ['version', '-o', 'json']));
  const day = new Date().toISOString().slice(0, 10);
  return `Kubernetes ${serverVersion.gitVersion}, ${day}`;
}

/** A line for each series: a new recording changes lines, not the whole file. */
export function recordingText({ answers, ...about }: Recording): string {
  const queries = Object.entries(answers).map(([written, series]) => {
    const lines = series.map((one) => `   ${JSON.stringify(one)}`).join(',\n');
    return `  ${JSON.stringify(written)}: [${lines ? `\n${lines}\n  ` : ''}]`;
  });
  const head = Object.entries(about).map(
    ([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)},`,
  );
  return `{\n${head.join('\n')}\n "answers": {\n${queries.join(',\n')}\n }\n}\n`;
}
