/**
 * The cache of one watched kind, with indexes: client-go's Indexer and MutationCache in one.
 * Responses to our own writes are stored at once, and the watch does not replace them with an older version.
 */
import { isNewer } from '../api/resource-version.ts';
import type { WatchEvent } from './ports.ts';

/** Returns the value under which an index finds an object; `undefined` leaves it out of the index. */
export type IndexFunc<T> = (object: T) => string | undefined;

export interface IndexerOptions<T extends object, Index extends string> {
  readonly key: (object: T) => string;
  readonly version: (object: T) => string;
  readonly indexes: Readonly<Record<Index, IndexFunc<T>>>;
  /** Transforms an object before it is stored, given the one that is cached. */
  readonly transform?: (object: T, before: T | undefined) => T;
  /** Called after an object was added, changed or removed, by the watch or by a write. */
  readonly changed?: (before: T | undefined, after: T | undefined) => void;
}

/** Objects by value and key. */
type Entries<T> = Map<string, Map<string, T>>;

export class Indexer<T extends object, Index extends string = never> {
  readonly #options: IndexerOptions<T, Index>;
  readonly #objects = new Map<string, T>();
  readonly #indexes: readonly { readonly indexFunc: IndexFunc<T>; readonly entries: Entries<T> }[];
  readonly #byName = new Map<string, Entries<T>>();
  /** The newest version from the watch: the response to a write is used only if it is newer. */
  #position = '0';
  #synced = false;
  /** Objects that are not as the server has them. */
  readonly #assumed = new WeakSet<T>();

  constructor(options: IndexerOptions<T, Index>) {
    this.#options = options;
    this.#indexes = Object.entries<IndexFunc<T>>(options.indexes).map(([name, indexFunc]) => {
      const entries: Entries<T> = new Map();
      this.#byName.set(name, entries);
      return { indexFunc, entries };
    });
  }

  get synced(): boolean {
    return this.#synced;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  all(): IterableIterator<T> {
    return this.#objects.values();
  }

  byIndex(index: Index, value: string): T[] {
    return [...(this.#byName.get(index)?.get(value)?.values() ?? [])];
  }

  /** Whether an index finds the object with this key under the value. */
  isIn(index: Index, value: string, key: string): boolean {
    return this.#byName.get(index)?.get(value)?.has(key) ?? false;
  }

  /** Applies a watch event. Returns every object that it touched, before and after. */
  apply(event: WatchEvent<T>): T[] {
    if (event.type === 'synced') {
      return this.#replaceAll(event.items, event.resourceVersion);
    }
    const version = this.#options.version(event.object);
    if (isNewer(version, this.#position)) {
      this.#position = version;
    }
    const known = this.get(this.#options.key(event.object));
    if (event.type === 'delete') {
      this.#remove(event.object);
      return known ? [known, event.object] : [event.object];
    }
    if (known && isNewer(this.#options.version(known), version)) {
      return [];
    }
    this.#put(event.object);
    return known ? [known, event.object] : [event.object];
  }

  /** Applies the response to a write of our own: it is as good as a watch event, and earlier. */
  applyWrite(object: T): void {
    const version = this.#options.version(object);
    const known = this.get(this.#options.key(object));
    if (!isNewer(version, this.#position) || (known && !isNewer(version, this.#options.version(known)))) {
      return;
    }
    this.#put(object);
  }

  /** Applies what a response implies about the cached object, such as that it is being deleted. Any watch event or list replaces it. */
  assume(object: T): void {
    const known = this.get(this.#options.key(object));
    if (known && this.#options.version(known) === this.#options.version(object)) {
      this.#assumed.add(this.#put(object));
    }
  }

  /**
   * A new list has mostly what is cached already: that stays, and concerns nobody. Of a server that has gone back, which was restored from a backup, the
   * same version may be another object.
   */
  #replaceAll(items: readonly T[], resourceVersion: string): T[] {
    const { key } = this.#options;
    const wentBack = isNewer(this.#position, resourceVersion);
    const listed = new Set(items.map(key));
    const gone = [...this.#objects.values()].filter((object) => !listed.has(key(object)));
    const changed = wentBack ? items : items.filter((item) => !this.#has(item));
    const before = changed.flatMap((item) => this.get(key(item)) ?? []);
    this.#position = resourceVersion;
    this.#synced = true;
    for (const object of gone) {
      this.#remove(object);
    }
    for (const item of changed) {
      this.#put(item);
    }
    return [...gone, ...before, ...changed];
  }

  /** Whether this version is cached, as the server has it. */
  #has(item: T): boolean {
    const { key, version } = this.#options;
    const known = this.get(key(item));
    return known !== undefined && version(known) === version(item) && !this.#assumed.has(known);
  }

  #put(received: T): T {
    const before = this.#take(received);
    const key = this.#options.key(received);
    const object = this.#options.transform?.(received, before) ?? received;
    this.#objects.set(key, object);
    for (const { indexFunc, entries } of this.#indexes) {
      const value = indexFunc(object);
      if (value !== undefined) {
        const group = entries.get(value) ?? new Map<string, T>();
        entries.set(value, group.set(key, object));
      }
    }
    this.#options.changed?.(before, object);
    return object;
  }

  #remove(object: T): void {
    const before = this.#take(object);
    if (before) {
      this.#options.changed?.(before, undefined);
    }
  }

  /** Removes the cached object with this key from the cache and all indexes, and returns it. */
  #take(object: T): T | undefined {
    const key = this.#options.key(object);
    const known = this.#objects.get(key);
    if (!known) {
      return undefined;
    }
    this.#objects.delete(key);
    for (const { indexFunc, entries } of this.#indexes) {
      const value = indexFunc(known);
      const group = value === undefined ? undefined : entries.get(value);
      group?.delete(key);
      if (value !== undefined && group?.size === 0) {
        entries.delete(value);
      }
    }
    return known;
  }
}
