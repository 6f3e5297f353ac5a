/** What the cluster stores: objects with versions, and the log of every change, from which watches are fed. */
import type { OwnerView } from '../../src/api/views.ts';
import type { Watched, WatchedKind } from '../../src/engine/ports.ts';

export interface Change<K extends WatchedKind = WatchedKind> {
  readonly kind: K;
  readonly type: 'upsert' | 'delete';
  readonly object: Watched[K];
  readonly version: number;
}

type Named = {
  readonly namespace?: string;
  readonly name?: string;
  readonly metadata?: { readonly namespace: string; readonly name: string };
};

/** As every controller of Kubernetes has it: in the same namespace, and of this very owner. */
export const isOwnedBy = (
  { namespace, owner }: { readonly namespace: string; readonly owner: OwnerView },
  by: { readonly namespace: string; readonly uid: string },
): boolean => namespace === by.namespace && owner.uid === by.uid;

/** `namespace/name`; nodes have no namespace. */
export function keyOf(object: unknown): string {
  const { metadata, ...own } = object as Named;
  const { namespace, name } = metadata ?? own;
  return `${namespace ?? ''}/${name}`;
}

export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) {
      deepFreeze(inner);
    }
  }
  return value;
}

/** Of an Upgrade it is in the metadata, and of the views beside the rest. */
function withoutVersion(object: unknown): string {
  const { metadata, ...own } = object as { readonly metadata?: object };
  return JSON.stringify([
    { ...own, resourceVersion: undefined },
    metadata && { ...metadata, resourceVersion: undefined },
  ]);
}

export class ClusterState {
  readonly #objects = new Map<WatchedKind, Map<string, Watched[WatchedKind]>>();
  readonly log: Change[] = [];
  readonly #listeners: ((change: Change) => void)[] = [];
  #version = 1000;
  #uids = 0;

  get version(): number {
    return this.#version;
  }

  uid(kind: string): string {
    return `${kind.toLowerCase()}-${String(++this.#uids).padStart(4, '0')}`;
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.push(listener);
    return () => this.#listeners.splice(this.#listeners.indexOf(listener), 1);
  }

  get<K extends WatchedKind>(kind: K, key: string): Watched[K] | undefined {
    return this.#objects.get(kind)?.get(key) as Watched[K] | undefined;
  }

  all<K extends WatchedKind>(kind: K): Watched[K][] {
    return [...(this.#objects.get(kind)?.values() ?? [])] as Watched[K][];
  }

  /** Stores the object under a new version; an object that says nothing new is left alone, as the API server does. */
  put<K extends WatchedKind>(kind: K, object: Watched[K]): Watched[K] {
    const key = keyOf(object);
    const known = this.get(kind, key);
    if (known && withoutVersion(known) === withoutVersion(object)) {
      return known;
    }
    const resourceVersion = String(++this.#version);
    const versioned =
      'metadata' in object
        ? { ...object, metadata: { ...object.metadata, resourceVersion } }
        : { ...object, resourceVersion };
    const stored = deepFreeze(versioned) as Watched[K];
    if (!this.#objects.has(kind)) {
      this.#objects.set(kind, new Map());
    }
    this.#objects.get(kind)?.set(key, stored);
    this.#tell({ kind, type: 'upsert', object: stored, version: this.#version });
    return stored;
  }

  remove<K extends WatchedKind>(kind: K, object: Watched[K]): void {
    const known = this.get(kind, keyOf(object));
    if (!known) {
      return;
    }
    this.#objects.get(kind)?.delete(keyOf(object));
    const resourceVersion = String(++this.#version);
    const last =
      'metadata' in known
        ? { ...known, metadata: { ...known.metadata, resourceVersion } }
        : { ...known, resourceVersion };
    this.#tell({ kind, type: 'delete', object: deepFreeze(last) as Watched[K], version: this.#version });
  }

  /** The objects of a kind as they were at a version: what a server that lags behind would list. */
  asOf<K extends WatchedKind>(kind: K, version: number): Watched[K][] {
    const objects = new Map<string, Watched[K]>();
    for (const change of this.log) {
      if (change.version > version) {
        break;
      }
      if (change.kind !== kind) {
        continue;
      }
      if (change.type === 'delete') {
        objects.delete(keyOf(change.object));
      } else {
        objects.set(keyOf(change.object), change.object as Watched[K]);
      }
    }
    return [...objects.values()];
  }

  #tell(change: Change): void {
    this.log.push(change);
    for (const listener of [...this.#listeners]) {
      listener(change);
    }
  }
}
