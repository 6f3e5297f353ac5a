/**
 * Who belongs to whom, as client-go's `resolveControllerRef` has it: a dependent is found in its owner's namespace alone, by kind, name and UID.
 * A UID is no secret: by itself it would let anybody who may create a pod in one namespace make it count in another.
 */
import type { OwnerView } from '../api/views.ts';

interface Identity extends OwnerView {
  readonly namespace: string;
}

/** What the dependents of an object are found by. Names of real objects hold no slash, so no forged reference can read like another's key. */
export const identityKey = ({ namespace, kind, name, uid }: Identity): string =>
  `${namespace}/${kind}/${name}/${uid}`;

/** The key of a dependent's owner, which can only be in the dependent's own namespace. */
export const ownerKey = ({ namespace, owner }: { namespace: string; owner: OwnerView }): string =>
  identityKey({ namespace, ...owner });
