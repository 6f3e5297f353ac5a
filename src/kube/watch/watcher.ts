/** The reflectors of all watched kinds. */
import type {
  WatchEvent,
  Watched,
  WatchedKind,
  Watcher,
  WatchHealth,
  WatchListener,
} from '../../engine/ports.ts';
import { RESOURCES, type Resource } from '../client/paths.ts';
import type { Requests } from '../client/request.ts';
import type { StreamClient } from '../client/stream-client.ts';
import { PROJECTIONS } from '../objects/decoders.ts';
import { Reflector } from './reflector.ts';
import { mergeScopes } from './scopes.ts';

/** The list-watches of all kinds, over the whole cluster or over some namespaces. */
export class ClusterWatcher implements Watcher {
  readonly #streams: StreamClient;
  readonly #requests: Requests;
  readonly #namespaces: readonly string[];
  readonly #listener: WatchListener | undefined;
  #running: { readonly health: () => WatchHealth; readonly stop: () => Promise<void> }[] = [];

  /** No namespaces: the whole cluster. */
  constructor(
    streams: StreamClient,
    requests: Requests,
    namespaces: readonly string[],
    listener?: WatchListener,
  ) {
    this.#listener = listener;
    this.#streams = streams;
    this.#requests = requests;
    this.#namespaces = namespaces;
  }

  watch<K extends WatchedKind>(kind: K, sink: (event: WatchEvent<Watched[K]>) => void): void {
    const clusterWide = kind === 'Node' || this.#namespaces.length === 0;
    const sinks = clusterWide ? [sink] : mergeScopes(this.#namespaces.length, keyOf, sink);
    sinks.forEach((scoped, index) => {
      const namespace = clusterWide ? undefined : this.#namespaces[index];
      // Permissions in some namespaces do not include nodes; without them a lost node is detected by its pods only.
      const optional = kind === 'Node' && this.#namespaces.length > 0;
      const about = { kind, resource: rbacName(RESOURCES[kind]), namespace, optional };
      const reflector = new Reflector(this.#streams, this.#requests, {
        target: { resource: RESOURCES[kind], ...(namespace === undefined ? {} : { namespace }) },
        projection: PROJECTIONS[kind],
        sink: scoped,
        optional,
        listener: {
          failed: (reason) => this.#listener?.failed(kind, reason),
          changed: (now, before) => this.#listener?.changed({ ...about, ...now }, { ...about, ...before }),
        },
      });
      this.#running.push({
        health: () => ({ ...about, ...reflector.status() }),
        stop: () => reflector.stop(),
      });
      reflector.start();
    });
  }

  /** One entry for each kind and namespace. */
  health(): readonly WatchHealth[] {
    return this.#running.map(({ health }) => health());
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map(({ stop }) => stop()));
    this.#running = [];
  }
}

/** As RBAC and kubectl name it: `pods`, `deployments.apps`. */
function rbacName({ root, plural }: Resource): string {
  const group = /^\/apis\/([^/]+)\//.exec(root)?.[1];
  return group === undefined ? plural : `${plural}.${group}`;
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
