/** The Upgrades of each target in the order of their claims (core/claim.ts): the first one acts, the others wait. */
import type { Upgrade } from '../api/types.ts';

interface Claim {
  readonly key: string;
  readonly uid: string;
  readonly target: string;
  readonly order: string;
}

export interface ClaimsOptions {
  readonly key: (upgrade: Upgrade) => string;
  readonly target: (upgrade: Upgrade) => string;
  /** Unique among the Upgrades of a target; `undefined` without a claim. */
  readonly order: (upgrade: Upgrade) => string | undefined;
}

/**
 * The ordered claims of each target. Anybody who may create an Upgrade may create thousands for one target, so a position is found by binary
 * search, and the acting Upgrade is found without reading the others.
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
    const next = after && this.#claimOf(after);
    if (known?.uid === next?.uid && known?.target === next?.target && known?.order === next?.order) {
      return [];
    }
    const targets = [known?.target, next?.target].filter((target) => target !== undefined);
    const acting = new Map(targets.map((target) => [target, this.#actingUid(target)]));
    if (known) {
      this.#remove(known);
    }
    if (next) {
      this.#add(next);
    }
    return [...acting].filter(([target, uid]) => this.#actingUid(target) !== uid).map(([target]) => target);
  }

  #claimOf(upgrade: Upgrade): Claim | undefined {
    const order = this.#options.order(upgrade);
    return order === undefined
      ? undefined
      : {
          key: this.#options.key(upgrade),
          uid: upgrade.metadata.uid,
          target: this.#options.target(upgrade),
          order,
        };
  }

  #actingUid(target: string): string | undefined {
    return this.#byTarget.get(target)?.[0]?.uid;
  }

  #add(claim: Claim): void {
    const claims = this.#byTarget.get(claim.target) ?? [];
    this.#byTarget.set(claim.target, claims);
    this.#byKey.set(claim.key, claim);
    claims.splice(indexOf(claims, claim), 0, claim);
  }

  #remove(claim: Claim): void {
    const claims = this.#byTarget.get(claim.target) ?? [];
    claims.splice(indexOf(claims, claim), 1);
    this.#byKey.delete(claim.key);
    if (claims.length === 0) {
      this.#byTarget.delete(claim.target);
    }
  }
}

/** Returns the index of the first claim that does not precede this one. */
function indexOf(claims: readonly Claim[], claim: Claim): number {
  let low = 0;
  let high = claims.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((claims[middle] as Claim).order < claim.order) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
