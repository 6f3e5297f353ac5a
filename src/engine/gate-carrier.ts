/** Caches what adds the gate to new pods: one answer for all Upgrades, read when an attempt is about to start. */
import type { GateAnswer, Ports } from './ports.ts';

/** Policy and webhook may be installed or removed at any time. */
const CACHE_TTL_MS = 10_000;

export class GateCarrierCache {
  readonly #ports: Pick<Ports, 'clock' | 'gateProbe'>;
  #cached: { readonly answer: GateAnswer; readonly at: number } | undefined;
  #reading: Promise<GateAnswer> | undefined;

  constructor(ports: Pick<Ports, 'clock' | 'gateProbe'>) {
    this.#ports = ports;
  }

  /** What gates the pods of a namespace; `Unknown` if it was not read recently. */
  carrierIn(namespace: string): GateAnswer['carrier'] {
    const { clock } = this.#ports;
    if (!this.#cached || clock.steady() >= this.#cached.at + CACHE_TTL_MS) {
      return 'Unknown';
    }
    const { carrier, except } = this.#cached.answer;
    return except?.includes(namespace) ? 'None' : carrier;
  }

  /** Reads it from the API server; concurrent calls share one read. */
  refresh(): Promise<GateAnswer> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<GateAnswer> {
    const { clock, gateProbe } = this.#ports;
    const answer = await gateProbe.carrier();
    this.#cached = { answer, at: clock.steady() };
    return answer;
  }
}
