import type { GatePolicy, GateProbe } from '../engine/ports.ts';
import { GATE_BINDINGS } from './client/paths.ts';
import type { Requests } from './client/request.ts';

/** Looks for the admission policy binding that puts the gate on new pods. */
export class ClusterGateProbe implements GateProbe {
  readonly #requests: Requests;
  readonly #bindingName: string;

  constructor(requests: Requests, bindingName: string) {
    this.#requests = requests;
    this.#bindingName = bindingName;
  }

  async gatePolicy(): Promise<GatePolicy> {
    for (const resource of GATE_BINDINGS) {
      const target = { resource, name: this.#bindingName };
      const answer = await this.#requests.send({ method: 'GET', target, retries: 2 });
      if (answer.ok) {
        return 'Available';
      }
      if (answer.failure.kind !== 'notFound' && answer.failure.kind !== 'forbidden') {
        return 'Unknown';
      }
    }
    return 'Unavailable';
  }
}
