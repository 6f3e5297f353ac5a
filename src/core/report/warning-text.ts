/** The text for what may interfere with a verification. */
import { kubectl } from '../../api/kubectl.ts';
import type { PodView, TaintView } from '../../api/views.ts';
import type { NamedWorkload } from '../obstacle.ts';

/** With OnDelete a pod is replaced only if another one would be created in its place. */
export const repelledText = ({ kind, name }: NamedWorkload, { key, value, effect }: TaintView): string =>
  `not replaced, because ${kind} ${name} does not tolerate the taint ${key}${value ? `=${value}` : ''}:${effect} of the node and would have no pod there: remove the taint, or delete the pod`;

/** Its own `progressDeadlineSeconds`, 600 by default, is when the controller looks again. */
export const overlookedText = ({ namespace, name }: PodView): string =>
  `has ended and is still there, and because of that its controller may create no pod for minutes (kubernetes#128798): run ${kubectl(namespace, 'delete', 'pod', name)}`;

/** A startup probe restarts a container before its failure can be observed. */
export const startupProbeText = (container: string): string =>
  `container ${container} has a startupProbe, which restarts it before the post-check can detect a failure: use a readinessProbe`;

/**
 * Controllers of StatefulSets and DaemonSets report a revision that they cannot create neither in the status nor in events, and none reports conflicts:
 * at 25 writes a second to a Deployment, its controller observed nothing for as long as they lasted.
 */
export const unobservedText = ({ kind, name }: NamedWorkload, revisionKind: string): string =>
  `the controller of ${kind} ${name} has not observed the change: kube-controller-manager may be down, a quota may forbid a further ${revisionKind}, or somebody may write to the ${kind} so often that its controller's own writes conflict`;
