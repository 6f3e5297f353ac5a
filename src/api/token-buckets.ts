/** Token buckets by name. The least recent one is forgotten first, so that names without end take no memory without end. Pure. */

/** How many names are remembered. */
const MAX_REMEMBERED = 4096;

export interface BucketLimit {
  /** Tokens of a full bucket, as that of a new name is. */
  readonly burst: number;
  /** Time after which one more is added. */
  readonly refillMs: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

export class TokenBuckets<More extends object> {
  readonly #limit: BucketLimit;
  readonly #more: () => More;
  readonly #buckets = new Map<string, Bucket & More>();

  /** `more` makes what is remembered of a name besides. */
  constructor(limit: BucketLimit, more: () => More) {
    this.#limit = limit;
    this.#more = more;
  }

  /** Refills the bucket of a name, and makes it the most recent one. Times are in milliseconds, of the monotonic clock. */
  of(name: string, now: number): Bucket & More {
    const { burst, refillMs } = this.#limit;
    const bucket = this.#buckets.get(name) ?? { tokens: burst, filledAt: now, ...this.#more() };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.filledAt) / refillMs);
    bucket.filledAt = now;
    this.#buckets.delete(name);
    this.#buckets.set(name, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_REMEMBERED && oldest !== undefined) {
      this.#buckets.delete(oldest);
    }
    return bucket;
  }
}

/** Takes a token, if there is one. */
export function takeToken(bucket: Bucket): boolean {
  const isThere = bucket.tokens >= 1;
  if (isThere) {
    bucket.tokens -= 1;
  }
  return isThere;
}
