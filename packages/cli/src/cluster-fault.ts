/** Turns failures of requests into sentences that say what to do. */
import { printableLine } from '../../../src/api/printable.ts';
import type { RequestFailure } from '../../../src/engine/ports.ts';
import { pathOf, RESOURCES, type Target } from '../../../src/kube/client/paths.ts';
import { Conflict, Fault, Unreachable } from './fault.ts';

/** Returns a Fault for a failed request, which says what to do. */
export function requestFault(server: string, failure: RequestFailure, status: number, target: Target): Fault {
  const message = withoutLongValues(failure.message.replace(/^[A-Z]+ [^:]*: /, ''));
  if (status === 0 && failure.kind === 'invalid') {
    return new Fault(`${invalidName(target)} is not a valid name in Kubernetes`);
  }
  if (status === 0) {
    return new Unreachable(`cannot reach the API server ${server}: ${trustText(message) ?? message}`);
  }
  if (status === 401) {
    return new Fault(`the API server ${server} does not accept these credentials (401): log in again`);
  }
  if (failure.kind === 'forbidden') {
    return new Fault(forbidden(message));
  }
  if (failure.kind === 'notFound' && isMissingKind(message)) {
    return new Fault(missingKind(target));
  }
  if (failure.kind === 'notFound' && target.namespace !== undefined && /not found$/.test(message)) {
    return new Fault(`${message} in namespace ${target.namespace}`);
  }
  switch (failure.kind) {
    case 'conflict':
      return new Conflict(message);
    case 'throttled':
    case 'unavailable':
      return new Unreachable(message);
    default:
      return new Fault(message);
  }
}

/** What Node and OpenSSL say of a certificate is advice for whoever runs Node. */
const UNTRUSTED =
  /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT/;

const trustText = (message: string): string | undefined =>
  UNTRUSTED.test(message)
    ? 'no authority is known that has signed its certificate: set certificate-authority-data of the cluster in the kubeconfig, or --certificate-authority'
    : undefined;

/** The API server quotes a rejected object as a whole, before it says what is wrong with it. */
const withoutLongValues = (message: string): string => message.replace(/"(?:[^"\\]|\\.){200,}"/gs, '"…"');

/** Returns why the configuration cannot be used. */
export function unreadable(error: unknown, plugin: string | undefined): string {
  const { code, path, message } = error as NodeJS.ErrnoException;
  const reason = message.trim();
  if (plugin !== undefined) {
    return code === 'ENOENT'
      ? `the kubeconfig logs in with ${plugin}, which was not found: install it, or add it to your PATH`
      : `the kubeconfig logs in with ${plugin}, which failed: ${printableLine(reason) || 'it printed nothing'}`;
  }
  return code === 'ENOENT' && path ? `cannot read ${path}: no such file` : reason;
}

/** Returns the part of the target that is not a valid name. */
const invalidName = ({ namespace, name }: Target): string =>
  JSON.stringify(
    [namespace, name].find(
      (part) => part !== undefined && pathOf({ resource: RESOURCES.Pod, name: part }) === undefined,
    ) ?? namespace,
  );

const isMissingKind = (message: string): boolean =>
  /could not find the requested resource|page not found|^HTTP 404/.test(message);

function missingKind({ resource }: Target): string {
  return resource.plural === 'upgrades'
    ? 'this cluster has no Upgrades: the CRD upgrades.postcheck.dev is not installed; `kubectl postcheck check --pre` shows what an installation needs'
    : `this cluster does not serve ${resource.plural} in ${resource.root.replace(/^\/apis?\//, '')}`;
}

const FORBIDDEN =
  /User "(?<user>.+?)" cannot (?<verb>\w+) resource "(?<resource>[^"]+)" in API group "(?<group>[^"]*)"(?: in the namespace "(?<namespace>[^"]+)")?/;

/** Rewrites the API server's message about a missing permission; returns it unchanged if it has another form. */
export function forbidden(message: string): string {
  const groups = FORBIDDEN.exec(message)?.groups;
  if (!groups) {
    return `forbidden: ${message}`;
  }
  const { user, verb, resource, group, namespace } = groups;
  const what = group ? `${resource}.${group}` : resource;
  const where = namespace ? `in namespace ${namespace}` : 'in the whole cluster';
  return `forbidden: ${user} cannot ${verb} ${what} ${where}; you need the verb ${verb} on ${what}`;
}
