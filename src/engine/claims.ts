/** Decides which Upgrade acts on a target that several reference: the oldest, then by name. The others wait. */
import type { Upgrade } from '../api/types.ts';

interface Claim {
  readonly key: string;
  readonly uid: string;
  readonly target: string;
  readonly createdAt: number;
}

export interface ClaimsOptions {
  readonly key: (upgrade: Upgrade) => string;
  readonly target: (upgrade: Upgrade) => string;
}

/**
 * The ordered claims of each target. Anybody who may create an Upgrade may create thousands for one target, so times are parsed once, a position
 * is found by binary search, and the acting Upgrade is found without reading the others.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #byKey = new Map<string, Claim>();
  readonly #byTarget = new Map<string, Claim[]>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** The key of the Upgrade that acts on the target. */
  acting(target: string): string | undefined {
    return this.#byTarget.get(target)?.[0]?.key;
  }

  /** The keys of the waiting Upgrades, the next one first. */
  waiting(target: string): string[] {
    return (this.#byTarget.get(target) ?? []).slice(1).map(({ key }) => key);
  }

  /** Applies a change of one Upgrade. Returns the targets whose acting Upgrade changed. */
  apply(before: Upgrade | undefined, after: Upgrade | undefined): string[] {
    const key = before ? this.#options.key(before) : after ? this.#options.key(after) : '';
    const known = this.#byKey.get(key);
    if (known && after && known.uid === after.metadata.uid && known.target === this.#options.target(after)) {
      return [];
    }
    const passedOn = [...(known ? this.#remove(known) : []), ...(after ? this.#add(after) : [])];
    return [...new Set(passedOn)];
  }

  #add(upgrade: Upgrade): string[] {
    const target = this.#options.target(upgrade);
    const createdAt = Date.parse(upgrade.metadata.creationTimestamp);
    const claim = { key: this.#options.key(upgrade), uid: upgrade.metadata.uid, target, createdAt };
    const claims = this.#byTarget.get(target) ?? [];
    this.#byTarget.set(target, claims);
    this.#byKey.set(claim.key, claim);
    const index = indexOf(claims, claim);
    claims.splice(index, 0, claim);
    return index === 0 ? [target] : [];
  }

  #remove(claim: Claim): string[] {
    const claims = this.#byTarget.get(claim.target) ?? [];
    const index = indexOf(claims, claim);
    claims.splice(index, 1);
    this.#byKey.delete(claim.key);
    if (claims.length === 0) {
      this.#byTarget.delete(claim.target);
    }
    return index === 0 ? [claim.target] : [];
  }
}

/** Returns the index of the first claim that is not older than this one. */
function indexOf(claims: readonly Claim[], claim: Claim): number {
  let low = 0;
  let high = claims.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isOlder(claims[middle] as Claim, claim)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function isOlder(a: Claim, b: Claim): boolean {
  return a.createdAt === b.createdAt ? a.key < b.key : a.createdAt < b.createdAt;
}
