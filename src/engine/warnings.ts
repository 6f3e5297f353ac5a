/** What the controllers of workloads have said in events, where it was asked for lately. */
import type { WarningView, WorkloadView } from '../api/views.ts';
import type { Ports } from './ports.ts';

/** An answer holds so long, a little less than until it is asked for again. */
const ANSWER_HOLDS_MS = 29_000;

interface Known {
  readonly warning: WarningView | 'None';
  /** Of the steady clock. */
  readonly until: number;
}

export class WarningCache {
  readonly #ports: Pick<Ports, 'clock' | 'reader'>;
  /** By UID of the workload, the oldest first. */
  readonly #known = new Map<string, Known>();

  constructor(ports: Pick<Ports, 'clock' | 'reader'>) {
    this.#ports = ports;
  }

  /** `undefined` when nobody has asked lately. */
  of(uid: string): WarningView | 'None' | undefined {
    const known = this.#known.get(uid);
    return known && this.#ports.clock.steady() < known.until ? known.warning : undefined;
  }

  async refresh(workload: WorkloadView): Promise<void> {
    const { clock, reader } = this.#ports;
    const warning = (await reader.failedCreate(workload)) ?? 'None';
    const now = clock.steady();
    for (const [uid, { until }] of this.#known) {
      if (now >= until) {
        this.#known.delete(uid);
      }
    }
    this.#known.set(workload.uid, { warning, until: now + ANSWER_HOLDS_MS });
  }
}
