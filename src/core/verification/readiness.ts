/** Whether a pod is ready, apart from our own gate, and if not, why. */
import { cut } from '../../api/cut.ts';
import { VERIFIED } from '../../api/names.ts';
import { own } from '../../api/own.ts';
import { kubernetesReason, TERMINAL_REASONS } from '../../api/reasons.ts';
import type { UpgradeSpec } from '../../api/types.ts';
import type { ContainerView, PodView } from '../../api/views.ts';
import type { Cause } from '../cause.ts';
import { isUpgraded } from '../images.ts';
import { toIso } from '../time.ts';
import { isHeldByOthers } from './any-version.ts';

/** The maximum length of foreign text. */
const DETAIL_MAX = 512;

export const detailOf = (text: string | undefined): string | undefined =>
  text ? cut(text, DETAIL_MAX) : undefined;

export interface Readiness {
  readonly ready: boolean;
  /** When the pod will have been ready for long enough, if it stays ready. */
  readonly dueAt?: number;
  /** Why it is not ready. */
  readonly cause?: Cause;
  /** Since when; absent where nobody has said that. */
  readonly since?: number;
}

/** Is the pod ready, apart from our own gate, for `minReadySeconds`? Condition times are whole seconds, so a wait is rounded up. */
export function readinessOf(pod: PodView, minReadySeconds: number, now: number): Readiness {
  const types = ['ContainersReady', ...pod.gates.filter((type) => type !== VERIFIED)];
  let heldSince = 0;
  for (const type of types) {
    const condition = own(pod.conditions, type);
    if (condition?.status !== 'True') {
      return { ready: false, cause: whyNotReady(pod, type), since: condition?.since };
    }
    heldSince = Math.max(heldSince, condition.since);
  }
  // These times come from the node's clock: if it is ahead of ours, it must not cause a wait where none is required.
  const dueAt = minReadySeconds > 0 ? heldSince + (minReadySeconds + 1) * 1000 : now;
  return now >= dueAt
    ? { ready: true }
    : {
        ready: false,
        dueAt,
        cause: { reason: 'MinReadySeconds', seconds: minReadySeconds },
      };
}

/** The first cause, not its consequences: scheduling, then the first init container that has not ended, sidecars, containers, the condition. */
function whyNotReady(pod: PodView, type: string): Cause {
  const scheduled = pod.conditions['PodScheduled'];
  if (scheduled?.status === 'False') {
    return {
      reason: scheduled.reason ? kubernetesReason(scheduled.reason) : 'Unschedulable',
      detail: cut(scheduled.message, DETAIL_MAX),
    };
  }
  const held = firstHeld(pod);
  if (held) {
    return notRunning(held);
  }
  const unready = pod.containers.find(({ ready, role }) => !ready && role !== 'init');
  if (unready) {
    return { reason: 'NotReady', container: unready.name };
  }
  return { reason: 'NotReady', condition: type, detail: detailOf(own(pod.conditions, type)?.message) };
}

const START_ORDER = ['init', 'sidecar', 'regular'] as const;

const inStartOrder = (pod: PodView): ContainerView[] =>
  pod.containers.toSorted((a, b) => START_ORDER.indexOf(a.role) - START_ORDER.indexOf(b.role));

const isDone = ({ role, state, exitCode, starting }: ContainerView): boolean =>
  role === 'init' ? state === 'terminated' && exitCode === 0 : state === 'running' && !starting;

/** The first container, in the order in which they start, that has not ended, or does not run: the later ones wait for it. */
const firstHeld = (pod: PodView): ContainerView | undefined =>
  inStartOrder(pod).find((container) => !isDone(container));

/** Ready but for its gates: the kubelet's condition, from its node. */
export const areContainersReady = ({ conditions }: PodView): boolean =>
  conditions.ContainersReady?.status === 'True';

/**
 * Whether a pod that is not ready waits for something else than its own version, which is no evidence against it: for a container that was never
 * started (a node, a volume, an image that takes long to pull) or cannot be now, for what others injected, or for a readiness gate about which nobody
 * has said anything.
 */
export function waitsForOthers(pod: PodView, template: readonly string[]): boolean {
  const isInjected = ({ name }: ContainerView) => !template.includes(name);
  const held = firstHeld(pod);
  if (held) {
    return held.id === '' || isInjected(held) || isHeldByOthers(held);
  }
  const unready = pod.containers.filter(({ role, ready }) => role !== 'init' && !ready);
  return unready.length > 0 ? unready.every(isInjected) : waitsForGates(pod);
}

/**
 * Whether a pod that is not ready has not come to its version yet: it is held by an init container or a sidecar that is not upgraded, and no upgraded
 * container was ever started. A pod of any other version waits for it as well, which is no evidence either.
 */
export function isBeforeItsVersion(pod: PodView, spec: UpgradeSpec): boolean {
  const upgraded = pod.containers.filter(({ name }) => isUpgraded(spec, name));
  const held = firstHeld(pod);
  return held !== undefined && !upgraded.includes(held) && upgraded.every(({ id }) => id === '');
}

/** Every readiness gate of others that keeps the pod from being ready has no value yet. */
function waitsForGates({ conditions, gates }: PodView): boolean {
  const closed = gates.filter((type) => type !== VERIFIED && own(conditions, type)?.status !== 'True');
  return closed.length > 0 && closed.every((type) => own(conditions, type)?.status !== 'False');
}

/** Why a container cannot start, with its image: in a pod with several containers the reason alone does not say which one. */
export const waitingCause = ({ name, image, reason, message }: ContainerView): Cause => ({
  reason: kubernetesReason(reason),
  container: name,
  image,
  detail: detailOf(message),
});

function notRunning(container: ContainerView): Cause {
  const { name, role, state, reason, exitCode, startedAt, ended } = container;
  if (state === 'waiting' && Object.hasOwn(TERMINAL_REASONS, reason)) {
    return waitingCause(container);
  }
  if (role === 'init' && state === 'running') {
    return {
      reason: 'Initializing',
      container: name,
      since: startedAt === undefined ? undefined : toIso(startedAt),
    };
  }
  return {
    reason: reason ? kubernetesReason(reason) : 'NotStarted',
    container: name,
    exitCode,
    ended: ended && ended.reason !== reason ? kubernetesReason(ended.reason) : undefined,
  };
}
