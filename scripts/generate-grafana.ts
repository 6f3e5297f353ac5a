/**
 * docs/pictures/grafana.svg: the chart's Grafana dashboard, drawn by this file and not by Grafana, from what a real Prometheus answered to each
 * of its queries. What was answered is kept in docs/pictures/grafana.json, which the end-to-end tests write (`PICTURES=docs/pictures`).
 */
import { existsSync, readFileSync } from 'node:fs';

export const RECORDING = 'docs/pictures/grafana.json';

export interface RecordedSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** At each step; null where there was nothing. */
  readonly values: readonly (number | null)[];
}

/** What a Prometheus said to the queries of the dashboard. */
export interface Recording {
  /** Where and of what. */
  readonly of: string;
  /** Seconds since the epoch. */
  readonly from: number;
  readonly step: number;
  readonly steps: number;
  /** By query, as it stands in the dashboard. */
  readonly answers: Readonly<Record<string, readonly RecordedSeries[]>>;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
}

interface Panel {
  readonly type: string;
  readonly title?: string;
  readonly gridPos: Place;
  readonly targets?: readonly Target[];
  readonly fieldConfig?: {
    readonly defaults?: {
      readonly unit?: string;
      readonly thresholds?: {
        readonly steps: readonly { readonly value: number | null; readonly color: string }[];
      };
    };
  };
  readonly transformations?: readonly {
    readonly options: {
      readonly indexByName?: Readonly<Record<string, number>>;
      readonly renameByName?: Readonly<Record<string, string>>;
    };
  }[];
}

interface Dashboard {
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly annotations: {
    readonly list: readonly { readonly expr?: string; readonly iconColor?: string }[];
  };
}

const COLUMN = 50;
const LINE = 22;
const GAP = 6;
const HEAD = 34;
const COLOURS = ['#3f83d6', '#2f9e63', '#d98a1f', '#c5443c', '#8b63c9', '#1f9fa8', '#b8568f', '#7d8590'];
const MARKS: Readonly<Record<string, string>> = { blue: '#3f83d6', red: '#c5443c' };

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const round = (value: number): number => Math.round(value * 10) / 10;
const text = (x: number, y: number, said: string, more = ''): string =>
  `<text x="${round(x)}" y="${round(y)}"${more}>${escaped(said)}</text>`;
function short(said: string, width: number): string {
  const most = Math.max(3, Math.floor(width / 6.2));
  return said.length > most ? `${said.slice(0, most - 1)}…` : said;
}

/** What was said at the end of the recording. */
const last = ({ values }: RecordedSeries): number | undefined =>
  values.findLast((value) => value !== null) ?? undefined;
const isThere = ({ values }: RecordedSeries): boolean => values.at(-1) !== null && values.length > 0;
const peak = ({ values }: RecordedSeries): number => Math.max(0, ...values.map((value) => value ?? 0));

const UNITS: Readonly<Record<string, (value: number) => string>> = {
  s: (value) =>
    value >= 60
      ? `${round(value / 60)} min`
      : value >= 1
        ? `${round(value)} s`
        : `${Math.round(value * 1000)} ms`,
  ops: (value) => `${plainNumber(value)}/s`,
  bytes: (value) => `${Math.round(value / 2 ** 20)} MiB`,
};
const inUnit = (panel: Panel, value: number): string =>
  (UNITS[panel.fieldConfig?.defaults?.unit ?? ''] ?? plainNumber)(value);

const plainNumber = (value: number): string =>
  String(value < 1 ? Number(value.toPrecision(2)) : round(value));

const clock = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(11, 19);

function frameOf({ gridPos: { x, y, w, h } }: Panel): Place {
  return { x: x * COLUMN + GAP, y: HEAD + y * LINE + GAP, w: w * COLUMN - GAP, h: h * LINE - GAP };
}

/** The picture, or nothing where no recording is there. */
export function grafanaPicture(dashboardText: string): string | undefined {
  if (!existsSync(RECORDING)) {
    return undefined;
  }
  const dashboard = JSON.parse(dashboardText) as Dashboard;
  const recording = JSON.parse(readFileSync(RECORDING, 'utf8')) as Recording;
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const [width, height] = [24 * COLUMN + GAP, HEAD + bottom * LINE + GAP * 2];
  const marks = marksOf(dashboard, recording);
  const panels = dashboard.panels.map((panel) => panelPicture(panel, recording, marks));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="The panels of the chart's Grafana dashboard with data of a real Prometheus, drawn by this project" font-family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="11">
<style>
.ground{fill:#f4f5f7}.panel{fill:#fff;stroke:#d5d9de}text{fill:#2b3138}.quiet{fill:#6a737d}.grid{stroke:#e3e6ea}.good{fill:#1d7f4c}.bad{fill:#b3352d}
@media (prefers-color-scheme:dark){.ground{fill:#111418}.panel{fill:#1b2026;stroke:#323a44}text{fill:#d6dbe1}.quiet{fill:#8d97a3}.grid{stroke:#2b323b}.good{fill:#52c388}.bad{fill:#f0837b}}
</style>
<rect class="ground" width="${width}" height="${height}"/>
${text(GAP + 4, 22, dashboard.title, ' font-size="16" font-weight="600"')}
${text(112, 22, short(`${recording.of}, ${clock(recording.from)} to ${clock(recording.from + recording.step * (recording.steps - 1))} UTC; drawn by this project, not by Grafana`, width - 120), ' class="quiet"')}
${panels.join('\n')}
</svg>
`;
}

function panelPicture(panel: Panel, recording: Recording, marks: readonly Mark[]): string {
  const frame = frameOf(panel);
  if (panel.type === 'row') {
    return text(frame.x + 2, frame.y + 13, panel.title ?? '', ' font-size="13" font-weight="600"');
  }
  const box = `<rect class="panel" x="${frame.x}" y="${frame.y}" width="${frame.w}" height="${frame.h}" rx="3"/>`;
  const title = text(frame.x + 8, frame.y + 16, short(panel.title ?? '', frame.w - 12), ' font-weight="600"');
  return `<g>${box}${title}${(INSIDE[panel.type] ?? nothing)({ panel, recording, frame, marks })}</g>`;
}

interface Drawing {
  readonly panel: Panel;
  readonly recording: Recording;
  readonly frame: Place;
  readonly marks: readonly Mark[];
}

const nothing = ({ frame }: Drawing): string =>
  text(frame.x + 8, frame.y + 34, 'not in the recording', ' class="quiet"');

const INSIDE: Readonly<Record<string, (drawing: Drawing) => string>> = {
  stat: statPicture,
  table: tablePicture,
  timeseries: seriesPicture,
  heatmap: heatmapPicture,
};

interface Named {
  readonly name: string;
  readonly series: RecordedSeries;
}

/** Every series of the panel with its legend; `undefined` where a query was not asked. */
function seriesOf({ panel: { targets = [] }, recording: { answers } }: Drawing): Named[] | undefined {
  if (targets.some(({ expr }) => answers[expr] === undefined)) {
    return undefined;
  }
  return targets.flatMap(({ expr, legendFormat = '' }) =>
    (answers[expr] ?? []).map((series) => ({
      series,
      name: legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label: string) => series.labels[label] ?? ''),
    })),
  );
}

function statPicture(drawing: Drawing): string {
  const { panel, frame } = drawing;
  const values = seriesOf(drawing)?.filter(({ series }) => isThere(series));
  if (!values) {
    return nothing(drawing);
  }
  const value = values[0] && last(values[0].series);
  const steps = panel.fieldConfig?.defaults?.thresholds?.steps ?? [];
  const colour = steps.findLast((step) => (value ?? 0) >= (step.value ?? Number.NEGATIVE_INFINITY))?.color;
  const look = colour === 'red' ? 'bad' : colour === 'green' ? 'good' : '';
  const said = value === undefined ? 'no data' : inUnit(panel, value);
  return text(
    frame.x + frame.w / 2,
    frame.y + frame.h - 16,
    said,
    ` class="${look}" font-size="30" font-weight="600" text-anchor="middle"`,
  );
}

function tablePicture(drawing: Drawing): string {
  const { panel, frame } = drawing;
  const rows = seriesOf(drawing)?.filter(({ series }) => isThere(series));
  if (!rows) {
    return nothing(drawing);
  }
  const { indexByName, renameByName = {} } = panel.transformations?.[0]?.options ?? {};
  const columns = Object.keys(indexByName ?? rows[0]?.series.labels ?? {});
  const width = (frame.w - 16) / Math.max(1, columns.length);
  const line = (cells: readonly string[], y: number, more = ''): string =>
    cells.map((cell, index) => text(frame.x + 8 + index * width, y, short(cell, width - 14), more)).join('');
  const head = line(
    columns.map((name) => renameByName[name] ?? name),
    frame.y + 36,
    ' class="quiet"',
  );
  const body = rows.map(({ series }, index) =>
    line(
      columns.map((name) => series.labels[name] ?? ''),
      frame.y + 54 + index * 17,
    ),
  );
  return `${head}${body.join('')}`;
}

interface Mark {
  readonly at: number;
  readonly colour: string;
}

/** When something came about that the dashboard annotates: the first step of each series. */
function marksOf({ annotations }: Dashboard, { answers }: Recording): Mark[] {
  return annotations.list.flatMap(({ expr = '', iconColor = '' }) =>
    (answers[expr] ?? []).map(({ values }) => ({
      at: values.findIndex((value) => value !== null),
      colour: MARKS[iconColor] ?? 'currentColor',
    })),
  );
}

const plotOf = ({ x, y, w, h }: Place): Place => ({ x: x + 52, y: y + 26, w: w - 62, h: h - 64 });

/** The whole number of 1, 2 or 5 times a power of ten that is not below. */
function nice(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function axes({ recording: { from, step, steps }, marks }: Drawing, plot: Place): string {
  const x = (index: number): number => plot.x + (index / Math.max(1, steps - 1)) * plot.w;
  const lines = [0, 0.5, 1].map((part) => {
    const y = round(plot.y + plot.h * part);
    return `<path class="grid" d="M${plot.x} ${y}h${plot.w}"/>`;
  });
  const times = [0, steps - 1].map((index) =>
    text(
      x(index),
      plot.y + plot.h + 13,
      clock(from + index * step),
      ` class="quiet" font-size="9" text-anchor="${index === 0 ? 'start' : 'end'}"`,
    ),
  );
  const told = marks.map(
    ({ at, colour }) =>
      `<path stroke="${colour}" stroke-dasharray="2 3" opacity=".6" d="M${round(x(at))} ${plot.y}v${plot.h}"/>`,
  );
  return [...lines, ...times, ...told].join('');
}

function seriesPicture(drawing: Drawing): string {
  const { panel, frame, recording } = drawing;
  const all = seriesOf(drawing);
  if (!all) {
    return nothing(drawing);
  }
  const plot = plotOf(frame);
  const most = nice(Math.max(...all.map(({ series }) => peak(series))));
  const shown = all.filter(({ series }) => peak(series) > 0).sort((a, b) => peak(b.series) - peak(a.series));
  const at = (index: number, value: number): string =>
    `${round(plot.x + (index / Math.max(1, recording.steps - 1)) * plot.w)} ${round(plot.y + plot.h * (1 - value / most))}`;
  const lines = shown.map(
    ({ series }, index) =>
      `<path fill="none" stroke-width="1.5" stroke="${COLOURS[index % COLOURS.length]}" d="${pathOf(series, at)}"/>`,
  );
  const scale = [0, 0.5, 1].map((part) =>
    text(
      plot.x - 5,
      plot.y + plot.h * (1 - part) + 4,
      inUnit(panel, most * part),
      ' class="quiet" font-size="9" text-anchor="end"',
    ),
  );
  return `${axes(drawing, plot)}${scale.join('')}${lines.join('')}${legend(drawing, shown, all.length - shown.length)}`;
}

/** A line where there are values, with gaps where there are none; a single value is a short line. */
function pathOf({ values }: RecordedSeries, at: (index: number, value: number) => string): string {
  return values
    .map((value, index) => {
      const isFirst = (values[index - 1] ?? null) === null;
      const isAlone = isFirst && (values[index + 1] ?? null) === null;
      return value === null ? '' : `${isFirst ? 'M' : 'L'}${at(index, value)}${isAlone ? 'h2' : ''}`;
    })
    .join('');
}

function legend({ frame }: Drawing, shown: readonly Named[], atZero: number): string {
  let x = frame.x + 10;
  const y = frame.y + frame.h - 8;
  const parts: string[] = [];
  for (const [index, { name }] of shown.entries()) {
    const width = 18 + name.length * 5.4;
    const left = shown.length - index;
    if (x + width > frame.x + frame.w - 60) {
      parts.push(text(x, y, `and ${left} more`, ' class="quiet" font-size="9.5"'));
      return parts.join('');
    }
    parts.push(
      `<path stroke="${COLOURS[index % COLOURS.length]}" stroke-width="3" d="M${round(x)} ${y - 3}h9"/>${text(x + 12, y, name, ' font-size="9.5"')}`,
    );
    x += width;
  }
  const zero =
    atZero > 0
      ? text(x, y, `${shown.length > 0 ? 'and ' : ''}${atZero} at 0`, ' class="quiet" font-size="9.5"')
      : '';
  return `${parts.join('')}${zero}`;
}

/** Buckets are counted from below: what lies in one is what the next smaller one has not. */
function heatmapPicture(drawing: Drawing): string {
  const { frame, recording } = drawing;
  const bound = ({ series: { labels } }: Named): number => Number(labels['le']?.replace('+Inf', 'Infinity'));
  const buckets = seriesOf(drawing)?.sort((a, b) => bound(a) - bound(b));
  if (!buckets) {
    return nothing(drawing);
  }
  const plot = plotOf(frame);
  const inside = buckets.map(({ series }, row) =>
    series.values.map((value, index) =>
      Math.max(0, (value ?? 0) - (buckets[row - 1]?.series.values[index] ?? 0)),
    ),
  );
  const most = Math.max(1e-9, ...inside.flat());
  const [width, height] = [plot.w / recording.steps, plot.h / buckets.length];
  const cells = inside.flatMap((row, index) =>
    row.map((value, column) =>
      value < most / 100
        ? ''
        : `<rect fill="#d98a1f" opacity="${(0.2 + (0.8 * value) / most).toFixed(2)}" x="${round(plot.x + column * width)}" y="${round(plot.y + plot.h - (index + 1) * height)}" width="${round(width + 0.3)}" height="${round(height)}"/>`,
    ),
  );
  const names = buckets.map(({ series: { labels } }, index) =>
    index % 3 === 0
      ? text(
          plot.x - 5,
          plot.y + plot.h - index * height,
          `${labels['le']} s`,
          ' class="quiet" font-size="9" text-anchor="end"',
        )
      : '',
  );
  return `${axes(drawing, plot)}${names.join('')}${cells.join('')}`;
}
