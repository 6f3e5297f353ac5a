/**
 * What Kubernetes says about a pod although a pod of any other version would meet it too, so that it is no evidence against the version: somebody did
 * not answer, or what the pod needs besides its image is missing or not allowed. An Upgrade changes images alone.
 */
import { TERMINAL_REASONS } from '../../api/reasons.ts';
import type { ContainerView } from '../../api/views.ts';
import { isPullUnexplained } from './pull-error.ts';

/** A server that is needed could not be reached, did not respond in time, or has too much to do; or the node has, or it has nothing left. */
const NOT_ANSWERED = [
  /deadline ?exceeded|timed out|i\/o timeout|time-?out (?:exceeded|while|waiting|awaiting)|TLS handshake/i,
  /connection (?:refused|reset)|no route to host|network is unreachable|unexpected EOF|server misbehaving/i,
  /too ?many ?requests|QPS exceeded|service unavailable|registry is unavailable|bad gateway|gateway time-?out|internal server error/i,
  /failed to reserve container name|name is reserved/,
  /no space left on device|too many open files|cannot allocate memory|resource temporarily unavailable/i,
];

/** The kubelet's own words for what a container's environment refers to. What it says of the image, as about its user, depends on the version. */
const NOT_CONFIGURED = [
  /^(?:secret|configmap)s? "[^"]*" (?:not found|is forbidden: )/,
  /^couldn't find key .* in (?:Secret|ConfigMap) /,
  /^object "[^"]*"\/"[^"]*" not registered|^failed to sync (?:secret|configmap) cache: /,
  /^services have not yet been read|^container's runAsUser breaks non-root policy/,
];

/**
 * What the API server says of its own accord about an object that it does not create. Before the name of the object are at most words of a
 * controller: webhooks and policies, which may quote anything, are named first.
 */
const NOT_CREATED =
  /^(?:Failed to create new replica set "[^"]*": )?[^"']*"[^"]*" is (?<how>forbidden|invalid): \[?(?<why>.*)/s;

/** Why plugins forbid it that do not look at images: those for quotas, limits, pod security, service accounts, priorities, runtimes, and the rest. */
const FORBIDDEN = [
  /^(?:exceeded quota|failed quota|status unknown for quota): |^insufficient quota to |^quota usage is negative /,
  /^(?:minimum|maximum) \S+ usage per |^\S+ max limit to request ratio per |^unable to create pods at this time /i,
  /^violates PodSecurity "|^unable to validate against any security context constraint: /,
  /^error looking up service account |^no service account specified |^no API token found for service account /,
  /^[^:]* is not allowed because service account /,
  /^no PriorityClass with name |^the (?:integer|string) value of /,
  /^pod rejected: |^conflict: runtimeClass\./,
  /^unable to create new content in namespace |^not yet ready to handle request|^admission control is denying all /,
  /^pod node label selector |^affinity\.PodAntiAffinity\.|^cannot set (?:an ownerRef|blockOwnerDeletion) /,
];

const isOneOf = (message: string, patterns: readonly RegExp[]): boolean =>
  patterns.some((pattern) => pattern.test(message));

/** Not valid may be an image, or whatever was added to the pod. */
function isNotCreated(message: string): boolean {
  const { how, why = '' } = NOT_CREATED.exec(message)?.groups ?? {};
  return how === 'invalid' ? !/\.image\b/.test(why) : isOneOf(why, FORBIDDEN);
}

/** Whether a controller could not create an object for a reason that has nothing to do with the version. */
export const isOfAnyVersion = (message: string): boolean =>
  isOneOf(message, NOT_ANSWERED) || isNotCreated(message);

/** The same of a container that cannot be started. */
const isNotStartedForAny = (message: string): boolean =>
  isOneOf(message, NOT_ANSWERED) || isOneOf(message, NOT_CONFIGURED);

/** Reasons of a container that its runtime could not start; its message is the runtime's, not the application's. */
const NOT_STARTED: readonly string[] = ['StartError', 'ContainerCannotRun'];

const isWaitingForAny = (container: ContainerView): boolean =>
  container.state === 'waiting' &&
  Object.hasOwn(TERMINAL_REASONS, container.reason) &&
  isNotStartedForAny(container.message);

/**
 * Whether the container does not run because of its registry, its node, or what its pod refers to, which say nothing about the image. That may be so
 * where nothing is known of why an image was not pulled, until the next try says it.
 */
export const isHeldByOthers = (container: ContainerView): boolean =>
  isWaitingForAny(container) ||
  isPullUnexplained(container) ||
  (container.ended !== undefined &&
    NOT_STARTED.includes(container.ended.reason) &&
    isNotStartedForAny(container.ended.message));
