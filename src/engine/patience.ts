/** What must wait before it is tried again: refused writes, and pods that would otherwise be deleted one after the other. */
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

export class Patience {
  readonly #refusals = new Map<string, Refusal>();
  readonly #deletions = new Map<
    string,
    { readonly attempt: string; readonly count: number; readonly nextAt: number }
  >();

  /** The API server refused the write of a status, or the act that followed it. */
  refused(key: string, refusal: Omit<Refusal, 'retryAt'>, now: number): void {
    this.#refusals.set(key, { ...refusal, retryAt: now + REFUSED_RETRY_MS });
  }

  /** Such a write was done, or is not wanted any more. Gives whether it had been refused. */
  granted(key: string, what: Refusal['what']): boolean {
    return this.#refusals.get(key)?.what === what && this.#refusals.delete(key);
  }

  refusal(key: string): RequestFailure | undefined {
    return this.#refusals.get(key)?.failure;
  }

  /** When such a write may be tried again; `undefined`: at once. */
  retryAt(key: string, what: Refusal['what'], now: number): number | undefined {
    const refusal = this.#refusals.get(key);
    return refusal?.what === what && now < refusal.retryAt ? refusal.retryAt : undefined;
  }

  /** A pod of this attempt was deleted because it came without the gate: the next one waits twice as long. */
  deleted(key: string, attempt: string, now: number): void {
    const known = this.#deletions.get(key);
    const count = known?.attempt === attempt ? known.count + 1 : 0;
    this.#deletions.set(key, {
      attempt,
      count,
      nextAt: now + Math.min(DELETION_MAX_MS, DELETION_MIN_MS * 2 ** count),
    });
  }

  /** When the next such pod of this attempt may be deleted; `undefined`: at once. */
  deletionAt(key: string, attempt: string, now: number): number | undefined {
    const known = this.#deletions.get(key);
    return known?.attempt === attempt && now < known.nextAt ? known.nextAt : undefined;
  }

  forget(key: string): void {
    this.#refusals.delete(key);
    this.#deletions.delete(key);
  }
}
