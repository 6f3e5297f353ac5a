/** Which Upgrade acts on a target that several name: the oldest, then by name. The others wait. */
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
 * Claims in their order, by target. Anybody who may create an Upgrade may create thousands on one target:
 * a time is parsed once, a place is found by bisection, and who acts is known without looking at the others.
 */
export class Claims {
  readonly #options: ClaimsOptions;
  readonly #byKey = new Map<string, Claim>();
  readonly #byTarget = new Map<string, Claim[]>();

  constructor(options: ClaimsOptions) {
    this.#options = options;
  }

  /** Key of the Upgrade that acts on the target. */
  acting(target: string): string | undefined {
    return this.#byTarget.get(target)?.[0]?.key;
  }

  /** Keys of those that wait, the next one first. */
  waiting(target: string): string[] {
    return (this.#byTarget.get(target) ?? []).slice(1).map(({ key }) => key);
  }

  /** Applies a change of one Upgrade. Returns the targets on which another one acts now. */
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
    const place = placeOf(claims, claim);
    claims.splice(place, 0, claim);
    return place === 0 ? [target] : [];
  }

  #remove(claim: Claim): string[] {
    const claims = this.#byTarget.get(claim.target) ?? [];
    const place = placeOf(claims, claim);
    claims.splice(place, 1);
    this.#byKey.delete(claim.key);
    if (claims.length === 0) {
      this.#byTarget.delete(claim.target);
    }
    return place === 0 ? [claim.target] : [];
  }
}

/** The index of the first claim that does not come before this one. */
function placeOf(claims: readonly Claim[], claim: Claim): number {
  let low = 0;
  let high = claims.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (comesBefore(claims[middle] as Claim, claim)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

function comesBefore(a: Claim, b: Claim): boolean {
  return a.createdAt === b.createdAt ? a.key < b.key : a.createdAt < b.createdAt;
}
