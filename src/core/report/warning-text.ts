/** The text for what may interfere with a verification. */
import type { NamedWorkload } from '../obstacle.ts';

/** A startup probe restarts a container before its failure can be observed. */
export const startupProbeText = (container: string): string =>
  `container ${container} has a startupProbe, which restarts it before the post-check can detect a failure: use a readinessProbe`;

/** Controllers of StatefulSets and DaemonSets report a revision that they cannot create neither in the status nor in events. */
export const unobservedText = ({ kind, name }: NamedWorkload, revisionKind: string): string =>
  `the controller of ${kind} ${name} has not observed the change: kube-controller-manager may be down, or a quota may forbid a further ${revisionKind}`;
