/** Compares words, for "did you mean". */

/** Returns how many letters have to be inserted, removed, changed or swapped with their neighbour. */
export function editDistance(from: string, to: string): number {
  let above: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    const next = [i + 1];
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] ?? 0) + (letter === to[j - 1] ? 0 : 1);
      const isSwapped = letter === to[j - 2] && from[i - 1] === to[j - 1];
      const swapped = isSwapped ? (above[j - 2] ?? 0) + 1 : changed;
      next.push(Math.min(changed, swapped, (next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
    [above, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
