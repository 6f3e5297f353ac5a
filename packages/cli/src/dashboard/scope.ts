/** Finds out in which namespaces the caller may list Upgrades. */
import { RESOURCES } from '../../../../src/kube/client/paths.ts';
import type { Cluster } from '../cluster.ts';
import { Fault } from '../fault.ts';

/** Returns all namespaces, or the caller's own if the caller may not list all. */
export async function scopeOf(
  cluster: Cluster,
  wanted: string | undefined,
): Promise<{ namespace?: string; note?: string }> {
  const namespace = wanted ?? cluster.namespace;
  const refusal = wanted === undefined ? await refusalOf(cluster, undefined) : undefined;
  if (wanted === undefined && refusal === undefined) {
    return {};
  }
  const fault = await refusalOf(cluster, namespace);
  if (fault) {
    throw fault;
  }
  return {
    namespace,
    ...(refusal ? { note: `Only namespace ${namespace} is shown. ${refusal.message}` } : {}),
  };
}

/** Returns why Upgrades may not be listed there; throws any other failure. */
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
