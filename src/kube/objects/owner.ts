/** Reads the controlling owner of an object. */
import type { OwnerView } from '../../api/views.ts';
import { list, type Raw, record, text } from '../client/json.ts';

const NONE: OwnerView = { kind: '', name: '', uid: '' };

/** The longest name of an object, and far longer than a UID. A reference is not validated: it may be as long as etcd stores an object. */
const LONGEST = 253;

/**
 * Returns the owner reference that controls an object; one with empty strings if there is none, if there are several, if its kind is not in the
 * group `apps`, or if no object has such a long name: anybody who can create an object can write any reference into it.
 */
export function controllerOf(metadata: Raw): OwnerView {
  const controllers = list(metadata.ownerReferences)
    .map(record)
    .filter(({ controller }) => controller === true);
  const [owner] = controllers;
  if (!owner || controllers.length > 1 || groupOf(text(owner.apiVersion)) !== 'apps') {
    return NONE;
  }
  const view = { kind: text(owner.kind), name: text(owner.name), uid: text(owner.uid) };
  return Object.values(view).every(({ length }) => length <= LONGEST) ? view : NONE;
}

/** `apps` of `apps/v1`; empty for the core group's `v1`. */
function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}
