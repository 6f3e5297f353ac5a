/** What the status of a container shows without a probe: that it is stuck, or restarts too often. */
import { own } from '../../api/own.ts';
import { kubernetesReason, TERMINAL_REASONS } from '../../api/reasons.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import { isUpgraded } from '../images.ts';
import { earliest } from '../time.ts';
import { isHeldByOthers } from './any-version.ts';
import type { VerificationContext } from './context.ts';
import type { Finding } from './pod-result.ts';
import { waitingCause } from './readiness.ts';
import { podDeadline } from './schedule.ts';

/** Reasons of one family alternate while the kubelet backs off; their time must not start again with each change. */
export const waitingFamily = (reason: string): string =>
  reason === 'ImagePullBackOff' ? 'ErrImagePull' : reason;

/** How long a container may be in a waiting reason that does not resolve by itself; `undefined` for any other reason. */
const terminalAfterSeconds = (reason: string): number | undefined =>
  own<{ afterSeconds: number }>(TERMINAL_REASONS, reason)?.afterSeconds;

/** Whether the container waits for a reason that may never resolve by itself. One that a container of any version would meet has the pod's whole time. */
export const isStuck = (container: ContainerView): boolean =>
  container.state === 'waiting' &&
  terminalAfterSeconds(container.reason) !== undefined &&
  !isHeldByOthers(container);

/** Whether what the containers do by themselves may count against the version; whether it does, is decided with everything else. */
export const mayCountAgainst = ({ containers }: PodView): boolean =>
  containers.some((container) => isStuck(container) || (container.restarts > 0 && !container.ready));

/**
 * Fails a pod with a stuck container, once its time is over or the pod's deadline has passed. That a container cannot be started which the Upgrade
 * does not change, or which others inject, says nothing about the version.
 */
export function terminal(pod: PodView, context: VerificationContext, now: number): Finding | undefined {
  const stuck = pod.containers.filter(isStuck).filter(({ name }) => isUpgraded(context.spec, name));
  const ends: number[] = [];
  for (const container of stuck) {
    const since = context.waitingSince.get(`${pod.uid}/${container.name}`)?.since ?? now;
    const allowedSeconds = terminalAfterSeconds(waitingFamily(container.reason)) ?? 0;
    const at = Math.min(since + allowedSeconds * 1000, Math.max(since, podDeadline(pod, context)));
    if (now >= at) {
      return { state: 'Failed', cause: waitingCause(container) };
    }
    ends.push(at);
  }
  const [first] = stuck;
  return first && { state: 'Waiting', cause: waitingCause(first), lookAt: earliest(ends) };
}

/**
 * Fails a pod with too many restarts. Only restarts of upgraded containers since the start of this verification count: not those for a resize
 * in place, nor one after the node had lost the container or could not start it, nor one that a restart rule in the pod requests.
 */
export function restarts(pod: PodView, context: VerificationContext): Finding | undefined {
  const { maxRestarts } = context.spec.postCheck.readiness;
  const counted = pod.containers
    .filter(({ name }) => isUpgraded(context.spec, name))
    .map((container) => ({ container, count: countedRestarts(pod, container, context) }))
    .filter(({ count }) => count > maxRestarts);
  const worst = counted.sort((a, b) => b.count - a.count)[0];
  if (!worst) {
    return undefined;
  }
  const { name, exitCode, ended } = worst.container;
  return {
    state: 'Failed',
    cause: {
      reason: 'TooManyRestarts',
      container: name,
      restarts: worst.count,
      limit: maxRestarts,
      exitCode,
      ended: ended?.reason ? kubernetesReason(ended.reason) : undefined,
    },
  };
}

/** The node had lost the container, or a restart rule of another container in the pod requested a restart of all (KEP-5532). */
const RESTARTED_BY_KUBELET = ['Unknown', 'ContainerStatusUnknown', 'RestartingAllContainers'];

function countedRestarts(pod: PodView, container: ContainerView, context: VerificationContext): number {
  const { ended, restartsToResize, name } = container;
  if (ended && (ended.byRule || RESTARTED_BY_KUBELET.includes(ended.reason) || isHeldByOthers(container))) {
    return 0;
  }
  const resizes = restartsToResize ? pod.specChanges : 0;
  return container.restarts - context.restartsBefore(pod, name) - resizes;
}
