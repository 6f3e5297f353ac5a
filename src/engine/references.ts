/** Builds the references to the objects that events regard. */
import { GROUP, VERSION } from '../api/names.ts';
import type { Upgrade } from '../api/types.ts';
import type { PodView, WorkloadView } from '../api/views.ts';
import type { ObjectReference } from './ports.ts';

export const upgradeReference = ({ metadata }: Upgrade): ObjectReference => ({
  apiVersion: `${GROUP}/${VERSION}`,
  kind: 'Upgrade',
  namespace: metadata.namespace,
  name: metadata.name,
  uid: metadata.uid,
});

export const workloadReference = ({ kind, namespace, name, uid }: WorkloadView): ObjectReference => ({
  apiVersion: 'apps/v1',
  kind,
  namespace,
  name,
  uid,
});

export const podReference = ({ namespace, name, uid }: PodView): ObjectReference => ({
  apiVersion: 'v1',
  kind: 'Pod',
  namespace,
  name,
  uid,
});
