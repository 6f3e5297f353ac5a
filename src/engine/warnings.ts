/** What events say of workloads whose pods cannot be made, and of pods that are not started, where it was asked for lately. */
import type { PodView, WorkloadView } from '../api/views.ts';
import type { EventsSeen } from '../core/snapshot.ts';
import type { Ports } from './ports.ts';

/** An answer is forgotten when it is not asked for again: then nobody is interested in it any more. */
const FORGOTTEN_AFTER_MS = 90_000;

export class WarningCache {
  readonly #ports: Pick<Ports, 'clock' | 'reader'>;
  /** By UID, the oldest first; with times of the steady clock. */
  readonly #known = new Map<string, EventsSeen>();

  constructor(ports: Pick<Ports, 'clock' | 'reader'>) {
    this.#ports = ports;
  }

  /** `undefined` when nobody has asked lately. */
  of(uid: string): EventsSeen | undefined {
    const { clock } = this.#ports;
    const known = this.#known.get(uid);
    const age = known && clock.steady() - known.at;
    return age === undefined || age >= FORGOTTEN_AFTER_MS
      ? undefined
      : { at: clock.now() - age, warning: known?.warning };
  }

  async refresh(about: WorkloadView | PodView): Promise<void> {
    const { clock, reader } = this.#ports;
    const warning = await ('kind' in about ? reader.failedCreate(about) : reader.failedStart(about));
    const now = clock.steady();
    this.#known.delete(about.uid);
    for (const [uid, { at }] of this.#known) {
      if (now < at + FORGOTTEN_AFTER_MS) {
        break;
      }
      this.#known.delete(uid);
    }
    this.#known.set(about.uid, { warning, at: now });
  }
}
