/** Figures: what was measured, min / median / max, and why something was not. Nothing here judges; aims are printed beside the figure. */
export interface FigureSpec {
  readonly name: string;
  readonly unit: string;
  /** What we aim at, in words. */
  readonly aim?: string;
}

export interface Figure extends FigureSpec {
  readonly values: readonly number[];
  /** Why a value is missing, once for each that is. */
  readonly missing: readonly string[];
}

/** Where a part of the bench notes what it measures. A figure that is never noted is not measured, and says so. */
export class Sheet<Name extends string = string> {
  readonly #specs: Readonly<Record<Name, FigureSpec>>;
  readonly #values = new Map<string, number[]>();
  readonly #missing = new Map<string, string[]>();

  constructor(specs: Readonly<Record<Name, FigureSpec>>) {
    this.#specs = specs;
  }

  /** Notes one value; one that is no number is missing, and `why` says why. */
  note(name: Name, value: number | undefined, why = 'it was not seen'): void {
    if (value !== undefined && Number.isFinite(value)) {
      append(this.#values, name, value);
    } else {
      append(this.#missing, name, why);
    }
  }

  /** What has been noted of one figure so far. */
  values = (name: Name): readonly number[] => this.#values.get(name) ?? [];

  /** Returns every figure in the order of its declaration; `why` tells why those without a value and a reason have none. */
  figures(why: string): Figure[] {
    return Object.entries<FigureSpec>(this.#specs).map(([name, spec]) => {
      const values = this.#values.get(name) ?? [];
      const missing = this.#missing.get(name) ?? [];
      return { ...spec, values, missing: values.length + missing.length === 0 ? [why] : missing };
    });
  }
}

function append<T>(lists: Map<string, T[]>, name: string, value: T): void {
  lists.set(name, [...(lists.get(name) ?? []), value]);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

const shown = (value: number): string =>
  value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 3);

const reasons = (missing: readonly string[]): string => [...new Set(missing)].join('; ');

/** One row: `name  min / median / max unit  n  aim`, and what is missing of it. */
export function row({ name, unit, values, missing, aim }: Figure): string {
  if (values.length === 0) {
    return `  ${name.padEnd(62)} not measured: ${reasons(missing)}`;
  }
  const spread =
    values.length === 1
      ? shown(values[0] as number)
      : [Math.min(...values), median(values), Math.max(...values)].map(shown).join(' / ');
  const rest = [
    aim ? `aim ${aim}` : '',
    missing.length > 0 ? `(${missing.length} not measured: ${reasons(missing)})` : '',
  ];
  return `  ${name.padEnd(62)} ${`${spread} ${unit}`.padEnd(30)} n=${String(values.length).padEnd(4)} ${rest.filter(Boolean).join('  ')}`.trimEnd();
}
