/** One watched kind as the operator knows it, with an index, and safe against its own writes being newer than the watch. */
import type { WatchEvent } from './ports.ts';

/** resourceVersions are decimal numbers that only grow (KEP-5504): longer is larger, then digit by digit. */
export const isNewer = (a: string, b: string): boolean =>
  a.length === b.length ? a > b : a.length > b.length;

export interface TableOptions<T> {
  readonly key: (object: T) => string;
  readonly version: (object: T) => string;
  /** What the index finds objects by, such as the owner's UID. */
  readonly group: (object: T) => string;
}

export class Table<T> {
  readonly #options: TableOptions<T>;
  readonly #objects = new Map<string, T>();
  readonly #groups = new Map<string, Map<string, T>>();
  /** How far the watch has come: what a write of ours answered with is news only beyond it. */
  #position = '0';
  #synced = false;

  constructor(options: TableOptions<T>) {
    this.#options = options;
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

  inGroup(group: string): T[] {
    return [...(this.#groups.get(group)?.values() ?? [])];
  }

  /** Takes an event of the watch; gives every object that it touched, as it was and as it is. */
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

  /** Takes the answer to a write of our own: as good as a watch event, and earlier. */
  learn(object: T): void {
    const version = this.#options.version(object);
    const known = this.get(this.#options.key(object));
    if (!isNewer(version, this.#position) || (known && !isNewer(version, this.#options.version(known)))) {
      return;
    }
    this.#put(object);
  }

  /** Takes what an answer implies about an object as we know it, such as that it is being deleted. Whatever the watch brings wins. */
  assume(object: T): void {
    const known = this.get(this.#options.key(object));
    if (known && this.#options.version(known) === this.#options.version(object)) {
      this.#put(object);
    }
  }

  #replaceAll(items: readonly T[], resourceVersion: string): T[] {
    const before = [...this.#objects.values()];
    this.#objects.clear();
    this.#groups.clear();
    this.#position = resourceVersion;
    this.#synced = true;
    for (const item of items) {
      this.#put(item);
    }
    return [...before, ...items];
  }

  #put(object: T): void {
    this.#remove(object);
    const key = this.#options.key(object);
    this.#objects.set(key, object);
    const name = this.#options.group(object);
    const group = this.#groups.get(name) ?? new Map<string, T>();
    group.set(key, object);
    this.#groups.set(name, group);
  }

  #remove(object: T): void {
    const key = this.#options.key(object);
    const known = this.#objects.get(key);
    if (!known) {
      return;
    }
    this.#objects.delete(key);
    const name = this.#options.group(known);
    const group = this.#groups.get(name);
    group?.delete(key);
    if (group?.size === 0) {
      this.#groups.delete(name);
    }
  }
}
