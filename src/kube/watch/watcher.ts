import type { WatchEvent, Watched, WatchedKind, Watcher } from '../../engine/ports.ts';
import { RESOURCES } from '../client/paths.ts';
import type { Requests } from '../client/request.ts';
import type { StreamClient } from '../client/stream-client.ts';
import { PROJECTIONS } from '../objects/decoders.ts';
import { Reflector, type ReflectorStatus } from './reflector.ts';
import { mergeScopes } from './scopes.ts';

/** Health of one watched kind in one namespace (or all). */
export type WatchHealth = ReflectorStatus & { readonly kind: WatchedKind };

/** The list-watches of all kinds, over the whole cluster or over some namespaces. */
export class ClusterWatcher implements Watcher {
  readonly #streams: StreamClient;
  readonly #requests: Requests;
  readonly #namespaces: readonly string[];
  #running: {
    readonly kind: WatchedKind;
    readonly status: () => ReflectorStatus;
    readonly stop: () => Promise<void>;
  }[] = [];

  /** No namespaces: the whole cluster. */
  constructor(streams: StreamClient, requests: Requests, namespaces: readonly string[]) {
    this.#streams = streams;
    this.#requests = requests;
    this.#namespaces = namespaces;
  }

  watch<K extends WatchedKind>(kind: K, sink: (event: WatchEvent<Watched[K]>) => void): void {
    const clusterWide = kind === 'Node' || this.#namespaces.length === 0;
    const sinks = clusterWide ? [sink] : mergeScopes(this.#namespaces.length, keyOf, sink);
    sinks.forEach((scoped, index) => {
      const namespace = clusterWide ? undefined : this.#namespaces[index];
      const reflector = new Reflector(this.#streams, this.#requests, {
        target: { resource: RESOURCES[kind], ...(namespace === undefined ? {} : { namespace }) },
        projection: PROJECTIONS[kind],
        sink: scoped,
        // Rights in some namespaces do not include nodes; without them a lost node is told by its pods alone.
        optional: kind === 'Node' && this.#namespaces.length > 0,
      });
      this.#running.push({ kind, status: () => reflector.status(), stop: () => reflector.stop() });
      reflector.start();
    });
  }

  /** One entry for each kind and namespace. */
  health(): readonly WatchHealth[] {
    return this.#running.map(({ kind, status }) => ({ kind, ...status() }));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map(({ stop }) => stop()));
    this.#running = [];
  }
}

type Identity = {
  readonly namespace?: string;
  readonly name?: string;
  readonly metadata?: { readonly namespace: string; readonly name: string };
};

function keyOf(object: Watched[WatchedKind]): string {
  const { namespace, name } = (object as Identity).metadata ?? (object as Identity);
  return `${namespace}/${name}`;
}
