/**
 * A work queue like client-go's: each key is processed at most once at a time, again if it was added meanwhile, later on request, and with backoff
 * after failures. Namespaces take turns and none has all workers, keys with priority have workers of their own, and keys that begin something new are
 * processed one after the other. Keys are processed in short slices, never within the call that adds them: sockets are read and timers fire between two
 * slices.
 */
import { BUSY_SHARE, EXPENSIVE_MS, REST_MAX_MS } from './busy-share.ts';
import { FairKeys, namespaceOf } from './fair-keys.ts';
import type { Clock } from './ports.ts';
import type { QueueTelemetry } from './telemetry-ports.ts';
import { PATIENCE_MS, Workers, WorkersInTurn } from './workers.ts';

const BACKOFF_MIN_MS = 50;
const BACKOFF_MAX_MS = 30_000;
/** A slice takes no further key after this time; a key that was started is finished. */
const SLICE_MS = 10;

/** When to process a key again, unless it is added before. */
export interface Result {
  readonly requeueAfterMs?: number | undefined;
  /** Processing failed: retry with exponential backoff. */
  readonly backoff?: boolean;
  /** Something was done before that: this failure is the first of its kind. */
  readonly progressed?: boolean;
  /** A write had to wait and was not sent: this is no success, so earlier failures still count. */
  readonly held?: boolean;
  /** How long nothing else could run because of it. */
  readonly busyMs?: number;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly workers: number;
  /** Further workers, for keys with priority alone: neither kind of keys, however many there are, holds up the other. */
  readonly reservedWorkers: number;
  /**
   * Whether a key without priority begins something new. These have workers of their own, so that they are never held up by what is under way, and
   * each waits for the one before, up to a limit: where hundreds begin at once while others fall back, a slow API server has one request more to work
   * on, not one of each worker.
   */
  readonly begins: (key: string) => boolean;
  /** Whether such a key is to be processed before its turn, to say that it waits for it. These wait for each other in the same way. */
  readonly announces: (key: string) => boolean;
  readonly telemetry: QueueTelemetry;
  /** Never rejects. */
  readonly work: (key: string) => Promise<Result>;
}

/** Which worker has taken a key, and whether the key had priority. */
interface Taken {
  readonly workers: Workers;
  readonly priority: boolean;
}

/** When a key is processed again. */
interface Again {
  readonly dirty: boolean | undefined;
  readonly afterMs: number | undefined;
  readonly priority: boolean;
}

interface Timer {
  readonly at: number;
  readonly priority: boolean;
  readonly cancel: () => void;
}

/** All times are of the monotonic clock. */
export class Queue {
  readonly #options: QueueOptions;
  readonly #waiting = new FairKeys();
  readonly #prioritized = new FairKeys();
  readonly #beginning = new FairKeys();
  /** Those that begin something new and say first that they wait. */
  readonly #announcing = new FairKeys();
  readonly #working = new Set<string>();
  readonly #workers: Workers;
  readonly #reserved: Workers;
  readonly #beginners: WorkersInTurn;
  readonly #announcers: WorkersInTurn;
  /** Keys that were added while they were processed, and whether with priority. */
  readonly #dirty = new Map<string, boolean>();
  readonly #timers = new Map<string, Timer>();
  readonly #failures = new Map<string, number>();
  /** Until when keys rest. */
  readonly #resting = new Map<string, number>();
  #running = false;
  #isSliceScheduled = false;
  #idle: (() => void)[] = [];

  constructor(options: QueueOptions) {
    this.#options = options;
    this.#workers = new Workers(options.workers);
    this.#reserved = new Workers(options.reservedWorkers);
    this.#beginners = new WorkersInTurn(options.workers, options.clock);
    this.#announcers = new WorkersInTurn(options.workers, options.clock);
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

  /** A key with priority does not wait for those without, and does not rest. */
  add(key: string, priority = false): void {
    const restsUntil = priority ? 0 : (this.#resting.get(key) ?? 0);
    if (this.#working.has(key)) {
      this.#dirty.set(key, priority || this.#dirty.get(key) === true);
    } else if (restsUntil > this.#options.clock.steady()) {
      this.#addAt(key, restsUntil, priority);
    } else if (priority && this.#withoutPriority.some((keys) => keys.has(key))) {
      const since = this.#withoutPriority.map((keys) => keys.remove(key)).find((at) => at !== undefined);
      this.#prioritized.add(key, since ?? 0);
      this.#scheduleSlice();
    } else if (![...this.#withoutPriority, this.#prioritized].some((keys) => keys.has(key))) {
      this.#enqueue(key, priority);
    }
  }

  get #withoutPriority(): readonly FairKeys[] {
    return [this.#waiting, this.#beginning, this.#announcing];
  }

  /** Adds the key after a delay; an earlier time that is already scheduled stays, and so does its priority. */
  addAfter(key: string, delayMs: number, priority = false): void {
    if (delayMs <= 0) {
      this.add(key, priority);
    } else {
      this.#addAt(key, this.#options.clock.steady() + delayMs, priority);
    }
  }

  #addAt(key: string, at: number, priority: boolean): void {
    const { clock } = this.#options;
    const known = this.#timers.get(key);
    const next = {
      at: Math.min(at, known?.at ?? Number.POSITIVE_INFINITY),
      priority: priority || known?.priority === true,
    };
    if (next.at === known?.at && next.priority === known.priority) {
      return;
    }
    known?.cancel();
    const cancel = clock.after(next.at - clock.steady(), () => {
      this.#timers.delete(key);
      this.add(key, next.priority);
    });
    this.#timers.set(key, { ...next, cancel });
  }

  #enqueue(key: string, priority: boolean): void {
    const { clock, telemetry, begins, announces } = this.#options;
    let keys = priority ? this.#prioritized : this.#waiting;
    if (!priority && begins(key)) {
      keys = announces(key) ? this.#announcing : this.#beginning;
    }
    keys.add(key, clock.steady());
    telemetry.added();
    telemetry.depth(this.#depth);
    this.#scheduleSlice();
  }

  /** How many keys wait that begin something new. */
  get beginning(): number {
    return this.#beginning.size + this.#announcing.size;
  }

  get #depth(): number {
    return this.#prioritized.size + this.#withoutPriority.reduce((sum, { size }) => sum + size, 0);
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

  /** Ends when nothing waits that a worker is free for: the next worker that is done runs another one. */
  #runSlice(): void {
    const { clock } = this.#options;
    const until = clock.steady() + SLICE_MS;
    while (this.#running && clock.steady() <= until) {
      if (!this.#startNext()) {
        return;
      }
    }
    this.#scheduleSlice();
  }

  #startNext(): boolean {
    return (
      this.#startFrom(this.#prioritized, { workers: this.#reserved, priority: true }) ||
      this.#startFrom(this.#waiting, { workers: this.#workers, priority: false }) ||
      this.#startFrom(this.#prioritized, { workers: this.#workers, priority: true }) ||
      this.#startFrom(this.#announcing, { workers: this.#announcers, priority: false }) ||
      this.#startFrom(this.#beginning, { workers: this.#beginners, priority: false })
    );
  }

  #startFrom(keys: FairKeys, how: Taken): boolean {
    const next = keys.next((namespace) => how.workers.admits(namespace));
    if (next) {
      this.#take(...next, how);
    }
    return next !== undefined;
  }

  #take(key: string, since: number, how: Taken): void {
    const { clock, telemetry } = this.#options;
    telemetry.depth(this.#depth);
    telemetry.waited((clock.steady() - since) / 1000);
    void this.#run(key, how);
    if (how.workers instanceof WorkersInTurn) {
      clock.after(PATIENCE_MS, () => this.#scheduleSlice());
    }
  }

  async #run(key: string, { workers, priority }: Taken): Promise<void> {
    const { clock, telemetry, work } = this.#options;
    this.#working.add(key);
    workers.take(namespaceOf(key));
    const startedAt = clock.steady();
    const { requeueAfterMs, backoff = false, held = false, progressed = false, busyMs = 0 } = await work(key);
    telemetry.worked((clock.steady() - startedAt) / 1000);
    this.#rest(key, startedAt, busyMs);
    this.#working.delete(key);
    workers.release(namespaceOf(key));
    const dirty = this.#dirty.get(key);
    this.#dirty.delete(key);
    if (progressed || !(backoff || held)) {
      this.#failures.delete(key);
    }
    // What failed or had to wait has not done yet what it has its priority for.
    if (backoff) {
      this.#retryLater(key, priority || dirty === true);
    } else {
      this.#requeue(key, { dirty, afterMs: requeueAfterMs, priority: priority && held });
    }
    if (this.#working.size === 0) {
      for (const resolve of this.#idle.splice(0)) {
        resolve();
      }
    }
    this.#scheduleSlice();
  }

  /** A key is expensive to decide on where its workload has thousands of pods: whatever happens to these while it rests is decided on together. */
  #rest(key: string, since: number, busyMs: number): void {
    if (busyMs < EXPENSIVE_MS) {
      this.#resting.delete(key);
    } else {
      this.#resting.set(key, since + Math.min(busyMs * BUSY_SHARE, REST_MAX_MS));
    }
  }

  #requeue(key: string, { dirty, afterMs, priority }: Again): void {
    if (!this.#running) {
      return;
    }
    if (dirty !== undefined) {
      this.add(key, dirty || priority);
    } else if (afterMs !== undefined) {
      this.addAfter(key, afterMs, priority);
    }
  }

  #retryLater(key: string, priority: boolean): void {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.#options.telemetry.retried();
    if (this.#running) {
      const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** failures);
      this.addAfter(key, backoffMs * (0.75 + this.#options.clock.random() / 2), priority);
    }
  }
}
