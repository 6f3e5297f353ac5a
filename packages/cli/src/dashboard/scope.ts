/** Finds out in which namespaces the caller may list Upgrades. */
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import type { Cluster } from '../cluster.ts';
import { Fault } from '../fault.ts';

/** All namespaces; the caller's own where a list of all is refused. */
export async function scopeOf(
  cluster: Cluster,
  wanted: string | undefined,
): Promise<{ namespace?: string; note?: string }> {
  const namespace = wanted ?? cluster.namespace;
  const refusal = wanted === undefined ? await refusalOf(cluster, undefined) : undefined;
  if (wanted === undefined && refusal === undefined) {
    return {};
  }
  const own = await refusalOf(cluster, namespace);
  if (own) {
    throw own;
  }
  return {
    namespace,
    ...(refusal ? { note: `Only namespace ${namespace} is shown. ${refusal.message}` } : {}),
  };
}

/** Why Upgrades may not be listed there; any other trouble is thrown. */
async function refusalOf(cluster: Cluster, namespace: string | undefined): Promise<Fault | undefined> {
  const target = { resource: RESOURCES.Upgrade, ...(namespace === undefined ? {} : { namespace }) };
  const answer = await cluster.try({ method: 'GET', target, query: { limit: '1' }, retries: 1 });
  if (answer.ok) {
    return undefined;
  }
  const fault = cluster.fault(answer.failure, answer.status, target);
  if (answer.failure.kind !== 'forbidden') {
    throw fault;
  }
  return new Fault(fault.message);
}
