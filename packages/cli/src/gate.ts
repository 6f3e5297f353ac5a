/** Finds what adds the gate to new pods in this cluster, as far as the caller may read it. */
import { GATE_POLICY } from '../../../src/api/names.ts';
import type { GateAnswer } from '../../../src/engine/ports.ts';
import { GATE_BINDINGS, RESOURCES } from '../../../src/kube/client/paths.ts';
import { webhookAnswer } from '../../../src/kube/gate-probe.ts';
import type { Cluster } from './cluster.ts';

/** Returns `Unknown` if nothing was found and the caller may not read everything. */
export async function gateCarrier(cluster: Cluster): Promise<GateAnswer['carrier']> {
  let mayRead = true;
  for (const resource of [...GATE_BINDINGS, RESOURCES.MutatingWebhookConfiguration]) {
    const answer = await cluster.try({ method: 'GET', target: { resource, name: GATE_POLICY } });
    if (answer.ok) {
      return resource === RESOURCES.MutatingWebhookConfiguration
        ? webhookAnswer(answer.body).carrier
        : 'Policy';
    }
    mayRead &&= answer.failure.kind === 'notFound';
  }
  return mayRead ? 'None' : 'Unknown';
}
