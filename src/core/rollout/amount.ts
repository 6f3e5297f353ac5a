/** Numbers of pods as users write them: a count, or a percentage of the wanted pods. */

/** An integer or a percentage such as `10%`, as the schema takes it. */
export type Amount = number | string;

/** How many of `total` pods `amount` is; a percentage is rounded up, unless another way is named. */
export function podCount(amount: Amount, total: number, round: (pods: number) => number = Math.ceil): number {
  const percent = typeof amount === 'string' ? /^(\d+)%$/.exec(amount)?.[1] : undefined;
  return percent === undefined ? Number(amount) : round((Number(percent) * total) / 100);
}
