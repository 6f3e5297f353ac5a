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
 * Keeps of an Upgrade what is its own: identity, spec, status and annotations (they carry the verbs).
 * managedFields and kubectl's copy of the whole object go. The server has validated the rest against the CRD.
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

/** Of an Upgrade that we have never written to: the API server's default is no word of ours. */
const isUnseen = (status: unknown): boolean =>
  status === undefined || record(status).observedGeneration === UNSEEN;

/** Name and readiness of a node. */
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
