/** Leader election with client-go's rules. */
import { randomBytes } from 'node:crypto';
import type { RequestFailure } from '../../engine/ports.ts';
import { microTime } from '../objects/micro-time.ts';
import { type LeaseRecord, releasedSpec, takenSpec } from './lease-record.ts';
import type { LeaseStore } from './lease-store.ts';

export interface ElectionOptions {
  /** The pod's name; made unique for this process, as a second process of the same name must not believe that it leads. */
  readonly identity: string;
  /** Called once, when the Lease is ours. */
  readonly onLeading: () => void;
  /** Called once, at the latest when the renew deadline has passed: end the process. Not called after `stop`. */
  readonly onLost: (why: string) => void;
  readonly timing?: ElectionTiming;
}

export interface ElectionTiming {
  /** How long others wait after the last sign of life. */
  readonly leaseMs: number;
  /** How long the leader continues without a renewal; well below `leaseMs`, so that it has stopped before another one starts. */
  readonly renewDeadlineMs: number;
  /** Between two renewals. */
  readonly renewMs: number;
  /** Between two tries after a failed one. */
  readonly retryMs: number;
}

/** client-go's rules with twelve renewals a minute. */
export const ELECTION_TIMING: ElectionTiming = {
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  renewMs: 5_000,
  retryMs: 1_000,
};
/** Limit of one request: one that is lost on a dead connection must leave time for another before the renew deadline, or the process ends. */
export const REQUEST_MS = 2_500;

/**
 * Leader election by a Lease with client-go's rules; client-node has none. All durations are measured on this process's own steady clock, from
 * before a request is sent; times in the Lease are never compared. See docs/adr/0010-lease.md.
 */
export class Election {
  readonly #store: LeaseStore;
  readonly #options: ElectionOptions;
  readonly #timing: ElectionTiming;
  readonly #holder: string;
  /** The Lease as we last wrote or saw it, and when it last changed. */
  #seen: LeaseRecord | undefined;
  #changedAt = 0;
  #renewedAt = 0;
  #state: 'standby' | 'leading' | 'lost' | 'stopped' = 'standby';
  #timer: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #busy = false;
  #busySince = 0;
  #trying: Promise<void> = Promise.resolve();

  constructor(store: LeaseStore, options: ElectionOptions) {
    this.#store = store;
    this.#options = options;
    this.#timing = options.timing ?? ELECTION_TIMING;
    this.#holder = `${options.identity}_${randomBytes(6).toString('hex')}`;
  }

  start(): void {
    this.#next(0);
  }

  /** Whether this process may write now: also false in the instant after a pause that outlasted the renew deadline. */
  isLeader(): boolean {
    return this.#state === 'leading' && performance.now() - this.#renewedAt < this.#timing.renewDeadlineMs;
  }

  /** Ends the election and, when leading, releases the Lease, so that another replica leads immediately. Call it after the last write. */
  async stop(): Promise<void> {
    const led = this.isLeader();
    this.#state = this.#state === 'lost' ? 'lost' : 'stopped';
    clearTimeout(this.#timer);
    clearTimeout(this.#watchdog);
    await this.#trying;
    if (led && this.#seen) {
      await this.#store.write(this.#seen, releasedSpec(Date.now()));
    }
  }

  /** A watch saw the Lease change: for a standby, so that it notices a release at once and needs no polling. */
  observe(lease: LeaseRecord | undefined): void {
    if (this.#state !== 'standby') {
      return;
    }
    if (lease) {
      this.#note(lease);
    }
    if (!lease || lease.holder === '') {
      this.#next(Math.random() * this.#timing.retryMs * 0.5);
    }
  }

  #next(delayMs: number): void {
    clearTimeout(this.#timer);
    // A step that is under way sets the next time itself.
    this.#timer = setTimeout(() => {
      if (!this.#busy) {
        this.#trying = this.#step();
      }
    }, delayMs);
  }

  async #step(): Promise<void> {
    this.#busy = true;
    this.#busySince = performance.now();
    const delayMs = this.#state === 'leading' ? await this.#renew() : await this.#acquire();
    this.#busy = false;
    if (this.#state === 'leading' || this.#state === 'standby') {
      this.#next(delayMs);
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
    const askedAt = performance.now();
    if (isFailure(read) && read.kind !== 'notFound') {
      return retryMs * (4 + Math.random());
    }
    const before = isFailure(read) ? undefined : read;
    if (before) {
      this.#note(before);
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
      this.#lead(taken, askedAt);
    } else {
      await this.#store.write(taken, releasedSpec(Date.now()));
    }
    return this.#timing.renewMs;
  }

  /** How long the Lease is certainly held by another, as far as we have seen it. */
  #heldMs(): number {
    if (!this.#seen || this.#seen.holder === '' || this.#seen.holder === this.#holder) {
      return 0;
    }
    return Math.max(0, this.#changedAt + this.#seen.durationMs - performance.now());
  }

  #note(lease: LeaseRecord): void {
    if (lease.content !== this.#seen?.content) {
      this.#changedAt = performance.now();
    }
    this.#seen = lease;
  }

  #lead(taken: LeaseRecord, askedAt: number): void {
    this.#state = 'leading';
    this.#renewed(taken, askedAt);
    if (this.isLeader()) {
      this.#options.onLeading();
    }
  }

  #renewed(lease: LeaseRecord, askedAt: number): void {
    this.#seen = lease;
    this.#renewedAt = askedAt;
    clearTimeout(this.#watchdog);
    const { renewDeadlineMs } = this.#timing;
    const leftMs = askedAt + renewDeadlineMs - performance.now();
    this.#watchdog = setTimeout(() => this.#overdue(), leftMs);
  }

  /**
   * The renew deadline has passed, and nothing is written any more. A try that is under way is awaited all the same: it may be the first one after the
   * whole process was delayed, and because it names the Lease that we wrote, it succeeds only if no other process has led since.
   */
  #overdue(): void {
    const lose = (): void => this.#lose(`not renewed for ${this.#timing.renewDeadlineMs} ms`);
    const leftMs = this.#busySince + Math.min(REQUEST_MS, this.#timing.renewMs) - performance.now();
    if (this.#busy && leftMs > 0) {
      this.#watchdog = setTimeout(lose, leftMs);
    } else {
      lose();
    }
  }

  async #renew(): Promise<number> {
    const askedAt = performance.now();
    const failure = this.#seen ? await this.#renewOnce(this.#seen, askedAt) : undefined;
    if (!failure) {
      return Math.max(0, this.#timing.renewMs - (performance.now() - askedAt));
    }
    if (failure.kind === 'conflict' || failure.kind === 'notFound') {
      await this.#lookAgain();
    }
    return this.#timing.retryMs;
  }

  async #renewOnce(lease: LeaseRecord, askedAt: number): Promise<RequestFailure | undefined> {
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
      this.#renewed(renewed, askedAt);
    } else {
      this.#seen = renewed;
    }
    return undefined;
  }

  /** Another client wrote or deleted the Lease: still ours (a manual edit), recreated, or lost. */
  async #lookAgain(): Promise<void> {
    const read = await this.#store.read();
    if (!isFailure(read)) {
      if (read.holder === this.#holder) {
        this.#seen = read;
      } else {
        this.#lose(`held by ${read.holder || 'no process'}`);
      }
      return;
    }
    if (read.kind !== 'notFound') {
      return;
    }
    const askedAt = performance.now();
    const made = await this.#store.create(takenSpec(this.#holder, this.#timing.leaseMs, Date.now()));
    if (!isFailure(made) && this.#state === 'leading') {
      this.#renewed(made, askedAt);
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
