import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchEvent } from '../../engine/ports.ts';
import { clean } from '../client/errors.ts';
import { describe, type Target } from '../client/paths.ts';
import type { Requests } from '../client/request.ts';
import type { StreamClient } from '../client/stream-client.ts';
import type { Projection } from '../objects/decoders.ts';
import { Backoff, type BackoffTiming, WATCH_TIMING } from './backoff.ts';
import type { Ending } from './watch-ending.ts';
import { SESSION_TIMING, type SessionTiming, WatchSession } from './watch-session.ts';

export interface ReflectorOptions<T> {
  readonly target: Target;
  readonly fieldSelector?: string;
  readonly projection: Projection<T>;
  /** Must not throw: an exception is a bug and ends the process as an unhandled rejection. */
  readonly sink: (event: WatchEvent<T>) => void;
  /** A kind that one can do without: 403 counts as an empty cluster, and is asked again only every ten minutes. */
  readonly optional?: boolean;
  readonly timing?: SessionTiming & BackoffTiming;
}

/** How a watch does, for health and metrics. */
export interface ReflectorStatus {
  readonly target: Target;
  /** True once everything that existed has been read; stays true. */
  readonly synced: boolean;
  readonly state: 'starting' | 'watching' | 'retrying' | 'forbidden';
  /** When the server last sent anything, ms since the epoch; 0: never. */
  readonly lastContactAt: number;
  /** Why the last stream ended; empty while all is well. */
  readonly message: string;
}

const OPTIONAL_RETRY_MS = 600_000;

/**
 * A list-watch that never dies: whatever ends a stream, it begins again, from where it was when that is safe and from all objects when not.
 * client-node's informer stops for good on most failures (its issues 1301, 1496). See docs/adr/0011-reflector.md.
 */
export class Reflector<T> {
  readonly #session: WatchSession<T>;
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #status: ReflectorStatus;
  #running: Promise<void> | undefined;

  constructor(streams: StreamClient, requests: Requests, options: ReflectorOptions<T>) {
    const timing = options.timing ?? { ...SESSION_TIMING, ...WATCH_TIMING };
    this.#options = options;
    this.#backoff = new Backoff(timing, Math.random);
    this.#status = {
      target: options.target,
      synced: false,
      state: 'starting',
      lastContactAt: 0,
      message: '',
    };
    this.#session = new WatchSession(streams, requests, {
      ...options,
      timing,
      sink: (event) => this.#deliver(event),
      contact: (well) =>
        this.#set({ lastContactAt: Date.now(), ...(well ? { state: 'watching', message: '' } : {}) }),
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  status(): ReflectorStatus {
    return this.#status;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const openedAt = performance.now();
      const ending = await this.#session.run(signal);
      this.#note(ending);
      const slow = ending.kind === 'forbidden';
      const delayMs = this.#backoff.next({
        livedMs: performance.now() - openedAt,
        progressed: ending.progressed,
        slow,
      });
      const optionalMs = slow && this.#options.optional ? OPTIONAL_RETRY_MS : 0;
      await sleep(Math.max(delayMs, ending.retryAfterMs, optionalMs), undefined, { signal }).catch(() => {});
    }
  }

  #note(ending: Ending): void {
    const message =
      ending.message === '' ? '' : clean(`watch ${describe(this.#options.target)}: ${ending.message}`);
    if (ending.kind === 'forbidden') {
      this.#set({ state: 'forbidden', message });
      if (this.#options.optional && !this.#status.synced) {
        this.#deliver({ type: 'synced', items: [], resourceVersion: '' });
      }
    } else if (ending.kind === 'failed') {
      this.#set({ state: 'retrying', message });
    }
  }

  #deliver(event: WatchEvent<T>): void {
    if (event.type === 'synced') {
      this.#set({ synced: true });
    }
    this.#options.sink(event);
  }

  #set(change: Partial<ReflectorStatus>): void {
    this.#status = { ...this.#status, ...change };
  }
}
