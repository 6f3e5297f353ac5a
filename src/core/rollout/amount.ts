/** Numbers of pods as users write them: a count, or a percentage of the desired pods. */

/** An integer or a percentage such as `10%`, as the schema takes it. */
export type Amount = number | string;

/** The number of pods that `amount` of `total` is. A percentage is rounded up unless `round` says otherwise. */
export function podCount(amount: Amount, total: number, round: (pods: number) => number = Math.ceil): number {
  const text = String(amount);
  return text.endsWith('%') ? round((Number(text.slice(0, -1)) * total) / 100) : Number(text);
}
