/** Compares the installed CRD with the operator's own. */
import { GROUP, SCHEMA_ANNOTATION } from '../api/names.ts';
import { own } from '../api/own.ts';
import { record, text } from './client/json.ts';
import type { Resource } from './client/paths.ts';
import type { Requests } from './client/request.ts';

const DEFINITIONS: Resource = { root: '/apis/apiextensions.k8s.io/v1', plural: 'customresourcedefinitions' };
const NAME = `upgrades.${GROUP}`;
const FIX =
  'run `helm upgrade` with crd.create=true, or `kubectl apply --server-side -f crds/` of this version';

/**
 * Returns a message if the installed CRD is not the one that this operator was built with, whose schema has the digest `wanted`: the API server
 * silently drops fields that it does not know. Returns nothing if the CRD matches or cannot be read. Never rejects.
 */
export async function crdMismatch(requests: Requests, wanted: string): Promise<string | undefined> {
  const target = { resource: DEFINITIONS, name: NAME };
  const answer = await requests.send({ method: 'GET', target, retries: 3 });
  if (!answer.ok) {
    return answer.failure.kind === 'notFound'
      ? `CustomResourceDefinition ${NAME} is not installed: ${FIX}`
      : undefined;
  }
  const annotations = record(record(record(answer.body).metadata).annotations);
  const installed = text(own(annotations, SCHEMA_ANNOTATION)) || 'unknown';
  return installed === wanted
    ? undefined
    : `CustomResourceDefinition ${NAME} has the schema ${installed}, and this operator was built for ${wanted}: fields of Upgrades may be lost; ${FIX}`;
}
