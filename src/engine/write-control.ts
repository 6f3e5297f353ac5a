/** Decides when an Upgrade's next write may be sent, from the outcomes of the writes before it. All times are of the monotonic clock. */
import type { UpgradeStatus } from '../api/types.ts';
import type { Plan } from '../core/decision/decide.ts';
import type { Obstacle } from '../core/obstacle.ts';
import type { Action } from '../core/plan.ts';
import { obstacleText } from '../core/report/obstacle-text.ts';
import { WRITE_ACTIONS, type WriteAction } from './action-executor.ts';
import { Brake, STATUS_CHANGED } from './brake.ts';
import { named } from './log-fields.ts';
import type { Ports, RequestFailure } from './ports.ts';
import { actionProgress, type Progress, statusProgress } from './progress-marks.ts';
import type { Result } from './queue.ts';
import type { StatusPace } from './status-pace.ts';
import type { UpgradeKey } from './store.ts';
import { isByWebhook, WriteBackoff } from './write-backoff.ts';

export interface WriteControlOptions extends Pick<Ports, 'clock' | 'telemetry' | 'log'> {
  readonly pace: StatusPace;
}

export class WriteControl {
  readonly #options: WriteControlOptions;
  readonly #backoff = new WriteBackoff();
  readonly #brake = new Brake();
  readonly #done = new Map<UpgradeKey, number>();

  constructor(options: WriteControlOptions) {
    this.#options = options;
  }

  /** How long the planned action has to wait; 0 if it may be executed. */
  actionWaitMs(key: UpgradeKey, { action, status }: Plan): number {
    const now = this.#now();
    return Math.max(
      this.#backoff.waitMs(key, 'action', now),
      this.#brake.waitMs(key, action.kind, now),
      isMissedGate(action) ? this.#backoff.deletionWaitMs(key, status.attempt?.id ?? '', now) : 0,
    );
  }

  /** Takes the permission to execute the action. Returns 0, or how long to wait before asking again. */
  takeAction(key: UpgradeKey, plan: Plan, action: WriteAction): number {
    const waitMs = this.actionWaitMs(key, plan);
    return waitMs > 0 ? waitMs : this.#take(key, actionProgress(action, plan.status));
  }

  /** Takes the permission to write the status. Returns 0, or how long to wait before asking again. */
  takeStatus(key: UpgradeKey, stored: UpgradeStatus | undefined, next: UpgradeStatus): number {
    const now = this.#now();
    const waitMs = Math.max(this.#backoff.waitMs(key, 'status', now), this.#brake.waitMs(key, 'status', now));
    return waitMs > 0 ? waitMs : this.#take(key, statusProgress(stored, next));
  }

  /** The API server accepted the action. */
  actionSucceeded(key: UpgradeKey, plan: Plan, action: WriteAction, noEffect: Obstacle | undefined): void {
    this.#backoff.clear(key, 'action');
    this.#noteEffect(key, action.kind, noEffect);
    if (isMissedGate(action)) {
      this.#backoff.countDeletion(key, plan.status.attempt?.id ?? '', this.#now());
    }
  }

  /** The API server accepted the status, and returned it as written or changed. */
  statusSucceeded(key: UpgradeKey, { asWritten }: { readonly asWritten: boolean }): void {
    this.#backoff.clear(key, 'status');
    this.#options.pace.written(key);
    this.#noteEffect(key, 'status', asWritten ? undefined : STATUS_CHANGED);
  }

  /** The write failed. Returns when to reconcile again. */
  failed(key: UpgradeKey, what: 'status' | 'action', failure: RequestFailure): Result {
    const { telemetry, log, pace } = this.#options;
    telemetry.failed(failure.kind);
    log.debug(failure.message, { ...named(key), what, cause: failure.kind });
    if (failure.kind === 'invalid' && what === 'status' && !pace.isRefused(key)) {
      pace.refused(key, failure.message);
      log.error(`The API server rejected a status: ${failure.message}`, {
        ...named(key),
        cause: failure.kind,
      });
      return { requeueAfterMs: 0 };
    }
    if (this.#isRejected(key, what, failure)) {
      log.error(`The API server rejected a write: ${failure.message}`, {
        ...named(key),
        what,
        cause: failure.kind,
      });
      return { requeueAfterMs: 0 };
    }
    // A conflict means that the watch lags: its next event enqueues the key. The backoff is for the case that none comes.
    return failure.kind === 'throttled' ? { requeueAfterMs: failure.retryAfterMs } : { backoff: true };
  }

  /** Whether somebody has to change something before the write can succeed. */
  #isRejected(key: UpgradeKey, what: 'status' | 'action', failure: RequestFailure): boolean {
    if (failure.kind === 'forbidden' || failure.kind === 'invalid') {
      this.#backoff.reject(key, { what, failure }, this.#now());
      return true;
    }
    if (failure.kind === 'notFound') {
      return false;
    }
    const isReported = this.#backoff.failed(key, { what, failure }, this.#now());
    if (isReported && !isByWebhook(failure)) {
      this.#options.log.warn(`A write keeps failing: ${failure.message}`, {
        ...named(key),
        what,
        cause: failure.kind,
      });
    }
    return isReported && isByWebhook(failure);
  }

  /**
   * No action is planned, so one that was rejected or had no effect is not wanted any more. Returns whether something was released by that, or
   * when to check again.
   */
  releaseActions(key: UpgradeKey): 'released' | number | undefined {
    const released = this.#brake.releaseUnwanted(key, WRITE_ACTIONS, this.#now());
    return this.#backoff.clear(key, 'action') ? 'released' : released;
  }

  /** How many writes the API server has accepted so far and that had an effect. */
  doneOf(key: UpgradeKey): number {
    return this.#done.get(key) ?? 0;
  }

  /** How many writes have made progress so far. */
  progressOf(key: UpgradeKey): number {
    return this.#brake.progressOf(key);
  }

  /** The visit ended, or its last steps made progress. */
  visitEnded(key: UpgradeKey): void {
    this.#brake.release(key, 'visit');
  }

  /** A visit took all its steps without progress: each time the next one waits twice as long. Returns how long. */
  visitSpun(key: UpgradeKey): number {
    this.#options.telemetry.braked('spinning');
    this.#brake.slow(key, 'visit', this.#now(), undefined, { minMs: 50, maxMs: 10_000 });
    return this.#brake.waitMs(key, 'visit', this.#now());
  }

  /** Why the last write for the Upgrade failed or had no effect. */
  obstacle(key: UpgradeKey): Obstacle | undefined {
    const refusal = this.#backoff.refusal(key);
    return refusal
      ? { reason: refusal.kind === 'forbidden' ? 'Forbidden' : 'Refused', message: refusal.message }
      : this.#brake.obstacle(key);
  }

  forget(key: UpgradeKey): void {
    this.#backoff.forget(key);
    this.#brake.forget(key);
    this.#done.delete(key);
  }

  #now(): number {
    return this.#options.clock.steady();
  }

  #take(key: UpgradeKey, progress: Progress): number {
    const waitMs = this.#brake.take(key, this.#now(), progress);
    if (waitMs > 0) {
      this.#options.telemetry.braked('rate');
    }
    return waitMs;
  }

  /** Whether a write had an effect decides how soon the next one of its kind may follow. */
  #noteEffect(key: UpgradeKey, what: string, noEffect: Obstacle | undefined): void {
    const { telemetry, log } = this.#options;
    if (!noEffect) {
      this.#done.set(key, this.doneOf(key) + 1);
      this.#brake.release(key, what);
      return;
    }
    telemetry.braked('no_effect');
    log.warn(obstacleText(noEffect), { ...named(key), what, reason: noEffect.reason });
    this.#brake.slow(key, what, this.#now(), noEffect);
  }
}

/** A pod is deleted because it was created without its gate. */
const isMissedGate = (action: Action): boolean =>
  action.kind === 'deletePods' && action.reason === 'GateMissed';
