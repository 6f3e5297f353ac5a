/** Virtual time: a heap of timers and one seeded generator. Nothing here ever waits; a day of a quiet cluster costs nothing. */
import type { Clock } from '../../src/engine/ports.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
}

const before = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Lets every promise that can settle now settle. */
export const drain = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class VirtualClock implements Clock {
  #now: number;
  #state: number;
  #order = 0;
  readonly #heap: Timer[] = [];

  constructor(startMs: number, seed: number) {
    this.#now = startMs;
    this.#state = seed >>> 0;
  }

  now(): number {
    return this.#now;
  }

  steady(): number {
    return this.#now;
  }

  /** mulberry32 */
  random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  after(delayMs: number, run: () => void): () => void {
    if (!Number.isFinite(delayMs)) {
      throw new Error(`a timer of ${delayMs} ms`);
    }
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    this.#push(timer);
    return () => {
      timer.run = undefined;
    };
  }

  /** Runs everything that is due until `until`, each timer followed by all promises it settles and by `afterEach`. */
  async runUntil(until: number, afterEach: () => void): Promise<void> {
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop();
      if (!next.run) {
        continue;
      }
      this.#now = next.at;
      next.run();
      await drain();
      afterEach();
    }
    this.#now = until;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(timer, heap[parent] as Timer)) {
        break;
      }
      heap[at] = heap[parent] as Timer;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) {
      return;
    }
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) {
        break;
      }
      if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) {
        child++;
      }
      if (!before(heap[child] as Timer, last)) {
        break;
      }
      heap[at] = heap[child] as Timer;
      at = child;
    }
    heap[at] = last;
  }
}
