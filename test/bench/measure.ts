/** Figures: what was measured, min / median / max, and how it is shown. Nothing here judges; aims are printed beside the figure. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  /** What we aim at, in words. */
  readonly aim?: string;
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
};

const shown = (value: number): string =>
  Number.isFinite(value) ? value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3) : 'none';

/** One row: `name  min / median / max unit (n)  aim`. */
export function row({ name, unit, values, aim }: Figure): string {
  if (values.length === 0) {
    return `  ${name.padEnd(62)} nothing measured`;
  }
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const spread =
    values.length === 1 ? shown(low) : `${shown(low)} / ${shown(median(values))} / ${shown(high)}`;
  return `  ${name.padEnd(62)} ${`${spread} ${unit}`.padEnd(30)} n=${String(values.length).padEnd(4)} ${aim ? `aim ${aim}` : ''}`.trimEnd();
}
