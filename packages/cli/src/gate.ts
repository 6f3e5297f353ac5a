/** What puts the gate on new pods in this cluster, as far as the caller may see. */
import { GATE_POLICY } from '../../../src/api/names.ts';
import type { GateAnswer } from '../../../src/engine/ports.ts';
import { GATE_BINDINGS, RESOURCES } from '../../../src/kube/client/paths.ts';
import { webhookAnswer } from '../../../src/kube/gate-probe.ts';
import type { Cluster } from './cluster.ts';

/** `Unknown` when the caller may not look, and nothing was found elsewhere. */
export async function gateCarrier(cluster: Cluster): Promise<GateAnswer['carrier']> {
  let mayLook = true;
  for (const resource of [...GATE_BINDINGS, RESOURCES.MutatingWebhookConfiguration]) {
    const answer = await cluster.try({ method: 'GET', target: { resource, name: GATE_POLICY } });
    if (answer.ok) {
      return resource === RESOURCES.MutatingWebhookConfiguration
        ? webhookAnswer(answer.body).carrier
        : 'Policy';
    }
    mayLook &&= answer.failure.kind === 'notFound';
  }
  return mayLook ? 'None' : 'Unknown';
}
