/** Connects to the API server of a test as the operator does. */
import { type Cluster, connect } from '../../src/kube/cluster.ts';
import type { ApiServer } from './api-server.ts';

/** Watches all namespaces by default. */
export const connectTo = (
  { kubeconfig }: Pick<ApiServer, 'kubeconfig'>,
  namespaces: readonly string[] = [],
): Promise<Cluster> =>
  connect({ kubeconfig, namespaces, identity: 'postcheck-test', gatePolicyName: 'postcheck-gate' });
