/**
 * Work that holds up everything else in the process and cannot be divided, such as parsing a long request: one piece at a time, with rests that leave
 * most of the time to everything else. Clients take turns, and of each its namespaces, so that none waits for all that another one has sent. A client
 * may name any namespaces, but it cannot be another client.
 */
import { BUSY_SHARE, EXPENSIVE_MS, REST_MAX_MS } from './busy-share.ts';
import { FairKeys } from './fair-keys.ts';
import type { Clock } from './ports.ts';

export interface TurnsOptions {
  readonly clock: Pick<Clock, 'steady' | 'after'>;
  /** What has not had its turn after this time is not done: nobody would wait for its result. */
  readonly patienceMs: number;
}

/** Who wants work done, and for which namespace. */
export interface Origin {
  readonly client: string;
  readonly namespace: string;
}

export class Turns {
  readonly #options: TurnsOptions;
  /** By client, in the order of their turns. */
  readonly #waiting = new Map<string, FairKeys>();
  readonly #starts = new Map<string, () => void>();
  #count = 0;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #isScheduled = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Runs `work` in its turn. Resolves with nothing, without having run it, if that does not come in time, or if nobody waits for it any more. */
  take<T>({ client, namespace }: Origin, work: () => T, gone: AbortSignal): Promise<T | undefined> {
    if (gone.aborted) {
      return Promise.resolve(undefined);
    }
    const { clock, patienceMs } = this.#options;
    this.#count += 1;
    const key = `${namespace}/${this.#count}`;
    return new Promise<T | undefined>((resolve, reject) => {
      const leave = (): void => {
        this.#remove(client, key);
        this.#starts.delete(key);
        cancel();
        gone.removeEventListener('abort', giveUp);
      };
      const giveUp = (): void => {
        leave();
        resolve(undefined);
      };
      const cancel = clock.after(patienceMs, giveUp);
      gone.addEventListener('abort', giveUp);
      this.#starts.set(key, () => {
        leave();
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
      const keys = this.#waiting.get(client) ?? new FairKeys();
      this.#waiting.set(client, keys);
      keys.add(key, clock.steady());
      this.#schedule();
    });
  }

  #remove(client: string, key: string): void {
    const keys = this.#waiting.get(client);
    keys?.remove(key);
    if (keys?.size === 0) {
      this.#waiting.delete(client);
    }
  }

  /** Removes and returns the key whose turn it is; its client goes to the end. */
  #next(): string | undefined {
    for (const [client, keys] of this.#waiting) {
      const [key] = keys.next(() => true) ?? [];
      this.#waiting.delete(client);
      if (keys.size > 0) {
        this.#waiting.set(client, keys);
      }
      return key;
    }
    return undefined;
  }

  /** Also without a rest, sockets are read and timers fire before the next turn. */
  #schedule(): void {
    const { clock } = this.#options;
    if (this.#isScheduled || this.#waiting.size === 0) {
      return;
    }
    this.#isScheduled = true;
    clock.after(Math.max(0, this.#restsUntil - clock.steady()), () => {
      this.#isScheduled = false;
      this.#runNext();
      this.#schedule();
    });
  }

  #runNext(): void {
    const { clock } = this.#options;
    const key = this.#next();
    const startedAt = clock.steady();
    this.#starts.get(key ?? '')?.();
    const busyMs = clock.steady() - startedAt;
    if (busyMs >= EXPENSIVE_MS) {
      this.#restsUntil = startedAt + Math.min(busyMs * BUSY_SHARE, busyMs + REST_MAX_MS);
    }
  }
}
