/** Decodes an Upgrade. */
import { cut } from '../../api/cut.ts';
import { UNSEEN } from '../../api/names.ts';
import type { Upgrade } from '../../api/types.ts';
import { ANNOTATIONS } from '../../api/verbs.ts';
import type { NodeView, TaintView } from '../../api/views.ts';
import { at, frozen, list, type Raw, record, text } from '../client/json.ts';

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
 * Keeps identity, spec, status and the commands of an Upgrade, without managedFields. The server has validated spec and status against the CRD;
 * annotations may have 256 KiB.
 */
export function decodeUpgrade(raw: unknown): Upgrade {
  const { metadata, spec, status } = record(raw);
  const kept = Object.fromEntries(
    Object.entries(record(metadata)).filter(([key]) => KEPT_METADATA.includes(key)),
  );
  return frozen({
    metadata: { ...kept, annotations: keptAnnotations(record(record(metadata).annotations)) },
    spec,
    ...(isUnseen(status) ? {} : { status }),
  }) as unknown as Upgrade;
}

const COMMANDS = new Set(Object.values(ANNOTATIONS));
/** Tokens are compared by fewer characters than this. */
const LONGEST_TOKEN = 512;
/** Of other annotations only names are kept, a few, because one of them may be a misspelt command. */
const LONGEST_NAME = 64;
const MOST_NAMES = 64;

function keptAnnotations(annotations: Raw): Record<string, string> {
  const all = Object.entries(annotations);
  const others = all.filter(([name]) => !COMMANDS.has(name) && name.length <= LONGEST_NAME);
  const tokens = all.filter(([name]) => COMMANDS.has(name));
  return Object.fromEntries([
    ...others.slice(0, MOST_NAMES).map(([name]) => [name, '']),
    ...tokens.map(([name, token]) => [name, cut(text(token), LONGEST_TOKEN)]),
  ]);
}

/** Whether this is the default status that the API server sets: we have never written one. */
const isUnseen = (status: unknown): boolean =>
  status === undefined || record(status).observedGeneration === UNSEEN;

/** More than any node has. */
const MOST_TAINTS = 64;

/** The taints that keep pods away. */
function taintsOf(spec: unknown): TaintView[] {
  return list(record(spec).taints)
    .map(record)
    .filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
    .slice(0, MOST_TAINTS)
    .map(({ key, value, effect }) => ({ key: text(key), value: text(value), effect: text(effect) }));
}

/** Reduces a node to name, readiness, labels, kernel and taints. */
export function decodeNode(raw: unknown): NodeView {
  const { metadata, spec, status } = record(raw);
  const taints = taintsOf(spec);
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
    ...(taints.length > 0 ? { taints } : {}),
  });
}
