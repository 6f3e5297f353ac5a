/** Keys to work on: each at most once at a time, again when it was added meanwhile, later on request, and slower after failures. */
import type { Clock, QueueTelemetry } from './ports.ts';

const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 30_000;

export interface QueueOptions {
  readonly clock: Clock;
  readonly workers: number;
  readonly telemetry: QueueTelemetry;
  /** Never rejects. Gives `retry` when the key failed and shall come back with backoff. */
  readonly work: (key: string) => Promise<'done' | 'retry'>;
}

export class Queue {
  readonly #options: QueueOptions;
  readonly #waiting = new Map<string, number>();
  readonly #working = new Set<string>();
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { at: number; cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  #running = false;
  #idle: (() => void)[] = [];

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#pump();
  }

  /** Takes no further key; resolves when the keys under work are done. */
  async stop(): Promise<void> {
    this.#running = false;
    for (const { cancel } of this.#timers.values()) {
      cancel();
    }
    this.#timers.clear();
    if (this.#working.size > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  add(key: string): void {
    if (this.#working.has(key)) {
      this.#again.add(key);
    } else if (!this.#waiting.has(key)) {
      this.#enqueue(key);
    }
  }

  /** Adds the key at a time; an earlier wish stands. */
  addAt(key: string, at: number): void {
    const known = this.#timers.get(key);
    if (known && known.at <= at) {
      return;
    }
    known?.cancel();
    const { clock } = this.#options;
    const cancel = clock.after(Math.max(0, at - clock.now()), () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }

  #enqueue(key: string): void {
    this.#waiting.set(key, this.#options.clock.now());
    this.#options.telemetry.added();
    this.#options.telemetry.depth(this.#waiting.size);
    this.#pump();
  }

  #pump(): void {
    while (this.#running && this.#working.size < this.#options.workers) {
      const next = this.#waiting.entries().next().value;
      if (!next) {
        return;
      }
      const [key, since] = next;
      this.#waiting.delete(key);
      this.#options.telemetry.depth(this.#waiting.size);
      this.#options.telemetry.waited((this.#options.clock.now() - since) / 1000);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const { clock, telemetry, work } = this.#options;
    this.#working.add(key);
    const startedAt = clock.now();
    const result = await work(key);
    telemetry.worked((clock.now() - startedAt) / 1000);
    this.#working.delete(key);
    if (result === 'retry') {
      this.#retryLater(key);
    } else {
      this.#failures.delete(key);
    }
    if (this.#again.delete(key) && result === 'done') {
      this.add(key);
    }
    if (this.#working.size === 0) {
      for (const resolve of this.#idle.splice(0)) {
        resolve();
      }
    }
    this.#pump();
  }

  #retryLater(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#options.telemetry.retried();
    const { clock } = this.#options;
    if (this.#running) {
      this.addAt(
        key,
        clock.now() + Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** failures) * (0.75 + clock.random() / 2),
      );
    }
  }
}
