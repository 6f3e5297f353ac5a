/** What is known of the gate policy: one answer for all Upgrades, asked for when an attempt is about to start. */
import type { GatePolicy, Ports } from './ports.ts';

/** An answer holds so long: the policy may be installed, or go, at any time. */
const ANSWER_HOLDS_MS = 10_000;

export class GatePolicyCache {
  readonly #ports: Pick<Ports, 'clock' | 'gateProbe'>;
  #known: { readonly policy: GatePolicy; readonly at: number } | undefined;
  #asking: Promise<GatePolicy> | undefined;

  constructor(ports: Pick<Ports, 'clock' | 'gateProbe'>) {
    this.#ports = ports;
  }

  /** `Unknown` when nobody has asked lately. */
  get policy(): GatePolicy {
    const { clock } = this.#ports;
    return this.#known && clock.steady() < this.#known.at + ANSWER_HOLDS_MS ? this.#known.policy : 'Unknown';
  }

  /** Asks the API server; all that ask at the same time get the same answer. */
  refresh(): Promise<GatePolicy> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<GatePolicy> {
    const { clock, gateProbe } = this.#ports;
    const policy = await gateProbe.gatePolicy();
    this.#known = { policy, at: clock.steady() };
    return policy;
  }
}
