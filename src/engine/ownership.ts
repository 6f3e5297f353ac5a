/**
 * Resolves owners like client-go's `resolveControllerRef`: a dependent belongs to an owner in its own namespace, by kind, name and UID.
 * A UID is not a secret: with the UID alone, anybody who may create a pod in one namespace could make it count in another.
 */
import type { OwnerView } from '../api/views.ts';

interface Identity extends OwnerView {
  readonly namespace: string;
}

/** The key by which an object's dependents are indexed. Names contain no slash, so no forged reference can equal another object's key. */
export const identityKey = ({ namespace, kind, name, uid }: Identity): string =>
  `${namespace}/${kind}/${name}/${uid}`;

/** The key of a dependent's owner, which can only be in the dependent's own namespace. */
export const ownerKey = ({ namespace, owner }: { namespace: string; owner: OwnerView }): string =>
  identityKey({ namespace, ...owner });
