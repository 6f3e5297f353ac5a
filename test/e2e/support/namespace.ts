/** Creates and removes the namespace of a test. */
import type { Api } from './api.ts';
import { waitFor } from './wait.ts';

/** Requests the deletion of the namespace; its pods end by themselves. */
export async function removeNamespace(api: Api, namespace: string): Promise<void> {
  await api.remove(`/api/v1/namespaces/${namespace}`).catch(() => {});
}

/** Creates the namespace after that of an earlier run is gone, and waits until pods can be created in it. */
export async function createFreshNamespace(api: Api, namespace: string): Promise<void> {
  await removeNamespace(api, namespace);
  const find = () => api.find(`/api/v1/namespaces/${namespace}`);
  await waitFor('the namespace of an earlier run to go', find, (found) => found === undefined, {
    timeoutSeconds: 240,
    everyMs: 2000,
  });
  await api.create('/api/v1/namespaces', { metadata: { name: namespace } });
  await waitFor(
    'the service account',
    () => api.find(`/api/v1/namespaces/${namespace}/serviceaccounts/default`),
    (found) => found !== undefined,
  );
}
