/** What there is in the cluster, kept up to date by watches: hundreds of lanes look at it ten times a second, which would be too much to ask the API server for. */
import type { AdminClient, Json } from './admin-client.ts';

const ROOTS = {
  pods: '/api/v1',
  deployments: '/apis/apps/v1',
  statefulsets: '/apis/apps/v1',
  daemonsets: '/apis/apps/v1',
  upgrades: '/apis/postcheck.dev/v1alpha1',
} as const;
type Plural = keyof typeof ROOTS;
const PLURALS = Object.keys(ROOTS) as Plural[];

export class Observer {
  readonly #admin: AdminClient;
  readonly #stop = new AbortController();
  /** By plural and namespace, the objects by name. */
  readonly #objects = new Map<string, Map<string, Json>>();

  constructor(admin: AdminClient) {
    this.#admin = admin;
  }

  start(): void {
    for (const plural of PLURALS) {
      void this.#admin.follow(`${ROOTS[plural]}/${plural}`, this.#stop.signal, (type, object) =>
        this.#see(plural, type, object),
      );
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  find(plural: Plural, namespace: string, name: string): Json | undefined {
    return this.#objects.get(`${plural}/${namespace}`)?.get(name);
  }

  list(plural: Plural, namespace: string): readonly Json[] {
    return [...(this.#objects.get(`${plural}/${namespace}`)?.values() ?? [])];
  }

  #see(plural: Plural, type: string, object: Json): void {
    if (type === 'BEGIN') {
      for (const key of [...this.#objects.keys()].filter((one) => one.startsWith(`${plural}/`))) {
        this.#objects.delete(key);
      }
      return;
    }
    const { namespace, name } = object.metadata;
    const key = `${plural}/${namespace}`;
    const own = this.#objects.get(key) ?? new Map<string, Json>();
    if (type === 'DELETED') {
      own.delete(name);
    } else {
      own.set(name, object);
    }
    this.#objects.set(key, own);
  }
}
