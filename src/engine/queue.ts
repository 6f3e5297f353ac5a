/**
 * A work queue like client-go's: each key is processed at most once at a time, again if it was added meanwhile, later on request, and with backoff
 * after failures. Namespaces take turns. Keys are processed in short slices, never within the call that adds them: sockets are read and timers fire
 * between two slices.
 */
import type { Clock } from './ports.ts';
import type { QueueTelemetry } from './telemetry-ports.ts';

const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 30_000;
/** A slice takes no further key after this time; a key that was started is finished. */
const SLICE_MS = 10;

/** When to process a key again, unless it is added before. */
export interface Result {
  readonly requeueAfterMs?: number | undefined;
  /** Processing failed: retry with exponential backoff. */
  readonly backoff?: boolean;
  /** A write had to wait and was not sent: this is no success, so earlier failures still count. */
  readonly held?: boolean;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly workers: number;
  readonly telemetry: QueueTelemetry;
  /** Never rejects. */
  readonly work: (key: string) => Promise<Result>;
}

/** All times are of the monotonic clock. */
export class Queue {
  readonly #options: QueueOptions;
  /** Keys and the time since which they wait, by namespace; the namespaces in the order of their turns (kubernetes#25744). */
  readonly #waiting = new Map<string, Map<string, number>>();
  #depth = 0;
  readonly #working = new Set<string>();
  /** Keys that were added while they were processed. */
  readonly #dirty = new Set<string>();
  readonly #timers = new Map<string, { at: number; cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  #running = false;
  #isSliceScheduled = false;
  #idle: (() => void)[] = [];

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = true;
    this.#scheduleSlice();
  }

  /** Takes no further key; resolves when the keys in progress are done. */
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
      this.#dirty.add(key);
    } else if (!this.#waiting.get(namespaceOf(key))?.has(key)) {
      this.#enqueue(key);
    }
  }

  /** Adds the key after a delay; an earlier time that is already scheduled stays. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const { clock } = this.#options;
    const at = clock.steady() + delayMs;
    const known = this.#timers.get(key);
    if (known && known.at <= at) {
      return;
    }
    known?.cancel();
    const cancel = clock.after(delayMs, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }

  #enqueue(key: string): void {
    const namespace = namespaceOf(key);
    const keys = this.#waiting.get(namespace) ?? new Map<string, number>();
    this.#waiting.set(namespace, keys.set(key, this.#options.clock.steady()));
    this.#depth += 1;
    this.#options.telemetry.added();
    this.#options.telemetry.depth(this.#depth);
    this.#scheduleSlice();
  }

  #scheduleSlice(): void {
    if (this.#isSliceScheduled || !this.#running || this.#depth === 0) {
      return;
    }
    this.#isSliceScheduled = true;
    this.#options.clock.after(0, () => {
      this.#isSliceScheduled = false;
      this.#runSlice();
    });
  }

  #runSlice(): void {
    const { clock, workers } = this.#options;
    const until = clock.steady() + SLICE_MS;
    while (this.#running && this.#working.size < workers && clock.steady() <= until) {
      const next = this.#next();
      if (!next) {
        return;
      }
      this.#take(...next);
    }
    if (this.#working.size < workers) {
      this.#scheduleSlice();
    }
  }

  /** Removes and returns the key that has waited longest in the namespace whose turn it is. */
  #next(): [key: string, since: number] | undefined {
    const [namespace, keys] = this.#waiting.entries().next().value ?? [];
    const next = keys?.entries().next().value;
    if (namespace === undefined || !keys || !next) {
      return undefined;
    }
    keys.delete(next[0]);
    this.#waiting.delete(namespace);
    if (keys.size > 0) {
      this.#waiting.set(namespace, keys);
    }
    this.#depth -= 1;
    return next;
  }

  #take(key: string, since: number): void {
    const { clock, telemetry } = this.#options;
    telemetry.depth(this.#depth);
    telemetry.waited((clock.steady() - since) / 1000);
    void this.#run(key);
  }

  async #run(key: string): Promise<void> {
    const { clock, telemetry, work } = this.#options;
    this.#working.add(key);
    const startedAt = clock.steady();
    const { requeueAfterMs, backoff = false, held = false } = await work(key);
    telemetry.worked((clock.steady() - startedAt) / 1000);
    this.#working.delete(key);
    const changed = this.#dirty.delete(key);
    if (backoff) {
      this.#retryLater(key);
    } else {
      if (!held) {
        this.#failures.delete(key);
      }
      this.#requeue(key, changed ? 0 : requeueAfterMs);
    }
    if (this.#working.size === 0) {
      for (const resolve of this.#idle.splice(0)) {
        resolve();
      }
    }
    this.#scheduleSlice();
  }

  #requeue(key: string, afterMs: number | undefined): void {
    if (afterMs !== undefined && this.#running) {
      this.addAfter(key, afterMs);
    }
  }

  #retryLater(key: string): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#options.telemetry.retried();
    if (this.#running) {
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** failures);
      this.addAfter(key, backoffMs * (0.75 + this.#options.clock.random() / 2));
    }
  }
}

/** The namespace of a key `namespace/name`; other keys share one turn. */
const namespaceOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/')));
