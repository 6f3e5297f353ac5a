/** Bounds what runs at once, overall and per group; waiting ones come first in, first out among those that fit. */
export class Slots {
  readonly #overall: number;
  readonly #perGroup: number;
  readonly #held = new Map<string, number>();
  readonly #queue: { group: string; go: () => void }[] = [];
  #inUse = 0;

  constructor(overall: number, perGroup: number) {
    this.#overall = overall;
    this.#perGroup = perGroup;
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** Runs `task` when there is a slot for its group, and gives what it gives. */
  async with<T>(group: string, task: () => Promise<T>): Promise<T> {
    await new Promise<void>((go) => {
      this.#queue.push({ group, go });
      this.#next();
    });
    try {
      return await task();
    } finally {
      this.#inUse--;
      const left = (this.#held.get(group) ?? 1) - 1;
      if (left > 0) {
        this.#held.set(group, left);
      } else {
        this.#held.delete(group);
      }
      this.#next();
    }
  }

  #next(): void {
    while (this.#inUse < this.#overall) {
      const index = this.#queue.findIndex(({ group }) => (this.#held.get(group) ?? 0) < this.#perGroup);
      const entry = index < 0 ? undefined : this.#queue.splice(index, 1)[0];
      if (!entry) {
        return;
      }
      this.#inUse++;
      this.#held.set(entry.group, (this.#held.get(entry.group) ?? 0) + 1);
      entry.go();
    }
  }
}
