/** Compares resource versions. */

/** Resource versions are growing decimal numbers (KEP-5504): the longer one is larger, then digit by digit. */
export function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length;
}
