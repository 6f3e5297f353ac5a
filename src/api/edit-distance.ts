/** Compares words, for "did you mean". */

/** Returns the Levenshtein distance: how many letters have to be inserted, removed or changed. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...from].entries()) {
    let before = i + 1;
    const next = [before];
    for (let j = 1; j <= to.length; j++) {
      const changed = (row[j - 1] ?? 0) + (letter === to[j - 1] ? 0 : 1);
      before = Math.min(changed, before + 1, (row[j] ?? 0) + 1);
      next.push(before);
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
