/**
 * What must wait before it is tried again: refused writes, and pods that would otherwise be deleted one after the other.
 * All times are of the steady clock.
 */
import type { RequestFailure } from './ports.ts';

/** Somebody has to grant something first. */
const REFUSED_RETRY_MS = 20_000;
/** Pods that slip past the gate are rare (3 of 200); when all do, the policy is broken, and deleting them as fast as they come helps nobody. */
const DELETION_MIN_MS = 1000;
const DELETION_MAX_MS = 60_000;

interface Refusal {
  readonly what: 'status' | 'action';
  readonly failure: RequestFailure;
  readonly retryAt: number;
}

export class WriteBackoff {
  readonly #refusals = new Map<string, Refusal>();
  readonly #deletions = new Map<
    string,
    { readonly attempt: string; readonly count: number; readonly nextAt: number }
  >();

  /** The API server refused the write of a status, or the act that followed it. */
  reject(key: string, refusal: Omit<Refusal, 'retryAt'>, now: number): void {
    this.#refusals.set(key, { ...refusal, retryAt: now + REFUSED_RETRY_MS });
  }

  /** Such a write was done, or is not wanted any more. Returns whether it had been refused. */
  clear(key: string, what: Refusal['what']): boolean {
    return this.#refusals.get(key)?.what === what && this.#refusals.delete(key);
  }

  refusal(key: string): RequestFailure | undefined {
    return this.#refusals.get(key)?.failure;
  }

  /** How long such a write has to wait; 0: it may be tried. */
  waitMs(key: string, what: Refusal['what'], now: number): number {
    const refusal = this.#refusals.get(key);
    return refusal?.what === what ? Math.max(0, refusal.retryAt - now) : 0;
  }

  /** A pod of this attempt was deleted because it was created without the gate: the next one waits twice as long. */
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
