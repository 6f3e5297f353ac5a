/** Reads the Prometheus text format. */

export type Samples = ReadonlyMap<string, number>;

/** Samples by series as it is written, with its labels in the order of their names: `postcheck_upgrades{phase="Succeeded"}`. */
export function parseMetrics(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([a-z_A-Z:]\w*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
    if (name) {
      samples.set(
        series(
          name,
          Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, text]) => [key, text])),
        ),
        Number(value),
      );
    }
  }
  return samples;
}

/** The key of one series. */
export function series(name: string, labels: Readonly<Record<string, string | undefined>> = {}): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.length === 0 ? name : `${name}{${pairs.map(([key, value]) => `${key}="${value}"`).join(',')}}`;
}

/** The values of all series of that name with these labels, whatever others they have. */
export const withLabels = (
  samples: Samples,
  name: string,
  labels: Readonly<Record<string, string>>,
): number[] =>
  [...samples]
    .filter(([key]) => key.startsWith(`${name}{`))
    .filter(([key]) =>
      Object.entries(labels).every(
        ([label, value]) => key.includes(`{${label}="${value}"`) || key.includes(`,${label}="${value}"`),
      ),
    )
    .map(([, value]) => value);
