/** Lists and watches one kind, until it is stopped. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchEvent, WatchFailure, WatchHealth } from '../../engine/ports.ts';
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
  /** An optional kind: 403 counts as an empty cluster, and is retried only every ten minutes. */
  readonly optional?: boolean;
  readonly timing?: SessionTiming & BackoffTiming;
  readonly listener?: ReflectorListener;
}

/** State of a watch, for health checks and metrics. */
export type ReflectorStatus = Omit<WatchHealth, 'kind' | 'resource' | 'namespace' | 'optional'>;

/** The status with times of the monotonic clock `performance.now()`. */
interface State extends Omit<ReflectorStatus, 'silentMs' | 'failingMs'> {
  readonly contactAt: number;
  readonly failingAt: number | undefined;
}

/** Is notified when the state of a watch changes. */
export interface ReflectorListener {
  failed(reason: WatchFailure): void;
  changed(now: ReflectorStatus, before: ReflectorStatus): void;
}

const OPTIONAL_RETRY_MS = 600_000;

/**
 * A list-watch that never stops by itself: however a stream ends, the next one resumes if that is safe, and otherwise lists everything again.
 * client-node's informer stops for good on most failures (its issues 1301, 1496). See docs/adr/0008-reflector.md.
 */
export class Reflector<T> {
  readonly #session: WatchSession<T>;
  readonly #options: ReflectorOptions<T>;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #state: State;
  #running: Promise<void> | undefined;

  constructor(streams: StreamClient, requests: Requests, options: ReflectorOptions<T>) {
    const timing = options.timing ?? { ...SESSION_TIMING, ...WATCH_TIMING };
    this.#options = options;
    this.#backoff = new Backoff(timing, Math.random);
    this.#state = {
      synced: false,
      state: 'starting',
      message: '',
      contactAt: performance.now(),
      failingAt: undefined,
    };
    this.#session = new WatchSession(streams, requests, {
      ...options,
      timing,
      sink: (event) => this.#deliver(event),
      contact: (watching) =>
        this.#set({
          contactAt: performance.now(),
          ...(watching ? { state: 'watching', message: '', failingAt: undefined } : {}),
        }),
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
    const { contactAt, failingAt, ...rest } = this.#state;
    const now = performance.now();
    return { ...rest, silentMs: now - contactAt, failingMs: failingAt === undefined ? 0 : now - failingAt };
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const openedAt = performance.now();
      const ending = await this.#session.run(signal);
      this.#note(ending);
      const slow = ending.reason === 'forbidden';
      const delayMs = this.#backoff.next({
        livedMs: performance.now() - openedAt,
        progressed: ending.progressed,
        slow,
      });
      const optionalMs = slow && this.#options.optional ? OPTIONAL_RETRY_MS : 0;
      await sleep(Math.max(delayMs, ending.retryAfterMs, optionalMs), undefined, { signal }).catch(() => {});
    }
  }

  #note({ reason, message }: Ending): void {
    if (reason === 'closed') {
      return;
    }
    this.#options.listener?.failed(reason);
    this.#set({
      state: reason === 'forbidden' ? 'forbidden' : 'retrying',
      message: clean(`watch ${describe(this.#options.target)}: ${message}`),
      failingAt: this.#state.failingAt ?? performance.now(),
    });
    if (reason === 'forbidden' && this.#options.optional && !this.#state.synced) {
      this.#deliver({ type: 'synced', items: [], resourceVersion: '' });
    }
  }

  #deliver(event: WatchEvent<T>): void {
    if (event.type === 'synced') {
      this.#set({ synced: true });
    }
    this.#options.sink(event);
  }

  #set(change: Partial<State>): void {
    const before = this.status();
    this.#state = { ...this.#state, ...change };
    if (this.#state.state !== before.state) {
      this.#options.listener?.changed(this.status(), before);
    }
  }
}
