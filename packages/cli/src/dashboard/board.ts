/** Watches the cluster, collects changes briefly, and sends each page its updates. */
import type { Upgrade } from '../../../../src/api/types.ts';
import { isUnderWay } from '../../../../src/core/status.ts';
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import { decodeUpgrade } from '../../../../src/kube/objects/decode-upgrade.ts';
import type { Cluster } from '../cluster.ts';
import { compose, type Scene } from '../scene.ts';
import { clockTime } from '../text.ts';
import type { Subject } from './admission.ts';
import { cardOfAny, keyOf, unreadable } from './card.ts';
import { detailOf } from './detail.ts';
import type { About, Card, Detail, Message } from './model.ts';
import { type Recording, record } from './recording.ts';
import { scopeOf } from './scope.ts';
import type { NodeLabels } from './sources.ts';
import { NamespaceWatch, Watched, watchNodes } from './watched.ts';

export interface BoardOptions {
  readonly version: string;
  readonly canAct: boolean;
  /** The namespace to show; if absent, all that the caller may list. */
  readonly namespace?: string | undefined;
  readonly now: () => number;
}

type Send = (message: Message) => void;

interface Viewer {
  readonly subject: string | undefined;
  readonly send: Send;
}

/** Changes within this time are sent as one message. */
const BATCH_MS = 250;
/** Interval at which running attempts are sent again, because their messages contain times. */
const RESEND_MS = 5000;
/** In how many namespaces pods, endpoints and events are watched: those of the pages first, then those with a running attempt. */
const MAX_NAMESPACES = 8;

export class Board {
  readonly #cluster: Cluster;
  readonly #options: BoardOptions;
  readonly #scope: { readonly namespace?: string; readonly note?: string };
  readonly #upgrades: Watched<Upgrade>;
  readonly #nodes: Watched<NodeLabels>;
  readonly #namespaces = new Map<string, NamespaceWatch>();
  readonly #recordings = new Map<string, Recording>();
  readonly #viewers = new Set<Viewer>();
  readonly #cards = new Map<string, string>();
  /** Keys of Upgrades, and namespaces, that changed since the last message. */
  readonly #changed = new Set<string>();
  #lastAbout = '';
  /** Whether the first list was sent; an empty one is sent too, otherwise a page would wait forever. */
  #isListed = false;
  #updatedAt: number;
  #batch: NodeJS.Timeout | undefined;
  readonly #resend: NodeJS.Timeout;

  /** Finds out what the caller may list; throws a Fault if that is nothing. */
  static async open(cluster: Cluster, options: BoardOptions): Promise<Board> {
    const scope = await scopeOf(cluster, options.namespace);
    return new Board(cluster, options, scope);
  }

  private constructor(cluster: Cluster, options: BoardOptions, scope: { namespace?: string; note?: string }) {
    this.#cluster = cluster;
    this.#options = options;
    this.#scope = scope;
    this.#updatedAt = options.now();
    this.#upgrades = new Watched<Upgrade>(
      cluster,
      { resource: RESOURCES.Upgrade, namespace: scope.namespace, project: decodeUpgrade },
      (names) => this.#note(names),
    );
    this.#nodes = watchNodes(cluster, () => {});
    this.#resend = setInterval(() => this.#note(this.#running()), RESEND_MS);
  }

  /** Sends the page everything, then each change. */
  subscribe(subject: Subject | undefined, send: Send): () => void {
    const viewer = { subject: subject && keyOf(subject.namespace, subject.name), send };
    this.#viewers.add(viewer);
    this.#follow();
    send({ type: 'about', about: this.#about() });
    if (this.#isListed) {
      send({ type: 'fleet', cards: this.#allCards() });
      this.#sendDetail(viewer);
    }
    return () => {
      this.#viewers.delete(viewer);
      this.#follow();
    };
  }

  /** Ends every watch. */
  async close(): Promise<void> {
    clearInterval(this.#resend);
    clearTimeout(this.#batch);
    const all = [this.#upgrades, this.#nodes, ...this.#namespaces.values()];
    await Promise.all(all.map((one) => one.stop()));
  }

  #note(names: Iterable<string>): void {
    for (const name of names) {
      this.#changed.add(name);
    }
    this.#batch ??= setTimeout(() => {
      this.#batch = undefined;
      this.#flush();
    }, BATCH_MS);
  }

  #flush(): void {
    const changed = new Set(this.#changed);
    this.#changed.clear();
    this.#follow();
    this.#sendAbout();
    this.#record(changed);
    if (!this.#upgrades.status().synced) {
      return;
    }
    const isFirst = !this.#isListed;
    if (isFirst) {
      this.#isListed = true;
      this.#sendAll({ type: 'fleet', cards: this.#allCards() });
    }
    this.#sendCards(changed);
    for (const viewer of this.#viewers) {
      const [namespace = ''] = viewer.subject?.split('/') ?? [];
      if (
        viewer.subject !== undefined &&
        (isFirst || changed.has(viewer.subject) || changed.has(namespace))
      ) {
        this.#sendDetail(viewer);
      }
    }
  }

  #sendAbout(): void {
    const about = this.#about();
    const text = JSON.stringify(about);
    if (text !== this.#lastAbout) {
      this.#lastAbout = text;
      this.#sendAll({ type: 'about', about });
    }
  }

  #sendCards(changed: ReadonlySet<string>): void {
    const cards: Card[] = [];
    const gone: string[] = [];
    for (const key of changed) {
      const upgrade = this.#upgrades.get(key);
      const text = upgrade && JSON.stringify(cardOfAny(upgrade));
      if (text === this.#cards.get(key)) {
        continue;
      }
      if (upgrade && text !== undefined) {
        this.#cards.set(key, text);
        cards.push(cardOfAny(upgrade));
      } else {
        this.#cards.delete(key);
        gone.push(key);
      }
    }
    if (cards.length > 0 || gone.length > 0) {
      this.#sendAll({ type: 'cards', changed: cards, gone });
    }
  }

  #sendAll(message: Message): void {
    for (const { send } of this.#viewers) {
      send(message);
    }
  }

  #sendDetail({ subject, send }: Viewer): void {
    const upgrade = subject === undefined ? undefined : this.#upgrades.get(subject);
    if (subject === undefined) {
      return;
    }
    if (!upgrade) {
      send({ type: 'upgrade', key: subject });
      return;
    }
    try {
      send({ type: 'upgrade', key: subject, detail: this.#detailOf(subject, upgrade) });
    } catch (error) {
      send({ type: 'upgrade', key: subject, fault: unreadable(error) });
    }
  }

  #detailOf(key: string, upgrade: Upgrade): Detail {
    const scene = this.#sceneOf(upgrade);
    const now = this.#options.now();
    const recording = record(this.#recordings.get(key), scene, now);
    this.#recordings.set(key, recording);
    const notes = this.#namespaces.get(upgrade.metadata.namespace)?.notes.all() ?? [];
    const nodes = new Map(this.#nodes.entries());
    return detailOf({ scene, recording, notes, nodes, now });
  }

  /** Records what the API keeps only briefly, for every Upgrade whose namespace is watched. */
  #record(changed: ReadonlySet<string>): void {
    const now = this.#options.now();
    for (const [key, upgrade] of this.#upgrades.entries()) {
      const { namespace } = upgrade.metadata;
      const isNew = changed.has(namespace) || changed.has(key);
      if (
        isNew &&
        this.#namespaces.has(namespace) &&
        (isUnderWay(upgrade.status) || this.#recordings.has(key))
      ) {
        this.#recordOne(key, upgrade, now);
      }
    }
    for (const key of this.#recordings.keys()) {
      if (this.#upgrades.get(key) === undefined) {
        this.#recordings.delete(key);
      }
    }
  }

  #recordOne(key: string, upgrade: Upgrade, now: number): void {
    try {
      this.#recordings.set(key, record(this.#recordings.get(key), this.#sceneOf(upgrade), now));
    } catch {
      // The pages that show it are notified.
      this.#recordings.delete(key);
    }
  }

  #sceneOf(upgrade: Upgrade): Scene {
    const { kind, name } = upgrade.spec.targetRef;
    const { namespace } = upgrade.metadata;
    const watch = this.#namespaces.get(namespace);
    if (!watch) {
      return compose({ upgrade, missing: [] });
    }
    const [workloads, revisions] = [watch.workloads(kind), watch.revisions(kind)];
    const all = [workloads, revisions, watch.pods, watch.slices, watch.notes];
    return compose({
      upgrade,
      rawWorkload: workloads.get(keyOf(namespace, name)),
      pods: watch.pods.all(),
      revisions: revisions.all(),
      slices: watch.slices.all(),
      missing: all.map((one) => one.trouble()).filter((trouble) => trouble !== ''),
    });
  }

  #running(): string[] {
    return [...this.#upgrades.entries()]
      .filter(([, upgrade]) => isUnderWay(upgrade.status))
      .map(([key]) => key);
  }

  /** Watches the namespaces of the pages and of running attempts, and no others. */
  #follow(): void {
    const subjects = [...this.#viewers].flatMap(({ subject }) => subject ?? []);
    const wanted = new Set(
      [...subjects, ...this.#running()].map((key) => key.split('/')[0] ?? '').filter((name) => name !== ''),
    );
    const followed = [...wanted].slice(0, MAX_NAMESPACES);
    for (const namespace of followed) {
      if (!this.#namespaces.has(namespace)) {
        this.#namespaces.set(
          namespace,
          new NamespaceWatch(this.#cluster, namespace, () => this.#note([namespace])),
        );
      }
    }
    const idle = [...this.#namespaces.keys()].filter((namespace) => !wanted.has(namespace));
    // The most recent ones are kept, because a reloaded page requests the same.
    for (const namespace of idle.slice(0, Math.max(0, this.#namespaces.size - MAX_NAMESPACES))) {
      void this.#namespaces.get(namespace)?.stop();
      this.#namespaces.delete(namespace);
    }
  }

  #allCards(): Card[] {
    return [...this.#upgrades.entries()].map(([key, upgrade]) => {
      const card = cardOfAny(upgrade);
      this.#cards.set(key, JSON.stringify(card));
      return card;
    });
  }

  #about(): About {
    const { namespace, note } = this.#scope;
    const trouble = this.#upgrades.trouble();
    this.#updatedAt = trouble === '' ? this.#options.now() : this.#updatedAt;
    const notes = [
      note,
      trouble === '' ? undefined : `Last updated at ${clockTime(this.#updatedAt)}. ${trouble}`,
    ];
    return {
      server: this.#cluster.server,
      ...(namespace === undefined ? {} : { namespace }),
      version: this.#options.version,
      canAct: this.#options.canAct,
      synced: this.#upgrades.status().synced,
      notes: notes.filter((one) => one !== undefined),
    };
  }
}
