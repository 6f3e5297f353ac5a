/** What Kubernetes says about a pod although a pod of any other version would meet it too, so that it is no evidence against the version. */
import { TERMINAL_REASONS } from '../../api/reasons.ts';
import type { ContainerView } from '../../api/views.ts';

/** Somebody who had to be asked could not be reached, did not respond in time, or has too much to do; or the node has. */
const NOT_ANSWERED = [
  /deadline ?exceeded|timed out|i\/o timeout|time-?out (?:exceeded|while|waiting|awaiting)|TLS handshake/i,
  /connection (?:refused|reset)|no route to host|network is unreachable|unexpected EOF|server misbehaving/i,
  /too ?many ?requests|QPS exceeded|service unavailable|bad gateway|gateway time-?out|internal server error/i,
  /failed to reserve container name|name is reserved/,
];

export const isOfAnyVersion = (message: string): boolean =>
  NOT_ANSWERED.some((pattern) => pattern.test(message));

/** Reasons of a container that its runtime could not start; its message is the runtime's, not the application's. */
const NOT_STARTED: readonly string[] = ['StartError', 'ContainerCannotRun'];

/** Whether the container does not run because of its registry or its node, which say nothing about the image. */
export const isHeldByOthers = ({ state, reason, message, ended }: ContainerView): boolean =>
  (state === 'waiting' && Object.hasOwn(TERMINAL_REASONS, reason) && isOfAnyVersion(message)) ||
  (ended !== undefined && NOT_STARTED.includes(ended.reason) && isOfAnyVersion(ended.message));
