/** Finds the operator's pods: by the label of its chart, which anybody can give to a pod, and by their account, which only administrators bind. */

import { at, list, type Raw, record, text } from '../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../src/kube/client/paths.ts';
import type { Cluster } from './cluster.ts';
import { Fault } from './fault.ts';

export const OPERATOR_LABEL = 'postcheck.dev/operator=true';

export interface OperatorPod {
  readonly namespace: string;
  readonly name: string;
  readonly raw: Raw;
}

const ROLE_BINDINGS = { root: '/apis/rbac.authorization.k8s.io/v1', plural: 'clusterrolebindings' };

/** Lists them in the given namespace, otherwise in all. Throws a Fault if pods of others could be among them. */
export async function operatorPods(cluster: Cluster, namespace?: string): Promise<OperatorPod[]> {
  const listed = await cluster.list(RESOURCES.Pod, namespace, { labelSelector: OPERATOR_LABEL });
  const pods = listed.map((raw) => {
    const metadata = record(raw.metadata);
    return { namespace: text(metadata.namespace), name: text(metadata.name), raw };
  });
  if (namespace !== undefined || pods.length === 0) {
    return pods;
  }
  const accounts = await boundAccounts(cluster);
  if (accounts.size > 0) {
    return pods.filter((pod) =>
      accounts.has(`${pod.namespace}/${text(at(pod.raw, 'spec', 'serviceAccountName'))}`),
    );
  }
  const namespaces = [...new Set(pods.map((pod) => pod.namespace))];
  if (namespaces.length > 1) {
    throw new Fault(
      `pods in namespaces ${namespaces.join(', ')} have the label of the operator, and you cannot list its ClusterRoleBindings, which tell whose they are`,
    );
  }
  return pods;
}

/** The accounts that the chart's ClusterRoleBindings name; empty if there are none, or they cannot be listed. */
async function boundAccounts(cluster: Cluster): Promise<ReadonlySet<string>> {
  const bindings = await cluster
    .list(ROLE_BINDINGS, undefined, { labelSelector: OPERATOR_LABEL })
    .catch(() => []);
  const subjects = bindings.flatMap((binding) => list(binding.subjects)).map(record);
  return new Set(subjects.map(({ namespace, name }) => `${text(namespace)}/${text(name)}`));
}

/** Returns the image that a pod of the operator runs. */
export const imageOf = ({ raw }: OperatorPod): string =>
  text(record(list(at(raw, 'spec', 'containers'))[0]).image) || 'with an unknown image';
