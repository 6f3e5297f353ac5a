/**
 * Limits concurrent tasks, overall and for each node, and distributes the slots fairly: namespaces take turns, and within a namespace its Upgrades.
 * A namespace with at least half of the slots gets no further one while another waits, and never one of the last quarter: a slot is free for the
 * next namespace, however long the tasks of the others take.
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
      this.#slots.release(claimant.namespace);
      this.#slotsOf(claimant.node).release(claimant.namespace);
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
      const { namespace, node } = next;
      this.#slots.take(namespace);
      this.#slotsOf(node).take(namespace);
      this.#dequeue(namespace, node)?.();
    }
  }

  /** Returns the next namespace that may start a task, and a node that has a slot for it. */
  #next(): { namespace: string; node: string } | undefined {
    for (const [namespace, nodes] of this.#waiting) {
      const node = this.#mayStart(namespace) ? this.#freeNode(namespace, nodes) : undefined;
      if (node !== undefined) {
        return { namespace, node };
      }
    }
    return undefined;
  }

  #mayStart(namespace: string): boolean {
    return (
      this.#slots.admits(namespace) && !(this.#slots.isHalfOf(namespace) && this.#othersCanStart(namespace))
    );
  }

  #othersCanStart(namespace: string): boolean {
    for (const [other, nodes] of this.#waiting) {
      if (other !== namespace && this.#freeNode(other, nodes) !== undefined) {
        return true;
      }
    }
    return false;
  }

  #freeNode(namespace: string, nodes: Waiting): string | undefined {
    for (const node of nodes.keys()) {
      if (this.#nodes.get(node)?.admits(namespace) ?? true) {
        return node;
      }
    }
    return undefined;
  }

  /** Removes and returns the next task, and moves its namespace, node and Upgrade to the end of their turns. */
  #dequeue(namespace: string, node: string): Start | undefined {
    const nodes = this.#waiting.get(namespace);
    const upgrades = nodes?.get(node);
    const [upgrade, starts] = upgrades?.entries().next().value ?? [];
    if (!nodes || !upgrades || upgrade === undefined || !starts) {
      return undefined;
    }
    const start = starts.shift();
    moveToEnd(upgrades, upgrade, starts.length > 0 ? starts : undefined);
    moveToEnd(nodes, node, upgrades.size > 0 ? upgrades : undefined);
    moveToEnd(this.#waiting, namespace, nodes.size > 0 ? nodes : undefined);
    return start;
  }
}

/** A pool of slots, and how many of them each namespace holds. */
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

  take(namespace: string): void {
    this.#inUse++;
    this.#held.set(namespace, (this.#held.get(namespace) ?? 0) + 1);
  }

  release(namespace: string): void {
    this.#inUse--;
    const left = (this.#held.get(namespace) ?? 1) - 1;
    if (left > 0) {
      this.#held.set(namespace, left);
    } else {
      this.#held.delete(namespace);
    }
  }

  /** Whether a slot is free for the namespace: the last quarter is for namespaces that hold less than half. */
  admits(namespace: string): boolean {
    const free = this.#size - this.#inUse;
    return free > (this.isHalfOf(namespace) ? Math.floor(this.#size / 4) : 0);
  }

  isHalfOf(namespace: string): boolean {
    return (this.#held.get(namespace) ?? 0) >= this.#size / 2;
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
