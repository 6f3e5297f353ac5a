/** Filling in what may be absent. */

/** `T` with these members present. */
export type Defaulted<T, K extends keyof T> = Omit<T, K> & Required<Pick<T, K>>;

/** The same function, computed once for each object. For objects that are never changed in place and whose result several parts of a decision need. */
export function oncePer<K extends object, V extends NonNullable<unknown>>(
  compute: (of: K) => V,
): (of: K) => V {
  const known = new WeakMap<K, V>();
  return (of) => {
    const before = known.get(of);
    if (before !== undefined) {
      return before;
    }
    const value = compute(of);
    known.set(of, value);
    return value;
  };
}
