/** Workers of one kind, and for which namespaces they work. The last quarter is never for one with all the others, however long they take. */
export class Workers {
  readonly #size: number;
  readonly #working = new Map<string, number>();
  #inUse = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Whether a worker is free for the namespace. */
  admits(namespace: string): boolean {
    const most = this.#size - Math.floor(this.#size / 4);
    return this.#inUse < this.#size && (this.#working.get(namespace) ?? 0) < most;
  }

  take(namespace: string): void {
    this.#inUse++;
    this.#working.set(namespace, (this.#working.get(namespace) ?? 0) + 1);
  }

  release(namespace: string): void {
    this.#inUse--;
    const left = (this.#working.get(namespace) ?? 1) - 1;
    if (left > 0) {
      this.#working.set(namespace, left);
    } else {
      this.#working.delete(namespace);
    }
  }
}
