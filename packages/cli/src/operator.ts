/** Finds the operator's pods by the labels of its chart. */

import { at, list, type Raw, record, text } from '../../../src/kube/client/json.ts';
import { RESOURCES } from '../../../src/kube/client/paths.ts';
import type { Cluster } from './cluster.ts';

export const OPERATOR_LABELS = 'app.kubernetes.io/name=postcheck,app.kubernetes.io/component=operator';

export interface OperatorPod {
  readonly namespace: string;
  readonly name: string;
  readonly raw: Raw;
}

/** Lists them in the given namespace, otherwise in all. */
export async function operatorPods(cluster: Cluster, namespace?: string): Promise<OperatorPod[]> {
  const pods = await cluster.list(RESOURCES.Pod, namespace, { labelSelector: OPERATOR_LABELS });
  return pods.map((raw) => {
    const metadata = record(raw.metadata);
    return { namespace: text(metadata.namespace), name: text(metadata.name), raw };
  });
}

/** Returns the image that a pod of the operator runs. */
export const imageOf = ({ raw }: OperatorPod): string =>
  text(record(list(at(raw, 'spec', 'containers'))[0]).image) || 'with an unknown image';
