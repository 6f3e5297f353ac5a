/** Connects store, queues and controllers. Every replica keeps its caches up to date; only the leader reconciles. */
import { isClosed } from '../api/gate.ts';
import type { NewPod, PodPatch, PodView } from '../api/views.ts';
import { gatePatch, targetOfNewPod } from '../core/gate.ts';
import { begins, saysQueued } from '../core/status.ts';
import { fairReader, fairWriter } from './fair-requests.ts';
import { OrphanGateController } from './orphan-gate-controller.ts';
import { pacedLog } from './paced-log.ts';
import type { Ports } from './ports.ts';
import { Queue } from './queue.ts';
import { Reconciler } from './reconciler.ts';
import { type Listener, Store } from './store.ts';

export interface EngineOptions extends Ports {
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
}

/** Concurrent reconciles. Each makes a handful of short writes, so the API server is the limit. */
const WORKERS = 8;
/** Further ones for Upgrades with evidence against their version: where thousands roll out, a fallback does not wait for their writes. */
const FALLBACK_WORKERS = 16;
/** Delay between the reconciles of Upgrades that wait for the same target: there may be thousands, and only a name in their status changes. */
const WAITING_INTERVAL_MS = 100;
const NO_TELEMETRY = {
  depth: () => {},
  added: () => {},
  retried: () => {},
  waited: () => {},
  worked: () => {},
};

export class Engine {
  readonly store: Store;
  readonly #reconciler: Reconciler;
  readonly #gateController: OrphanGateController;
  readonly #upgrades: Queue;
  readonly #gates: Queue;
  #state: 'standby' | 'syncing' | 'working' | 'stopped' = 'standby';

  constructor(ports: EngineOptions) {
    const options = {
      ...ports,
      writer: fairWriter(ports.writer),
      reader: fairReader(ports.reader),
      log: pacedLog(ports.log, ports.clock),
    };
    const { clock, telemetry, watcher } = options;
    const store = new Store(() => clock.now());
    this.store = store;
    this.#reconciler = new Reconciler({
      ...options,
      store,
      queued: () => this.#upgrades.beginning,
      cycleEnded: (key, { delayMs, priority }) =>
        priority ? this.#upgrades.add(key, true) : this.#upgrades.addAfter(key, delayMs),
    });
    this.#gateController = new OrphanGateController({ ...options, store });
    this.#upgrades = new Queue({
      clock,
      workers: WORKERS,
      reservedWorkers: FALLBACK_WORKERS,
      begins: (key) => {
        const upgrade = store.upgrades.get(key);
        return upgrade !== undefined && begins(upgrade);
      },
      announces: (key) => saysQueued(store.upgrades.get(key)?.status, this.#upgrades.beginning),
      telemetry: telemetry.queue,
      work: (key) => this.#reconciler.reconcile(key),
    });
    this.#gates = new Queue({
      clock,
      workers: WORKERS,
      reservedWorkers: 0,
      begins: () => false,
      announces: () => false,
      telemetry: NO_TELEMETRY,
      work: (key) => this.#gateController.reconcile(key.slice(key.indexOf('/') + 1)),
    });
    store.watch(watcher, this.#listener());
  }

  /** Whether every kind has been listed once. */
  get synced(): boolean {
    return this.store.synced;
  }

  /**
   * Returns the patch for a pod that is about to be created; `undefined` before the caches have synced. Every replica answers from its caches,
   * whether or not it is the leader.
   */
  admit(pod: NewPod): PodPatch | undefined {
    const target = targetOfNewPod(pod);
    return this.synced ? gatePatch(pod, target ? this.store.gatingOn(target) : []) : undefined;
  }

  /** This process has become the leader and may write. Reconciles start when the caches have synced. */
  lead(): void {
    this.#state = 'syncing';
    this.#startWhenSynced();
  }

  /** Starts no further reconcile; resolves when those in progress are done. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    this.#reconciler.stop();
    await Promise.all([this.#upgrades.stop(), this.#gates.stop()]);
  }

  #listener(): Listener {
    return {
      upgradesChanged: (keys, priority) => {
        for (const key of this.#isWorking ? keys : []) {
          this.#upgrades.add(key, priority);
        }
        this.#startWhenSynced();
      },
      actingChanged: (waiting) => {
        for (const [index, key] of (this.#isWorking ? waiting : []).entries()) {
          this.#upgrades.addAfter(key, (index + 1) * WAITING_INTERVAL_MS);
        }
      },
      podChanged: (pod) => {
        this.#reconciler.local.observePod(pod);
        this.#enqueueGate(pod);
      },
      podGone: (pod) => {
        this.#reconciler.forgetPod(pod);
        this.#gateController.forgetPod(pod.uid);
      },
      nodeChanged: (node) => this.#reconciler.local.observeNode(node),
      nodeGone: ({ name }) => this.#reconciler.local.forgetNode(name),
      gateReleased: (pod) => this.#enqueueGate(pod),
    };
  }

  get #isWorking(): boolean {
    return this.#state === 'working';
  }

  #enqueueGate(pod: PodView): void {
    if (this.#isWorking && isClosed(pod)) {
      // With its namespace, so that those of other namespaces have their turn.
      this.#gates.add(`${pod.namespace}/${pod.uid}`);
    }
  }

  /** A standby enqueues nothing, so a new leader enqueues everything once. */
  #startWhenSynced(): void {
    if (this.#state !== 'syncing' || !this.store.synced) {
      return;
    }
    this.#state = 'working';
    for (const { metadata } of this.store.upgrades.all()) {
      this.#upgrades.add(`${metadata.namespace}/${metadata.name}`);
    }
    for (const pod of this.store.pods.all()) {
      this.#enqueueGate(pod);
    }
    this.#upgrades.start();
    this.#gates.start();
  }
}
