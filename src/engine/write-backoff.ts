/**
 * Delays retries of rejected writes, says which ones fail for long, and delays deletions of pods that were created without the gate.
 * All times are of the monotonic clock.
 */
import type { RequestFailure } from './ports.ts';

/** Somebody has to change something first, such as a permission. */
const REJECTED_RETRY_MS = 20_000;
/** Pods without the gate are rare (3 of 200). If all pods are, the policy is broken, and deleting them as fast as they are created helps nobody. */
const DELETION_MIN_MS = 1000;
const DELETION_MAX_MS = 60_000;

/** A webhook that is unreachable for this long is not about to be back: somebody has to repair or remove it. */
const WEBHOOK_DOWN_MS = 20_000;
/** Whatever else a write meets is usually over by then: a conflict, an error of the API server, too many requests. */
const FAILING_MS = 60_000;

interface Refusal {
  readonly what: 'status' | 'action';
  readonly failure: RequestFailure;
  readonly since: number;
  /** When it failed last. */
  readonly at: number;
  readonly isReported: boolean;
  readonly retryAt: number;
}

type Rejected = Pick<Refusal, 'what' | 'failure'>;

/** Whether a webhook is unreachable that the write needs. */
export const isByWebhook = (failure: RequestFailure): boolean =>
  failure.kind === 'unavailable' && failure.byWebhook === true;

export class WriteBackoff {
  readonly #refusals = new Map<string, Refusal>();
  readonly #deletions = new Map<
    string,
    { readonly attempt: string; readonly count: number; readonly nextAt: number }
  >();

  /** The API server rejected the write of a status or of an action. */
  reject(key: string, rejected: Rejected, now: number): void {
    this.#refusals.set(key, {
      ...rejected,
      since: now,
      at: now,
      isReported: true,
      retryAt: now + REJECTED_RETRY_MS,
    });
  }

  /** The write failed for a reason that usually passes. Returns whether that has lasted so long that it is reported. */
  failed(key: string, rejected: Rejected, now: number): boolean {
    const known = this.#refusals.get(key);
    // It is tried more often than that: what failed longer ago was no longer wanted.
    const isAgain = known?.what === rejected.what && now - known.at <= FAILING_MS;
    const since = isAgain ? known.since : now;
    const byWebhook = isByWebhook(rejected.failure);
    const isReported = now - since >= (byWebhook ? WEBHOOK_DOWN_MS : FAILING_MS);
    const retryAt = isReported && byWebhook ? now + REJECTED_RETRY_MS : now;
    this.#refusals.set(key, { ...rejected, since, at: now, isReported, retryAt });
    return isReported;
  }

  /** Such a write was accepted, or is not wanted any more. Returns whether one had been rejected. */
  clear(key: string, what: Refusal['what']): boolean {
    return this.#refusals.get(key)?.what === what && this.#refusals.delete(key);
  }

  refusal(key: string): RequestFailure | undefined {
    const refusal = this.#refusals.get(key);
    return refusal?.isReported ? refusal.failure : undefined;
  }

  /** How long such a write has to wait; 0 if it may be sent. */
  waitMs(key: string, what: Refusal['what'], now: number): number {
    const refusal = this.#refusals.get(key);
    return refusal?.what === what ? Math.max(0, refusal.retryAt - now) : 0;
  }

  /** A pod of this attempt was deleted because it was created without the gate: the wait before the next one doubles. */
  countDeletion(key: string, attempt: string, now: number): void {
    const known = this.#deletions.get(key);
    const count = known?.attempt === attempt ? known.count + 1 : 0;
    this.#deletions.set(key, {
      attempt,
      count,
      nextAt: now + Math.min(DELETION_MAX_MS, DELETION_MIN_MS * 2 ** count),
    });
  }

  /** How long the next such pod of this attempt has to wait. */
  deletionWaitMs(key: string, attempt: string, now: number): number {
    const known = this.#deletions.get(key);
    return known?.attempt === attempt ? Math.max(0, known.nextAt - now) : 0;
  }

  forget(key: string): void {
    this.#refusals.delete(key);
    this.#deletions.delete(key);
  }
}
