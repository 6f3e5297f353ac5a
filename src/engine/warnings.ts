/** Caches the newest warning event of workloads whose pods cannot be created, and of pods that do not start. */
import type { PodView, WorkloadView } from '../api/views.ts';
import type { EventsSeen } from '../core/snapshot.ts';
import type { Ports } from './ports.ts';

/** An entry that is not refreshed is no longer needed. */
const CACHE_TTL_MS = 90_000;

export class WarningCache {
  readonly #ports: Pick<Ports, 'clock' | 'reader'>;
  /** By UID, the oldest first; with times of the monotonic clock. */
  readonly #known = new Map<string, EventsSeen>();

  constructor(ports: Pick<Ports, 'clock' | 'reader'>) {
    this.#ports = ports;
  }

  /** `undefined` if it was not refreshed recently. */
  of(uid: string): EventsSeen | undefined {
    const { clock } = this.#ports;
    const known = this.#known.get(uid);
    const age = known && clock.steady() - known.at;
    return age === undefined || age >= CACHE_TTL_MS
      ? undefined
      : { at: clock.now() - age, warning: known?.warning };
  }

  async refresh(about: WorkloadView | PodView): Promise<void> {
    const { clock, reader } = this.#ports;
    const warning = await ('kind' in about ? reader.failedCreate(about) : reader.failedStart(about));
    const now = clock.steady();
    this.#known.delete(about.uid);
    for (const [uid, { at }] of this.#known) {
      if (now < at + CACHE_TTL_MS) {
        break;
      }
      this.#known.delete(uid);
    }
    this.#known.set(about.uid, { warning, at: now });
  }
}
