/** Leader election with client-go's rules. */
import { randomBytes } from 'node:crypto';
import type { RequestFailure } from '../../engine/ports.ts';
import { microTime } from '../objects/micro-time.ts';
import { type LeaseRecord, releasedSpec, takenSpec } from './lease-record.ts';
import type { LeaseStore } from './lease-store.ts';

export interface ElectionOptions {
  /** The pod's name. It is made unique for this process, so that a second process with the same name does not believe that it leads. */
  readonly identity: string;
  /** Called once, when this process has become the leader. */
  readonly onLeading: () => void;
  /** Called once, at the latest when the renew deadline has passed: the process has to end. Not called after `stop`. */
  readonly onLost: (why: string) => void;
  readonly timing?: ElectionTiming;
}

export interface ElectionTiming {
  /** How long others wait after the last renewal. */
  readonly leaseMs: number;
  /** How long the leader continues without a renewal; well below `leaseMs`, so that it has stopped before another one starts. */
  readonly renewDeadlineMs: number;
  /** Interval between renewals. */
  readonly renewMs: number;
  /** Interval between tries after a failure. */
  readonly retryMs: number;
}

/** client-go's durations, with twelve renewals a minute. */
export const ELECTION_TIMING: ElectionTiming = {
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  renewMs: 5_000,
  retryMs: 1_000,
};
/** Limit of one request. After a request on a dead connection there must be time for another before the renew deadline, or the process ends. */
export const REQUEST_MS = 2_500;

/**
 * Leader election by a Lease with client-go's rules; client-node has none. All durations are measured with this process's monotonic clock, from
 * before a request is sent; times in the Lease are never compared. See docs/adr/0010-lease.md.
 */
export class Election {
  readonly #store: LeaseStore;
  readonly #options: ElectionOptions;
  readonly #timing: ElectionTiming;
  readonly #holder: string;
  /** The Lease as we last wrote or read it, and when it last changed. */
  #observed: LeaseRecord | undefined;
  #changedAt = 0;
  #renewedAt = 0;
  #state: 'standby' | 'leading' | 'lost' | 'stopped' = 'standby';
  #timer: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #isStepping = false;
  #stepStartedAt = 0;
  #step: Promise<void> = Promise.resolve();

  constructor(store: LeaseStore, options: ElectionOptions) {
    this.#store = store;
    this.#options = options;
    this.#timing = options.timing ?? ELECTION_TIMING;
    this.#holder = `${options.identity}_${randomBytes(6).toString('hex')}`;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Whether this process may write now; false at once after a pause that exceeded the renew deadline. */
  isLeader(): boolean {
    return this.#state === 'leading' && performance.now() - this.#renewedAt < this.#timing.renewDeadlineMs;
  }

  /** Ends the election and, when leading, releases the Lease, so that another replica leads immediately. Call it after the last write. */
  async stop(): Promise<void> {
    const wasLeader = this.isLeader();
    this.#state = this.#state === 'lost' ? 'lost' : 'stopped';
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    await this.#step;
    if (wasLeader && this.#observed) {
      await this.#store.write(this.#observed, releasedSpec(Date.now()));
    }
  }

  /** The watch reported a change of the Lease: a standby notices a release at once, without polling. */
  observe(lease: LeaseRecord | undefined): void {
    if (this.#state !== 'standby') {
      return;
    }
    if (lease) {
      this.#observeRecord(lease);
    }
    if (!lease || lease.holder === '') {
      this.#schedule(Math.random() * this.#timing.retryMs * 0.5);
    }
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    // A running step schedules the next one itself.
    this.#timer = setTimeout(() => {
      if (!this.#isStepping) {
        this.#step = this.#runStep();
      }
    }, delayMs);
  }

  async #runStep(): Promise<void> {
    this.#isStepping = true;
    this.#stepStartedAt = performance.now();
    const delayMs = this.#state === 'leading' ? await this.#renew() : await this.#acquire();
    this.#isStepping = false;
    if (this.#state === 'leading' || this.#state === 'standby') {
      this.#schedule(delayMs);
    }
  }

  /** Returns the time until the next attempt. */
  async #acquire(): Promise<number> {
    const { leaseMs, retryMs } = this.#timing;
    const waitMs = this.#heldMs();
    if (waitMs > 0) {
      return waitMs;
    }
    const read = await this.#store.read();
    const sentAt = performance.now();
    if (isFailure(read) && read.kind !== 'notFound') {
      return retryMs * (4 + Math.random());
    }
    const before = isFailure(read) ? undefined : read;
    if (before) {
      this.#observeRecord(before);
    }
    const heldMs = this.#heldMs();
    if (before && heldMs > 0) {
      return heldMs;
    }
    const spec = takenSpec(this.#holder, leaseMs, Date.now(), before);
    const taken = before ? await this.#store.write(before, spec) : await this.#store.create(spec);
    if (isFailure(taken)) {
      return retryMs * (1 + Math.random());
    }
    if (this.#state === 'standby') {
      this.#lead(taken, sentAt);
    } else {
      await this.#store.write(taken, releasedSpec(Date.now()));
    }
    return this.#timing.renewMs;
  }

  /** How long another process still holds the Lease, as far as we have observed it. */
  #heldMs(): number {
    if (!this.#observed || this.#observed.holder === '' || this.#observed.holder === this.#holder) {
      return 0;
    }
    return Math.max(0, this.#changedAt + this.#observed.durationMs - performance.now());
  }

  #observeRecord(lease: LeaseRecord): void {
    if (lease.content !== this.#observed?.content) {
      this.#changedAt = performance.now();
    }
    this.#observed = lease;
  }

  #lead(taken: LeaseRecord, sentAt: number): void {
    this.#state = 'leading';
    this.#renewed(taken, sentAt);
    if (this.isLeader()) {
      this.#options.onLeading();
    }
  }

  #renewed(lease: LeaseRecord, sentAt: number): void {
    this.#observed = lease;
    this.#renewedAt = sentAt;
    clearTimeout(this.#watchdog);
    const { renewDeadlineMs } = this.#timing;
    const leftMs = sentAt + renewDeadlineMs - performance.now();
    this.#watchdog = setTimeout(() => this.#overdue(), leftMs);
  }

  /**
   * The renew deadline has passed, and nothing is written any more. A running try is awaited anyway: it may be the first one after the whole process
   * was delayed, and because its precondition is the Lease that we wrote, it succeeds only if no other process has led since.
   */
  #overdue(): void {
    const lose = (): void => this.#lose(`not renewed for ${this.#timing.renewDeadlineMs} ms`);
    const leftMs = this.#stepStartedAt + Math.min(REQUEST_MS, this.#timing.renewMs) - performance.now();
    if (this.#isStepping && leftMs > 0) {
      this.#watchdog = setTimeout(lose, leftMs);
    } else {
      lose();
    }
  }

  async #renew(): Promise<number> {
    const sentAt = performance.now();
    const failure = this.#observed ? await this.#renewOnce(this.#observed, sentAt) : undefined;
    if (!failure) {
      return Math.max(0, this.#timing.renewMs - (performance.now() - sentAt));
    }
    if (failure.kind === 'conflict' || failure.kind === 'notFound') {
      await this.#recheck();
    }
    return this.#timing.retryMs;
  }

  async #renewOnce(lease: LeaseRecord, sentAt: number): Promise<RequestFailure | undefined> {
    const spec = {
      holderIdentity: this.#holder,
      leaseDurationSeconds: Math.max(1, Math.round(this.#timing.leaseMs / 1000)),
      renewTime: microTime(Date.now()),
    };
    const renewed = await this.#store.write(lease, spec);
    if (isFailure(renewed)) {
      return renewed;
    }
    if (this.#state === 'leading') {
      this.#renewed(renewed, sentAt);
    } else {
      this.#observed = renewed;
    }
    return undefined;
  }

  /** Another client wrote or deleted the Lease: it is still ours (a manual edit), created again, or lost. */
  async #recheck(): Promise<void> {
    const read = await this.#store.read();
    if (!isFailure(read)) {
      if (read.holder === this.#holder) {
        this.#observed = read;
      } else {
        this.#lose(`held by ${read.holder || 'no process'}`);
      }
      return;
    }
    if (read.kind !== 'notFound') {
      return;
    }
    const sentAt = performance.now();
    const created = await this.#store.create(takenSpec(this.#holder, this.#timing.leaseMs, Date.now()));
    if (!isFailure(created) && this.#state === 'leading') {
      this.#renewed(created, sentAt);
    }
  }

  #lose(why: string): void {
    if (this.#state !== 'leading') {
      return;
    }
    this.#state = 'lost';
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    this.#options.onLost(why);
  }
}

function isFailure(result: LeaseRecord | RequestFailure): result is RequestFailure {
  return 'kind' in result;
}
