/** Finds GitOps controllers that manage an Upgrade, because they revert a change. */
import { at, list, type Raw, record, text } from '../../../src/kube/client/json.ts';

/** Field managers that apply what is in Git. */
const FROM_GIT = /argocd|argo-cd|kustomize-controller|helm-controller|flux|fleet|config-sync|rancher/i;

/** Returns the GitOps controller that owns this field of the spec (`f:containers`, `f:paused`), if there is one. */
export function gitOwner(raw: Raw, field: string): string | undefined {
  const owners = list(at(raw, 'metadata', 'managedFields'))
    .map(record)
    .filter((entry) => at(entry.fieldsV1, 'f:spec', field) !== undefined)
    .map((entry) => text(entry.manager));
  return owners.find((manager) => FROM_GIT.test(manager));
}
