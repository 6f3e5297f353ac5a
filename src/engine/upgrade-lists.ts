/**
 * Lists of Upgrades as the API server has them now, one for all pods of a namespace. Whoever may write Upgrades and pods decides how long such a list
 * is and how often it is needed, so a namespace is read once at a time, and rests after that for a multiple of the time that it took.
 */
import type { Clock, GatingUpgrade, Reader } from './ports.ts';

/** One list is used for all pods within this time, as there may be many of both. */
const LIST_TTL_MS = 1000;
/** How many times as long as it took to read a namespace it is not read again. */
const REST = 4;

export type Listed = readonly GatingUpgrade[] | 'unknown';

interface NamespaceList {
  readonly at: number;
  readonly upgrades: Promise<Listed>;
  /** `undefined` while it is being read. */
  restsUntil: number | undefined;
}

export interface UpgradeListsOptions {
  readonly clock: Pick<Clock, 'steady'>;
  readonly reader: Pick<Reader, 'listUpgrades'>;
}

/** All times are of the monotonic clock. */
export class UpgradeLists {
  readonly #options: UpgradeListsOptions;
  readonly #lists = new Map<string, NamespaceList>();

  constructor(options: UpgradeListsOptions) {
    this.#options = options;
  }

  /** Returns a list that is at most a second old, or in how many milliseconds to request one again. */
  of(namespace: string): Promise<Listed> | number {
    const now = this.#options.clock.steady();
    this.#forgetOld(now);
    const known = this.#lists.get(namespace);
    if (!known) {
      return this.#read(namespace, now);
    }
    return now < known.at + LIST_TTL_MS ? known.upgrades : (known.restsUntil ?? now + LIST_TTL_MS) - now;
  }

  #read(namespace: string, at: number): Promise<Listed> {
    const { clock, reader } = this.#options;
    const list: NamespaceList = { at, upgrades: reader.listUpgrades(namespace), restsUntil: undefined };
    this.#lists.set(namespace, list);
    void list.upgrades.then((listed) => {
      const now = clock.steady();
      // What was not read has cost nothing.
      list.restsUntil = listed === 'unknown' ? now : now + REST * (now - at);
    });
    return list.upgrades;
  }

  #forgetOld(now: number): void {
    for (const [namespace, { at, restsUntil }] of this.#lists) {
      if (now >= at + LIST_TTL_MS && restsUntil !== undefined && now >= restsUntil) {
        this.#lists.delete(namespace);
      }
    }
  }
}
