import type { RevisionView } from '../api/views.ts';
import { templateDigest } from './digest.ts';
import { at, count, frozen, list, type Raw, record, text, time } from './raw.ts';

/** The owner reference with `controller: true`; empty strings when there is none. */
export function controllerOf(metadata: Raw): { kind: string; name: string; uid: string } {
  const owner = record(list(metadata.ownerReferences).find((entry) => record(entry).controller === true));
  return { kind: text(owner.kind), name: text(owner.name), uid: text(owner.uid) };
}

/** Reduces a ReplicaSet; without a controlling Deployment its `ownerUid` is empty and it is not kept. */
export function projectReplicaSet(raw: unknown): RevisionView {
  const metadata = record(record(raw).metadata);
  const owner = controllerOf(metadata);
  return frozen({
    kind: 'ReplicaSet',
    ...identity(metadata),
    ownerUid: owner.kind === 'Deployment' ? owner.uid : '',
    hash: text(at(metadata, 'labels', 'pod-template-hash')),
    templateDigest: templateDigest(at(raw, 'spec', 'template')),
    revision:
      Number.parseInt(text(at(metadata, 'annotations', 'deployment.kubernetes.io/revision')), 10) || 0,
    createdAt: time(metadata.creationTimestamp),
  });
}

/**
 * Reduces a ControllerRevision of a StatefulSet or DaemonSet. The two controllers label their pods differently:
 * a StatefulSet with the revision's whole name, a DaemonSet with the hash that is also the revision's own label.
 */
export function projectControllerRevision(raw: unknown): RevisionView {
  const object = record(raw);
  const metadata = record(object.metadata);
  const owner = controllerOf(metadata);
  const known = owner.kind === 'StatefulSet' || owner.kind === 'DaemonSet';
  return frozen({
    kind: 'ControllerRevision',
    ...identity(metadata),
    ownerUid: known ? owner.uid : '',
    hash:
      owner.kind === 'StatefulSet'
        ? text(metadata.name)
        : text(at(metadata, 'labels', 'controller-revision-hash')),
    templateDigest: templateDigest(at(object, 'data', 'spec', 'template')),
    revision: count(object.revision),
    createdAt: time(metadata.creationTimestamp),
  });
}

/** Revisions of workloads that an Upgrade can name. */
export function keepsRevision(revision: RevisionView): boolean {
  return revision.ownerUid !== '';
}

function identity(metadata: Raw): Pick<RevisionView, 'namespace' | 'name' | 'uid' | 'resourceVersion'> {
  return {
    namespace: text(metadata.namespace),
    name: text(metadata.name),
    uid: text(metadata.uid),
    resourceVersion: text(metadata.resourceVersion),
  };
}
