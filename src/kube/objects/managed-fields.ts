/** Reads `metadata.managedFields`. */
import { FIELD_MANAGER } from '../../api/names.ts';
import { at, list, record, text, time } from '../client/json.ts';

const IMAGE_LISTS = ['f:containers', 'f:initContainers'] as const;

/** Returns the positions of our own entries in `metadata.managedFields`, the last one first, so that removing one does not move the others. */
export function ownEntries(managedFields: unknown): number[] {
  return list(managedFields)
    .flatMap((entry, index) => (record(entry).manager === FIELD_MANAGER ? [index] : []))
    .reverse();
}

/** Whether any entry is ours. */
export function managesFields(managedFields: unknown): boolean {
  return ownEntries(managedFields).length > 0;
}

/** Returns the manager that owns the image of each container of the pod template, by container name; the newest if there are several. */
export function imageManagers(managedFields: unknown): Record<string, string> {
  const owners = new Map<string, string>();
  for (const entry of [...list(managedFields)].sort((a, b) => time(record(a).time) - time(record(b).time))) {
    const podSpec = record(at(entry, 'fieldsV1', 'f:spec', 'f:template', 'f:spec'));
    for (const field of IMAGE_LISTS) {
      for (const name of ownedContainers(podSpec[field], 'f:image')) {
        owners.set(name, text(record(entry).manager));
      }
    }
  }
  return Object.fromEntries(owners);
}

/** Whether an entry that is not ours owns the partition of a StatefulSet. */
export const othersSetPartition = (managedFields: unknown): boolean =>
  list(managedFields).some(
    (entry) =>
      record(entry).manager !== FIELD_MANAGER &&
      at(entry, 'fieldsV1', 'f:spec', 'f:updateStrategy', 'f:rollingUpdate', 'f:partition') !== undefined,
  );

/**
 * Returns the containers of a pod whose image is still owned by the pod's creator. An image that admission changed also belongs to the creator, and a
 * resize or another change of the pod does not change the owner; setting another image does, and setting the first one again does not revert it.
 * Times are whole seconds, so the owner of the container's name is the creator, and not another client in the same second.
 */
export function imagesSetAtCreation(managedFields: unknown, createdAt: number): ReadonlySet<string> {
  const names = list(managedFields)
    .filter((entry) => {
      const { operation, subresource, time: set } = record(entry);
      return operation === 'Update' && subresource === undefined && time(set) > 0 && time(set) <= createdAt;
    })
    .flatMap((entry) => {
      const spec = record(at(entry, 'fieldsV1', 'f:spec'));
      return IMAGE_LISTS.flatMap((field) => ownedContainers(spec[field], 'f:image', 'f:name'));
    });
  return new Set(names);
}

/** Returns the names of the containers of which all these fields are owned. */
function ownedContainers(containers: unknown, ...fields: readonly string[]): string[] {
  return Object.entries(record(containers)).flatMap(([key, owned]) => {
    const name = fields.every((field) => record(owned)[field] !== undefined) ? containerName(key) : '';
    return name === '' ? [] : [name];
  });
}

/** The list key of a container is `k:{"name":"web"}`. */
function containerName(key: string): string {
  if (!key.startsWith('k:')) {
    return '';
  }
  try {
    return text(record(JSON.parse(key.slice(2))).name);
  } catch {
    return '';
  }
}
