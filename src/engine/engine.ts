/** Wires store, queues, reconciler and gatekeeper. Caches are kept warm always; only the leader works. */
import { isClosed } from '../api/gate.ts';
import { Gatekeeper } from './gatekeeper.ts';
import type { Clock, Executor, GateProbe, Log, Prober, Reader, Telemetry, Watcher, Writer } from './ports.ts';
import { Queue } from './queue.ts';
import { Reconciler } from './reconciler.ts';
import { Store } from './store.ts';

export interface EngineOptions {
  readonly clock: Clock;
  readonly watcher: Watcher;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly executor: Executor;
  readonly prober: Prober;
  readonly gateProbe: GateProbe;
  readonly telemetry: Telemetry;
  readonly log: Log;
  readonly maxExecs: number;
  readonly maxExecsPerNode: number;
}

/** Upgrades under work at once. One takes a handful of short writes; the API server is the bound, not we. */
const WORKERS = 8;
/** Between two Upgrades that wait for the same target, when another one acts there now: thousands may wait, and each only has to name it. */
const WAITING_MS = 100;

export class Engine {
  readonly store = new Store();
  readonly #reconciler: Reconciler;
  readonly #upgrades: Queue;
  readonly #gates: Queue;
  #leading = false;

  constructor(options: EngineOptions) {
    const { clock, telemetry } = options;
    const quiet = { depth: () => {}, added: () => {}, retried: () => {}, waited: () => {}, worked: () => {} };
    this.#reconciler = new Reconciler({
      ...options,
      store: this.store,
      wake: (key, at) => (at === undefined ? this.#upgrades.add(key) : this.#upgrades.addAt(key, at)),
    });
    const gatekeeper = new Gatekeeper({
      ...options,
      store: this.store,
      wake: (uid, at) => this.#gates.addAt(uid, at),
    });
    this.#upgrades = new Queue({
      clock,
      workers: WORKERS,
      telemetry: telemetry.queue,
      work: (key) => this.#reconciler.reconcile(key),
    });
    this.#gates = new Queue({
      clock,
      workers: WORKERS,
      telemetry: quiet,
      work: (uid) => gatekeeper.look(uid),
    });
    this.store.watch(options.watcher, {
      upgradesChanged: (keys) => {
        for (const key of keys) {
          this.#upgrades.add(key);
        }
        this.#startWhenReady();
      },
      podChanged: (pod) => {
        const known = this.store.pods.get(pod.uid);
        if (!known) {
          this.#reconciler.memory.forget(pod);
        } else if (isClosed(known)) {
          this.#gates.add(pod.uid);
        }
      },
      gateReleased: ({ uid }) => this.#gates.add(uid),
      actingChanged: (waiting) => {
        waiting.forEach((key, index) => {
          this.#upgrades.addAt(key, clock.now() + (index + 1) * WAITING_MS);
        });
      },
    });
  }

  /** True when every kind has been listed once. */
  get synced(): boolean {
    return this.store.synced;
  }

  /** From here on this process may write. Waits for full caches by itself. */
  lead(): void {
    this.#leading = true;
    this.#startWhenReady();
  }

  /** Takes no new work; resolves when the writes under way have been answered. */
  async stop(): Promise<void> {
    this.#leading = false;
    this.#reconciler.stop();
    await Promise.all([this.#upgrades.stop(), this.#gates.stop()]);
  }

  #startWhenReady(): void {
    if (!this.#leading || !this.store.synced) {
      return;
    }
    this.#upgrades.start();
    this.#gates.start();
  }
}
