/** Decodes a ReplicaSet or ControllerRevision. */
import type { RevisionView } from '../../api/views.ts';
import { at, count, frozen, type Raw, record, text, time } from '../client/json.ts';
import { templateDigest } from './digest.ts';
import { controllerOf } from './owner.ts';

const OWNERS: Readonly<Record<RevisionView['kind'], readonly string[]>> = {
  ReplicaSet: ['Deployment'],
  ControllerRevision: ['StatefulSet', 'DaemonSet'],
};

/** Reduces a ReplicaSet; one without a controlling Deployment is not cached. */
export function decodeReplicaSet(raw: unknown): RevisionView {
  const metadata = record(record(raw).metadata);
  return frozen({
    kind: 'ReplicaSet',
    ...identity(metadata),
    owner: controllerOf(metadata),
    hash: text(at(metadata, 'labels', 'pod-template-hash')),
    templateDigest: templateDigest(at(raw, 'spec', 'template')),
    revision:
      Number.parseInt(text(at(metadata, 'annotations', 'deployment.kubernetes.io/revision')), 10) || 0,
    createdAt: time(metadata.creationTimestamp),
  });
}

/** Controllers label their pods differently: a StatefulSet with the whole name of the revision, a DaemonSet with the revision's label. */
const LABELLED_BY_NAME: readonly string[] = ['StatefulSet'];

const hashOf = (ownerKind: string, metadata: Raw): string =>
  LABELLED_BY_NAME.includes(ownerKind)
    ? text(metadata.name)
    : text(at(metadata, 'labels', 'controller-revision-hash'));

/** Reduces a ControllerRevision of a StatefulSet or DaemonSet. */
export function decodeControllerRevision(raw: unknown): RevisionView {
  const object = record(raw);
  const metadata = record(object.metadata);
  const owner = controllerOf(metadata);
  return frozen({
    kind: 'ControllerRevision',
    ...identity(metadata),
    owner,
    hash: hashOf(owner.kind, metadata),
    templateDigest: templateDigest(at(object, 'data', 'spec', 'template')),
    revision: count(object.revision),
    createdAt: time(metadata.creationTimestamp),
  });
}

/** Whether the revision belongs to a workload that an Upgrade can target, and that is read. */
export function keepsRevision({ kind, owner, templateDigest: digest }: RevisionView): boolean {
  return OWNERS[kind].includes(owner.kind) && digest !== '';
}

function identity(metadata: Raw): Pick<RevisionView, 'namespace' | 'name' | 'uid' | 'resourceVersion'> {
  return {
    namespace: text(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    resourceVersion: text(metadata.resourceVersion),
  };
}
