/**
 * Why an image could not be pulled. Between two tries a kubelet of Kubernetes 1.31 or older says that it waits, but no longer why (kubernetes#127918,
 * Shopify/krane#124), and nodes may be three versions behind their API server.
 */
import { cutMiddle } from '../../api/cut.ts';
import type { ContainerView, PodView } from '../../api/views.ts';

/** The kubelet's whole message. */
const WITHOUT_ERROR = /^Back-off pulling image "[^"]*"$/;
/** The kubelet's reasons for a pull that failed just now. */
const PULL_FAILED: readonly string[] = ['ErrImagePull', 'RegistryUnavailable', 'SignatureValidationFailed'];
const LONGEST_MESSAGE = 512;

/** Whether the container waits for the next try, and nothing is known about the last one. */
export const isPullUnexplained = ({ state, reason, message }: ContainerView): boolean =>
  state === 'waiting' && reason === 'ImagePullBackOff' && WITHOUT_ERROR.test(message);

/** The pod with the error of the last try, as later kubelets repeat it. */
export function withPullErrors(now: PodView, before: PodView | undefined): PodView {
  if (before?.uid !== now.uid || !now.containers.some(isPullUnexplained)) {
    return now;
  }
  const known = new Map(before.containers.map((container) => [container.name, container]));
  const containers = now.containers.map((container) => {
    const earlier = known.get(container.name);
    return isPullUnexplained(container) && earlier ? explained(container, earlier) : container;
  });
  return Object.freeze({ ...now, containers: Object.freeze(containers) });
}

function explained(now: ContainerView, { image, reason, message }: ContainerView): ContainerView {
  if (image !== now.image || message === '') {
    return now;
  }
  if (reason === now.reason) {
    return Object.freeze({ ...now, message });
  }
  return PULL_FAILED.includes(reason)
    ? Object.freeze({ ...now, message: cutMiddle(`${now.message}: ${reason}: ${message}`, LONGEST_MESSAGE) })
    : now;
}
