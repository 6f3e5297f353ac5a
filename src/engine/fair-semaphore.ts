/**
 * Limits concurrent tasks, overall and for each node, and distributes the slots fairly: namespaces take turns, and within a namespace its Upgrades.
 * A namespace with at least half of the slots gets no further one while another waits. However long tasks take, a slot is free for the next one:
 * an Upgrade with at least half of the slots never gets one of the last quarter, and a namespace never one of the last eighth.
 */

/** The Upgrade that a task runs for, and the node that it runs on. */
export interface Claimant {
  readonly namespace: string;
  readonly upgrade: string;
  readonly node: string;
}

type Start = () => void;
/** A map in the order of turns: an entry that was served moves to the end. */
type Turns<T> = Map<string, T>;
/** Waiting tasks of one namespace: by node, by Upgrade, first come first served. */
type Waiting = Turns<Turns<Start[]>>;

export class FairSemaphore {
  readonly #slots: Slots;
  readonly #perNode: number;
  readonly #nodes = new Map<string, Slots>();
  readonly #waiting: Turns<Waiting> = new Map();

  constructor(overall: number, perNode: number) {
    this.#slots = new Slots(overall);
    this.#perNode = perNode;
  }

  get inUse(): number {
    return this.#slots.inUse;
  }

  /** Runs `task` as soon as a slot is free, and returns its result. */
  async run<T>(claimant: Claimant, task: () => Promise<T>): Promise<T> {
    await new Promise<void>((start) => {
      this.#enqueue(claimant, start);
      this.#startNext();
    });
    try {
      return await task();
    } finally {
      this.#slots.release(claimant);
      this.#slotsOf(claimant.node).release(claimant);
      if (this.#slotsOf(claimant.node).inUse === 0) {
        this.#nodes.delete(claimant.node);
      }
      this.#startNext();
    }
  }

  #slotsOf(node: string): Slots {
    const known = this.#nodes.get(node) ?? new Slots(this.#perNode);
    this.#nodes.set(node, known);
    return known;
  }

  #enqueue({ namespace, upgrade, node }: Claimant, start: Start): void {
    const nodes = getOrAdd(this.#waiting, namespace, () => new Map());
    const upgrades = getOrAdd(nodes, node, () => new Map());
    getOrAdd(upgrades, upgrade, (): Start[] => []).push(start);
  }

  #startNext(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      this.#slots.take(next);
      this.#slotsOf(next.node).take(next);
      this.#dequeue(next)?.();
    }
  }

  /** Returns whose task may start next. */
  #next(): Claimant | undefined {
    for (const namespace of this.#waiting.keys()) {
      const next = this.#slots.admits(namespace) ? this.#firstOf(namespace, [this.#slots]) : undefined;
      if (next && !(this.#slots.isHalfOf(namespace) && this.#othersCanStart(namespace))) {
        return next;
      }
    }
    return undefined;
  }

  #othersCanStart(namespace: string): boolean {
    const canStart = (other: string): boolean =>
      other !== namespace && this.#firstOf(other, []) !== undefined;
    return this.#waiting.keys().find(canStart) !== undefined;
  }

  /** The first one in the order of turns that its node and the other pools admit. Few Upgrades are not admitted where their namespace is. */
  #firstOf(namespace: string, pools: readonly Slots[]): Claimant | undefined {
    for (const [node, upgrades] of this.#waiting.get(namespace) ?? []) {
      const own = this.#nodes.get(node);
      const all = own ? [...pools, own] : pools;
      const upgrade = all.every((pool) => pool.admits(namespace))
        ? upgrades.keys().find((one) => all.every((pool) => pool.admits(namespace, one)))
        : undefined;
      if (upgrade !== undefined) {
        return { namespace, node, upgrade };
      }
    }
    return undefined;
  }

  /** Removes and returns the next task, and moves its namespace, node and Upgrade to the end of their turns. */
  #dequeue({ namespace, node, upgrade }: Claimant): Start | undefined {
    const nodes = this.#waiting.get(namespace);
    const upgrades = nodes?.get(node);
    const starts = upgrades?.get(upgrade);
    if (!nodes || !upgrades || !starts) {
      return undefined;
    }
    const start = starts.shift();
    moveToEnd(upgrades, upgrade, starts.length > 0 ? starts : undefined);
    moveToEnd(nodes, node, upgrades.size > 0 ? upgrades : undefined);
    moveToEnd(this.#waiting, namespace, nodes.size > 0 ? nodes : undefined);
    return start;
  }
}

const holdersOf = ({ namespace, upgrade }: Claimant): string[] => [namespace, holderOf(namespace, upgrade)];
const holderOf = (namespace: string, upgrade: string): string => `${namespace}/${upgrade}`;

/** A pool of slots, and how many of them each namespace and each Upgrade holds. */
class Slots {
  readonly #size: number;
  readonly #held = new Map<string, number>();
  #inUse = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get inUse(): number {
    return this.#inUse;
  }

  take(claimant: Claimant): void {
    this.#inUse++;
    for (const holder of holdersOf(claimant)) {
      this.#held.set(holder, (this.#held.get(holder) ?? 0) + 1);
    }
  }

  release(claimant: Claimant): void {
    this.#inUse--;
    for (const holder of holdersOf(claimant)) {
      const left = (this.#held.get(holder) ?? 1) - 1;
      if (left > 0) {
        this.#held.set(holder, left);
      } else {
        this.#held.delete(holder);
      }
    }
  }

  /** Whether a slot is free for the namespace, or for one of its Upgrades: the last ones are for those that hold less than half. */
  admits(namespace: string, upgrade?: string): boolean {
    const quarter = Math.floor(this.#size / 4);
    const eighth = Math.min(quarter, Math.ceil(this.#size / 8));
    const reserved = this.isHalfOf(namespace) ? eighth : 0;
    const isLarge = upgrade !== undefined && this.isHalfOf(holderOf(namespace, upgrade));
    return this.#size - this.#inUse > (isLarge ? quarter : reserved);
  }

  isHalfOf(holder: string): boolean {
    return (this.#held.get(holder) ?? 0) >= this.#size / 2;
  }
}

function getOrAdd<V>(map: Map<string, V>, key: string, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** Moves an entry to the end, or removes it if there is no value. */
function moveToEnd<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  map.delete(key);
  if (value !== undefined) {
    map.set(key, value);
  }
}
