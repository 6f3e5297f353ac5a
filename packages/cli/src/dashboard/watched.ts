/** Watches what the dashboard shows, with the caller's permissions. */
import type { RevisionView, WorkloadKind } from '../../../../src/api/views.ts';
import { at, type Raw, record, text, time } from '../../../../src/kube/client/json.ts';
import { RESOURCES, type Resource } from '../../../../src/kube/client/paths.ts';
import { decodeNode } from '../../../../src/kube/objects/decode-upgrade.ts';
import { PROJECTIONS } from '../../../../src/kube/objects/decoders.ts';
import { Reflector, type ReflectorStatus } from '../../../../src/kube/watch/reflector.ts';
import type { Cluster } from '../cluster.ts';
import { forbidden } from '../cluster-fault.ts';
import { ENDPOINT_SLICES, type ReadPod, readPod, revisionKind } from '../scene.ts';
import type { NodeLabels, PodNote } from './sources.ts';

interface Wanted<T> {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly project: (raw: Raw) => T;
  readonly keeps?: (view: T) => boolean;
  readonly optional?: boolean;
}

/** A watched cache of the objects of one kind. */
export class Watched<T> {
  readonly #items = new Map<string, T>();
  readonly #reflector: Reflector<Named<T>>;

  constructor(cluster: Cluster, wanted: Wanted<T>, changed: (names: readonly string[]) => void) {
    const { resource, namespace, project, keeps = () => true, optional } = wanted;
    this.#reflector = new Reflector<Named<T>>(cluster.streams, cluster.requests, {
      target: { resource, ...(namespace === undefined ? {} : { namespace }) },
      projection: {
        project: (raw) => ({ name: nameOf(record(raw)), view: project(record(raw)) }),
        keeps: ({ view }) => keeps(view),
      },
      ...(optional ? { optional } : {}),
      sink: (event) => {
        if (event.type === 'synced') {
          const before = [...this.#items.keys()];
          this.#items.clear();
          for (const { name, view } of event.items) {
            this.#items.set(name, view);
          }
          changed([...before, ...this.#items.keys()]);
          return;
        }
        const { name, view } = event.object;
        if (event.type === 'delete') {
          this.#items.delete(name);
        } else {
          this.#items.set(name, view);
        }
        changed([name]);
      },
    });
    this.#reflector.start();
  }

  /** Returns the object with this `namespace/name`. */
  get(name: string): T | undefined {
    return this.#items.get(name);
  }

  entries(): Iterable<[string, T]> {
    return this.#items;
  }

  /** Returns all objects; `undefined` until they have been listed. */
  all(): readonly T[] | undefined {
    return this.status().synced ? [...this.#items.values()] : undefined;
  }

  status(): ReflectorStatus {
    return this.#reflector.status();
  }

  /** Returns why the cache is not up to date; empty if it is. */
  trouble(): string {
    const { state, message } = this.status();
    if (state === 'forbidden') {
      return forbidden(message.replace(/^watch [^:]*: /, ''));
    }
    return state === 'retrying' ? message : '';
  }

  stop(): Promise<void> {
    return this.#reflector.stop();
  }
}

interface Named<T> {
  readonly name: string;
  readonly view: T;
}

function nameOf({ metadata }: Raw): string {
  const { namespace, name } = record(metadata);
  return namespace === undefined ? text(name) : `${text(namespace)}/${text(name)}`;
}

/** Removes the parts of a raw object that are not used. */
function slim(raw: Raw): Raw {
  const { managedFields: _fields, annotations: _notes, ...metadata } = record(raw.metadata);
  return { ...raw, metadata };
}

function slimPod(raw: Raw): ReadPod {
  const { pod } = readPod(raw);
  const { deletionTimestamp, deletionGracePeriodSeconds } = record(raw.metadata);
  return { pod, raw: { metadata: { deletionTimestamp, deletionGracePeriodSeconds } } };
}

const PULLS = ['Pulling', 'Pulled', 'Started'];

const noteOf = (raw: Raw): PodNote => ({
  uid: text(at(raw, 'regarding', 'uid')),
  reason: text(raw.reason),
  at:
    time(raw.eventTime) ||
    time(raw.deprecatedFirstTimestamp) ||
    time(at(raw, 'metadata', 'creationTimestamp')),
});

/** Watches everything that is shown of the Upgrades in a namespace. */
export class NamespaceWatch {
  readonly pods: Watched<ReadPod>;
  readonly slices: Watched<Raw>;
  readonly notes: Watched<PodNote>;
  readonly #workloads = new Map<WorkloadKind, Watched<Raw>>();
  readonly #revisions = new Map<string, Watched<RevisionView>>();
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #changed: () => void;

  constructor(cluster: Cluster, namespace: string, changed: () => void) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#changed = changed;
    this.pods = this.#watch({ resource: RESOURCES.Pod, project: slimPod });
    this.slices = this.#watch({ resource: ENDPOINT_SLICES, project: slim });
    this.notes = this.#watch({
      resource: RESOURCES.Event,
      project: noteOf,
      keeps: ({ reason }) => PULLS.includes(reason),
    });
  }

  #watch<T>(wanted: Omit<Wanted<T>, 'namespace'>): Watched<T> {
    return new Watched<T>(this.#cluster, { ...wanted, namespace: this.#namespace }, this.#changed);
  }

  /** Returns the workloads of a kind; the first call starts the watch. */
  workloads(kind: WorkloadKind): Watched<Raw> {
    const known = this.#workloads.get(kind) ?? this.#watch<Raw>({ resource: RESOURCES[kind], project: slim });
    this.#workloads.set(kind, known);
    return known;
  }

  /** Returns the revisions of a workload kind; the first call starts the watch. */
  revisions(kind: WorkloadKind): Watched<RevisionView> {
    const resource = revisionKind(kind);
    const { project } = PROJECTIONS[resource];
    const known =
      this.#revisions.get(resource) ?? this.#watch<RevisionView>({ resource: RESOURCES[resource], project });
    this.#revisions.set(resource, known);
    return known;
  }

  async stop(): Promise<void> {
    const all: { stop(): Promise<void> }[] = [
      this.pods,
      this.slices,
      this.notes,
      ...this.#workloads.values(),
      ...this.#revisions.values(),
    ];
    await Promise.all(all.map((one) => one.stop()));
  }
}

/** Watches nodes for their zones; empty if the caller may not read them. */
export const watchNodes = (cluster: Cluster, changed: () => void): Watched<NodeLabels> =>
  new Watched<NodeLabels>(
    cluster,
    {
      resource: RESOURCES.Node,
      project: (raw) => {
        const { name, labels } = decodeNode(raw);
        return { name, labels };
      },
      optional: true,
    },
    changed,
  );
