/** What is known of the gate's carrier: one answer for all Upgrades, asked for when an attempt is about to start. */
import type { GateAnswer, Ports } from './ports.ts';

/** An answer holds so long: policy and webhook may be installed, or go, at any time. */
const ANSWER_HOLDS_MS = 10_000;

export class GateCarrierCache {
  readonly #ports: Pick<Ports, 'clock' | 'gateProbe'>;
  #known: { readonly answer: GateAnswer; readonly at: number } | undefined;
  #asking: Promise<GateAnswer> | undefined;

  constructor(ports: Pick<Ports, 'clock' | 'gateProbe'>) {
    this.#ports = ports;
  }

  /** What gates pods of a namespace; `Unknown` when nobody has asked lately. */
  in(namespace: string): GateAnswer['carrier'] {
    const { clock } = this.#ports;
    if (!this.#known || clock.steady() >= this.#known.at + ANSWER_HOLDS_MS) {
      return 'Unknown';
    }
    const { carrier, except } = this.#known.answer;
    return except?.includes(namespace) ? 'None' : carrier;
  }

  /** Asks the API server; all that ask at the same time get the same answer. */
  refresh(): Promise<GateAnswer> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<GateAnswer> {
    const { clock, gateProbe } = this.#ports;
    const answer = await gateProbe.carrier();
    this.#known = { answer, at: clock.steady() };
    return answer;
  }
}
