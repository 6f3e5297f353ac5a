/** How many keys of a queue are processed at once, and of which namespaces. */
import type { Clock } from './ports.ts';

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

  get areIdle(): boolean {
    return this.#inUse === 0;
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

/** How long the next key waits for the one before. */
export const PATIENCE_MS = 250;

/** Workers of which one is enough as long as each key is done soon: the next one helps only where a key takes long, as behind a slow webhook. */
export class WorkersInTurn extends Workers {
  readonly #clock: Pick<Clock, 'steady'>;
  #nextAt = 0;

  constructor(size: number, clock: Pick<Clock, 'steady'>) {
    super(size);
    this.#clock = clock;
  }

  override admits(namespace: string): boolean {
    return (this.areIdle || this.#clock.steady() >= this.#nextAt) && super.admits(namespace);
  }

  override take(namespace: string): void {
    super.take(namespace);
    this.#nextAt = this.#clock.steady() + PATIENCE_MS;
  }
}
