/** Decodes an Upgrade. */
import { UNSEEN } from '../../api/names.ts';
import type { Upgrade } from '../../api/types.ts';
import type { NodeView } from '../../api/views.ts';
import { at, frozen, list, record, text } from '../client/json.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const KEPT_METADATA = [
  'namespace',
  'name',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'finalizers',
];

/**
 * Keeps identity, spec, status and annotations (which carry the commands) of an Upgrade, without managedFields and kubectl's copy of the whole
 * object. The server has validated it against the CRD.
 */
export function decodeUpgrade(raw: unknown): Upgrade {
  const { metadata, spec, status } = record(raw);
  const { [LAST_APPLIED]: _copy, ...annotations } = record(record(metadata).annotations);
  const kept = Object.fromEntries(
    Object.entries(record(metadata)).filter(([key]) => KEPT_METADATA.includes(key)),
  );
  return frozen({
    metadata: { ...kept, annotations },
    spec,
    ...(isUnseen(status) ? {} : { status }),
  }) as unknown as Upgrade;
}

/** Whether this is the default status that the API server sets: we have never written one. */
const isUnseen = (status: unknown): boolean =>
  status === undefined || record(status).observedGeneration === UNSEEN;

/** Reduces a node to name, readiness, labels and kernel. */
export function decodeNode(raw: unknown): NodeView {
  const { metadata, status } = record(raw);
  const kernel = text(at(status, 'nodeInfo', 'kernelVersion'));
  const ready = list(record(status).conditions).find((entry) => record(entry).type === 'Ready');
  return frozen({
    name: text(record(metadata).name),
    resourceVersion: text(record(metadata).resourceVersion),
    ready: record(ready).status === 'True',
    labels: Object.fromEntries(
      Object.entries(record(record(metadata).labels)).map(([name, value]) => [name, text(value)]),
    ),
    ...(kernel ? { kernel } : {}),
  });
}
