/** Waiting keys `namespace/name`, each once. Namespaces take turns (kubernetes#25744), and in a namespace the key that has waited longest is next. */
export class FairKeys {
  /** Keys and the time since which they wait, by namespace; the namespaces in the order of their turns. */
  readonly #namespaces = new Map<string, Map<string, number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: string): boolean {
    return this.#namespaces.get(namespaceOf(key))?.has(key) ?? false;
  }

  /** Adds a key that is not waiting. */
  add(key: string, since: number): void {
    const namespace = namespaceOf(key);
    const keys = this.#namespaces.get(namespace) ?? new Map<string, number>();
    this.#namespaces.set(namespace, keys.set(key, since));
    this.#size += 1;
  }

  /** Removes a key; returns since when it has waited, if it has. */
  remove(key: string): number | undefined {
    const namespace = namespaceOf(key);
    const keys = this.#namespaces.get(namespace);
    const since = keys?.get(key);
    if (!keys || since === undefined) {
      return undefined;
    }
    keys.delete(key);
    if (keys.size === 0) {
      this.#namespaces.delete(namespace);
    }
    this.#size -= 1;
    return since;
  }

  /** Removes and returns the key whose turn it is; its namespace goes to the end. Namespaces that are not admitted keep their turn. */
  next(admits: (namespace: string) => boolean): [key: string, since: number] | undefined {
    const namespace = this.#namespaces.keys().find(admits);
    const keys = this.#namespaces.get(namespace ?? '');
    const next = keys?.entries().next().value;
    if (namespace === undefined || !keys || !next) {
      return undefined;
    }
    this.#namespaces.delete(namespace);
    keys.delete(next[0]);
    if (keys.size > 0) {
      this.#namespaces.set(namespace, keys);
    }
    this.#size -= 1;
    return next;
  }
}

/** The namespace of a key `namespace/name`; other keys share one turn. */
export const namespaceOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/')));
