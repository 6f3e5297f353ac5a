/** An AdmissionReview: the API server's request about a pod that is being created, and the response. */
import { own } from '../../api/own.ts';
import type { NewPod, PodPatch } from '../../api/views.ts';
import type { WebhookOutcome } from '../../engine/telemetry-ports.ts';
import { at, list, record, text } from '../client/json.ts';

const REVIEW = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' } as const;

/** Longer than any pod that etcd accepts. */
export const LONGEST_REVIEW_BYTES = 2 * 1024 * 1024;

/** The API server writes the namespace before the object; a client may choose the name before it, but no quotes in that. */
const HEAD_BYTES = 4096;
const NAMESPACE = /"namespace":"([^"\\]{1,63})"/;

/** Returns the namespace of a review that is not parsed yet, empty if it is not found. Good enough to take turns, and for nothing else. */
export const namespaceAhead = (body: Buffer): string =>
  NAMESPACE.exec(body.toString('latin1', 0, HEAD_BYTES))?.[1] ?? '';

/** The response to a review whose turn did not come in time. */
export const BUSY: ReviewResponse = {
  outcome: 'busy',
  status: 503,
  body: 'too many long reviews at once\n',
};

interface ReviewRequest {
  readonly uid: string;
  readonly pod: NewPod;
}

interface ReviewResponse {
  readonly outcome: WebhookOutcome;
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Responds to one review. `admit` returns the patch, or nothing if that is not known yet. No response rejects a pod: any error is reported as an
 * HTTP status, which `failurePolicy: Ignore` ignores.
 */
export function answerReview(body: string, admit: (pod: NewPod) => PodPatch | undefined): ReviewResponse {
  const request = readReview(body);
  if (typeof request === 'string') {
    return { outcome: 'invalid', status: 400, body: `${request}\n` };
  }
  const patch = admit(request.pod);
  return patch === undefined
    ? { outcome: 'not_ready', status: 503, body: 'the caches are not filled yet\n' }
    : {
        outcome: patch.length === 0 ? 'ungated' : 'gated',
        status: 200,
        body: JSON.stringify(reviewed(request.uid, patch)),
        headers: { 'Content-Type': 'application/json' },
      };
}

function reviewed(uid: string, patch: PodPatch): object {
  const changes =
    patch.length === 0
      ? {}
      : { patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(patch)).toString('base64') };
  return { ...REVIEW, response: { uid, allowed: true, ...changes } };
}

/** Returns the request, or what is wrong with it. */
export function readReview(body: string): ReviewRequest | string {
  let review: unknown;
  try {
    review = JSON.parse(body);
  } catch {
    return 'the body is not JSON';
  }
  const { apiVersion, kind } = record(review);
  if (apiVersion !== REVIEW.apiVersion || kind !== REVIEW.kind) {
    return `the body is not an AdmissionReview of ${REVIEW.apiVersion}`;
  }
  const request = record(record(review).request);
  const uid = text(request.uid);
  if (uid === '' || uid.length > 128) {
    return 'request.uid is missing';
  }
  return isPodCreation(request)
    ? { uid, pod: newPod(request.object, text(request.namespace)) }
    : 'the request is not the creation of a v1 Pod in a namespace';
}

const isPodCreation = (request: Readonly<Record<string, unknown>>): boolean =>
  request.operation === 'CREATE' &&
  text(request.namespace) !== '' &&
  text(request.subResource) === '' &&
  at(request, 'kind', 'group') === '' &&
  at(request, 'kind', 'version') === 'v1' &&
  at(request, 'kind', 'kind') === 'Pod' &&
  at(request, 'object', 'kind') === 'Pod';

/** The namespace is that of the request, because the object may have none. */
function newPod(object: unknown, namespace: string): NewPod {
  const metadata = record(record(object).metadata);
  const spec = record(record(object).spec);
  const [controller] = list(metadata.ownerReferences)
    .map(record)
    .filter((owner) => owner.controller === true);
  return {
    namespace,
    owner: controller && {
      apiVersion: text(controller.apiVersion),
      kind: text(controller.kind),
      name: text(controller.name),
    },
    templateHash: text(own(record(metadata.labels), 'pod-template-hash')),
    containers: [...list(spec.containers), ...list(spec.initContainers)].map((container) => ({
      name: text(record(container).name),
      image: text(record(container).image),
    })),
    gates: list(spec.readinessGates).map((gate) => text(record(gate).conditionType)),
  };
}
